# SPDX-License-Identifier: Apache-2.0
"""Notifications as the configuration has them."""

import pathlib
import threading
from typing import Any
from unittest import mock

import fixtures

from protector import notifications, service
from protector.tests import base

# seconds for a thread to get its turn
SOON = 30
EVENT = notifications.Event(
    "protection_group.failover.end", {"status": "completed"}
)


class NotificationsTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.sent: list[tuple[str, str, Any]] = []
        self.arrived = threading.Semaphore(0)
        self.open = threading.Event()
        self.open.set()
        self.addCleanup(self.open.set)
        self.useFixture(
            fixtures.MockPatch(
                "oslo_messaging.notify._impl_noop.NoOpDriver.notify",
                self.deliver,
            )
        )

    def deliver(self, ctxt: Any, msg: Any, priority: str, retry: int) -> None:
        self.open.wait(SOON)
        self.sent.append((priority, msg["event_type"], msg))
        self.arrived.release()
        if msg["payload"].get("cannot"):
            raise ZeroDivisionError

    def made(self, driver: str = "noop") -> notifications.Notifications:
        path = pathlib.Path(self.useFixture(fixtures.TempDir()).path, "conf")
        lines = ["[DEFAULT]", "transport_url = fake://", "host = controller1"]
        if driver:
            lines += [f"[{notifications.GROUP}]", f"driver = {driver}"]
        path.write_text("\n".join(lines))
        conf = service.load_conf(["--config-file", str(path)])
        return notifications.Notifications(conf)

    def tell(self, told: notifications.Notifications, *given: Any) -> None:
        for event in given:
            told.tell(event)
        for _ in given:
            self.assertTrue(self.arrived.acquire(timeout=SOON))

    def test_nobody_is_told_by_default(self) -> None:
        before = threading.active_count()
        self.made("").tell(EVENT)
        self.assertEqual(before, threading.active_count())

    def test_the_envelope_and_the_priorities(self) -> None:
        failed = notifications.Event(
            "protection_group.failover.error", {}, True
        )
        changed = notifications.Event(
            "protection_group.condition.change", {}, True
        )
        late = notifications.Event(
            "protection_group.condition.change", {}, True, True
        )
        self.tell(self.made(), EVENT, failed, changed, late)
        self.assertEqual(
            [
                ("INFO", EVENT.type),
                ("ERROR", failed.type),
                ("WARN", changed.type),
                ("CRITICAL", late.type),
            ],
            [(priority, kind) for priority, kind, _ in self.sent],
        )
        message = self.sent[0][2]
        self.assertEqual("protector.controller1", message["publisher_id"])
        self.assertEqual(EVENT.payload, message["payload"])

    def test_one_that_cannot_be_sent_stops_nothing(self) -> None:
        bad = notifications.Event(EVENT.type, {"cannot": True})
        self.tell(self.made(), bad, EVENT)
        self.assertEqual(2, len(self.sent))

    def test_a_broker_that_hangs_delays_nothing(self) -> None:
        with mock.patch.object(notifications, "WAITING", 2):
            told = self.made()
        self.open.clear()
        # one is on its way, two wait, the others are dropped
        for _ in range(5):
            told.tell(EVENT)
        self.assertIn("is dropped", self.log_output)
        self.open.set()
        self.assertTrue(self.arrived.acquire(timeout=SOON))

    def test_what_waits_is_sent_before_the_end(self) -> None:
        told = self.made()
        self.open.clear()
        for _ in range(3):
            told.tell(EVENT)
        opener = threading.Thread(target=self.open.set)
        opener.start()
        self.addCleanup(opener.join)
        told.flush(SOON)
        self.assertEqual(3, len(self.sent))

    def test_the_end_does_not_wait_for_ever(self) -> None:
        told = self.made()
        self.open.clear()
        told.tell(EVENT)
        told.flush(0.01)
        self.assertEqual([], self.sent)
        self.assertIn("1 notifications are lost", self.log_output)
        self.open.set()
        self.assertTrue(self.arrived.acquire(timeout=SOON))
