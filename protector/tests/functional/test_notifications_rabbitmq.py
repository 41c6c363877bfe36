# SPDX-License-Identifier: Apache-2.0
"""What a listener on a real RabbitMQ is told."""

import logging
import queue
import threading
from typing import Any
import uuid

import oslo_messaging as messaging

from protector import notifications
from protector.tests import base
from protector.tests.fixtures import rabbitmq

# seconds for a notification to arrive, over a connection made anew
SOON = 60


class Endpoint:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: queue.Queue[Any] = queue.Queue()

    def info(
        self, ctxt: Any, publisher: str, kind: str, payload: Any, meta: Any
    ) -> None:
        self.told.put((publisher, kind, payload))


class FirstError(logging.Handler):
    """Tells when the library has met the broker that is away."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.met = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.met.set()


class NotificationsTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.broker = rabbitmq.use(self)
        self.topic = f"notifications-{uuid.uuid4()}"
        self.endpoint = Endpoint()
        # the listener has a way of its own to the broker
        transport = messaging.get_notification_transport(
            self.conf(self.broker.direct)
        )
        self.addCleanup(transport.cleanup)
        listener = messaging.get_notification_listener(
            transport,
            [messaging.Target(topic=self.topic)],
            [self.endpoint],
            executor="threading",
        )
        listener.start()
        self.addCleanup(listener.wait)
        self.addCleanup(listener.stop)

    def conf(self, url: str) -> Any:
        return rabbitmq.conf(
            self,
            url,
            f"host = controller1\n[{notifications.GROUP}]\n"
            f"driver = messagingv2\ntopics = {self.topic}\n",
        )

    def test_they_arrive_in_order(self) -> None:
        sender = notifications.Notifications(self.conf(self.broker.url))
        for number in range(20):
            sender.tell(
                notifications.Event("protection_group.x.end", {"n": number})
            )
        told = [self.endpoint.told.get(timeout=SOON) for _ in range(20)]
        self.assertEqual(
            [
                ("protector.controller1", "protection_group.x.end", {"n": n})
                for n in range(20)
            ],
            told,
        )

    def test_a_broker_that_went_away(self) -> None:
        sender = notifications.Notifications(self.conf(self.broker.url))
        handler = FirstError()
        logger = logging.getLogger("oslo.messaging")
        logger.addHandler(handler)
        self.addCleanup(logger.removeHandler, handler)
        self.broker.go()
        sender.tell(notifications.Event("protection_group.x.end", {}))
        self.assertTrue(handler.met.wait(SOON))
        self.assertTrue(self.endpoint.told.empty())
        self.broker.come()
        self.assertEqual(
            "protection_group.x.end", self.endpoint.told.get(timeout=SOON)[1]
        )
