# SPDX-License-Identifier: Apache-2.0
"""Operations told to the peer: each once, whatever becomes of the others."""

from protector import exception
from protector.db.api import operations
from protector.engine import mirror
from protector.tests.unit.engine import case


class MirrorTest(case.EngineCase):
    def setUp(self) -> None:
        super().setUp()
        self.mirror = mirror.Mirror(self.runtime, self.site.local_id)
        self.told = self.peer.mirrored

    def operation(self) -> str:
        """A move that ended a second after the one before it."""
        self.clock.advance(1)
        self.set_group(status="active")
        operation_id = self.accept("failover")
        self.end(operation_id)
        return operation_id

    def test_tells_what_changed_once(self) -> None:
        first = self.operation()
        self.mirror.run()
        self.mirror.run()
        self.assertEqual([first], self.told)
        with self.runtime.db.writer() as session:
            operations.get(session, first).mirror_version += 1
        self.mirror.run()
        self.assertEqual([first, first], self.told)

    def test_every_kind_is_told(self) -> None:
        told = []
        for verb in ("update", "replicate", "member_add", "failback"):
            self.clock.advance(1)
            self.set_group(
                status="failed_over" if verb == "failback" else "active"
            )
            told.append(self.accept(verb))
            self.end(told[-1])
        self.mirror.run()
        self.assertEqual(set(told), set(self.told))

    def test_one_bad_operation_does_not_stop_the_others(self) -> None:
        old, bad = self.operation(), self.operation()
        self.peer.errors[bad] = KeyError("something")
        self.mirror.run()
        self.assertEqual([old], self.told)
        del self.peer.errors[bad]
        self.mirror.run()
        self.assertEqual([old, bad], self.told)

    def test_a_gone_group_is_not_asked_for_again(self) -> None:
        self.operation()
        self.peer.errors["mirror"] = exception.NotFound("no such group")
        self.mirror.run()
        self.mirror.run()
        self.assertEqual(1, self.peer.asked)

    def test_a_silent_peer_is_asked_once_a_round(self) -> None:
        both = {self.operation(), self.operation()}
        self.peer.errors["mirror"] = exception.PeerUnreachable("no route")
        self.mirror.run()
        self.assertEqual(1, self.peer.asked)
        del self.peer.errors["mirror"]
        self.mirror.run()
        self.assertEqual(both, set(self.told))
