# SPDX-License-Identifier: Apache-2.0
"""What a listener on a real RabbitMQ is told."""

import os
import pathlib
import queue
from typing import Any
from urllib import parse
import uuid

import fixtures
import oslo_messaging as messaging

from protector import notifications, service
from protector.tests import base
from protector.tests.fixtures import tcp_proxy

VARIABLE = "PROTECTOR_TEST_RABBIT"
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


class NotificationsTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        url = os.environ.get(VARIABLE)
        if not url:
            self.skipTest(
                f"{VARIABLE} is not set: RabbitMQ is NOT tested; run "
                "tools/test.sh functional"
            )
        parts = parse.urlsplit(url)
        self.broker = self.useFixture(
            tcp_proxy.TcpProxy((str(parts.hostname), int(parts.port or 5672)))
        )
        login = parts.netloc.rpartition("@")[0]
        # the listener has a way of its own to the broker
        self.through = f"rabbit://{login}@127.0.0.1:{self.broker.port}/"
        self.topic = f"notifications-{uuid.uuid4()}"
        self.endpoint = Endpoint()
        transport = messaging.get_notification_transport(self.conf(url))
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
        path = pathlib.Path(self.useFixture(fixtures.TempDir()).path, "conf")
        path.write_text(
            f"[DEFAULT]\ntransport_url = {url}\nhost = controller1\n"
            f"[{notifications.GROUP}]\ndriver = messagingv2\n"
            f"topics = {self.topic}\n"
        )
        return service.load_conf(["--config-file", str(path)])

    def test_they_arrive_in_order(self) -> None:
        sender = notifications.Notifications(self.conf(self.through))
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
        sender = notifications.Notifications(self.conf(self.through))
        self.broker.go()
        sender.tell(notifications.Event("protection_group.x.end", {}))
        self.assertTrue(self.endpoint.told.empty())
        self.broker.come()
        self.assertEqual(
            "protection_group.x.end", self.endpoint.told.get(timeout=SOON)[1]
        )
