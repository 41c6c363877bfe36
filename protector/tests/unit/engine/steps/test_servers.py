# SPDX-License-Identifier: Apache-2.0
"""Servers fenced, stopped, started and parked while Nova is at work."""

from typing import Any

from protector import exception
from protector.db import models
from protector.engine import fencing
from protector.engine.steps import servers
from protector.tests.unit.engine import arrival_case

LOST = exception.CloudUnavailable("no answer")


class SourceTest(arrival_case.ArrivalCase):
    def setUp(self) -> None:
        super().setUp()
        self.compute = self.here.compute
        self.set_state(status="ACTIVE")

    def set_state(self, **values: Any) -> None:
        self.compute._set(self.server_id, "", **values)

    def busy(self, task: str, **then: Any) -> None:
        """Nova is at it for two looks."""
        looks = iter(range(2))
        real = self.compute.list_servers

        def list_servers(**kwargs: Any) -> Any:
            if next(looks, None) is None:
                self.compute.list_servers = real  # type: ignore
                self.set_state(task_state=None, **then)
            return real(**kwargs)

        self.set_state(task_state=task)
        self.compute.list_servers = list_servers  # type: ignore

    def fenced(self) -> None:
        reason = fencing.reason(self.ctx.operation.id, "ACTIVE")
        self.set_state(locked=True, locked_reason=reason)

    def test_what_is_fenced_no_more_is_not_stopped(self) -> None:
        """An adopter comes when the source has taken itself back."""
        self.assertRaises(exception.LockLost, servers.stop, self.ctx)
        reason = fencing.reason("another", "ACTIVE")
        self.set_state(locked=True, locked_reason=reason)
        self.assertRaises(exception.LockLost, servers.stop, self.ctx)
        self.assertEqual([], self.here.changes)

    def test_stop_waits_for_what_is_under_way(self) -> None:
        self.fenced()
        self.busy("powering-off", status="SHUTOFF")
        servers.stop(self.ctx)
        self.assertEqual([], self.here.changes)

    def test_stop_tells_from_when_on_it_stands_still(self) -> None:
        self.fenced()
        self.compute.actions[self.server_id] = ["lock", "start", "create"]
        servers.stop(self.ctx)
        self.assertEqual("stop", self.compute.actions[self.server_id][0])
        self.assertEqual("req-4", self.source().stop_request_id)

    def test_one_that_was_stopped_already_stands_still_as_well(self) -> None:
        self.fenced()
        self.set_state(status="SHUTOFF")
        self.compute.actions[self.server_id] = ["lock", "stop", "create"]
        servers.stop(self.ctx)
        self.assertEqual("req-3", self.source().stop_request_id)

    def source(self) -> models.MemberCopy:
        return self.row().copy(self.site.local_id)

    def test_stop_again_after_a_lost_answer(self) -> None:
        self.fenced()
        self.here.fail("stop", LOST, done=True)
        self.assertRaises(exception.CloudUnavailable, servers.stop, self.ctx)
        servers.stop(self.again())
        self.assertEqual(1, self.here.count("stop"))

    def test_a_conflict_with_our_own_request_is_none(self) -> None:
        """The first request arrives between our look and our request."""
        self.fenced()
        conflict = exception.CloudConflict("vm_state stopped")
        self.here.fail("stop", conflict, done=True)
        servers.stop(self.ctx)

    def test_a_conflict_that_leaves_it_running_is_told(self) -> None:
        self.fenced()
        self.here.fail("stop", exception.CloudConflict("locked"))
        self.assertRaises(exception.CloudConflict, servers.stop, self.ctx)

    def test_fence_notes_the_state_after_a_change_under_way(self) -> None:
        self.busy("powering-off", status="SHUTOFF")
        found = servers.fence(self.ctx)
        self.assertEqual("SHUTOFF", found["power_state"])

    def test_fence_notes_that_volumes_grew(self) -> None:
        self.here.volume.change(self.volume_id, size=7)
        servers.fence(self.ctx)
        (volume,) = self.row().volumes_at(self.site.local_id)
        self.assertEqual(7, volume.size_gb)

    def test_unfence_lets_the_stop_end_first(self) -> None:
        servers.fence(self.ctx)
        self.busy("powering-off", status="SHUTOFF")
        servers.unfence(self.again())
        server = self.compute.rows[self.server_id]
        self.assertEqual(("ACTIVE", False), (server.status, server.locked))

    def test_park_waits_for_what_is_under_way(self) -> None:
        self.busy("shelving", status="SHELVED_OFFLOADED")
        servers.park(self.ctx)
        self.assertEqual([], self.here.changes)


class StartTest(arrival_case.ArrivalCase):
    def setUp(self) -> None:
        super().setUp()
        with self.runtime.db.writer() as session:
            key = (self.member_id, self.site.local_id)
            session.get(models.MemberCopy, key).power_state = "ACTIVE"
        self.compute = self.there.compute

    def start(self) -> str:
        return str(servers.start(self.again())["server_id"])

    def prepared(self) -> None:
        """A volume there and no server."""
        server_id = self.park()
        self.compute.delete_server(server_id)
        self.set_copy(server_id=None)
        self.there.changes.clear()

    def test_the_parked_one(self) -> None:
        server_id = self.park(
            locked=True, locked_reason="protector:op-0:ACTIVE"
        )
        self.assertEqual(server_id, self.start())
        server = self.compute.rows[server_id]
        self.assertEqual(("ACTIVE", False), (server.status, server.locked))

    def test_one_that_found_no_host_is_built_again(self) -> None:
        self.prepared()
        self.compute.births = ["ERROR"]
        error = self.assertRaises(exception.UnexpectedState, self.start)
        self.assertIn("No valid host", error.message)
        failed = self.copy().server_id
        server_id = self.start()
        self.assertNotEqual(failed, server_id)
        self.assertEqual([server_id], list(self.compute.rows))
        self.assertEqual(server_id, self.copy().server_id)
        self.assertEqual(0, self.there.count("delete_volume"))

    def test_one_in_error_that_ran_is_not_ours_to_delete(self) -> None:
        for values in (
            {"metadata": {}},
            {"raw": {"OS-SRV-USG:launched_at": "2026-11-24T08:00:00"}},
        ):
            given = {"protector_member": self.member_id}
            server_id = self.park(
                **{"status": "ERROR", "metadata": given} | values
            )
            self.assertRaises(exception.UnexpectedState, self.start)
            self.assertIn(server_id, self.compute.rows)
            with self.runtime.db.writer() as session:
                key = (self.member_id, 0, self.site.peer_id)
                session.delete(session.get(models.VolumeCopy, key))

    def test_one_that_vanished_is_built_with_ports(self) -> None:
        server_id = self.park()
        self.compute.delete_server(server_id)
        self.assertNotEqual(server_id, self.start())
        (port_id,) = self.there.network.rows
        self.assertEqual(
            [{"port": port_id}], self.compute.bodies[0]["networks"]
        )

    def test_a_lost_answer_makes_no_second_one(self) -> None:
        self.prepared()
        self.there.fail("create_server", LOST, done=True)
        self.assertRaises(exception.CloudUnavailable, self.start)
        self.start()
        self.assertEqual(1, self.there.count("create_server"))

    def test_its_power_state_is_as_it_was(self) -> None:
        with self.runtime.db.writer() as session:
            key = (self.member_id, self.site.local_id)
            session.get(models.MemberCopy, key).power_state = "SHUTOFF"
        server_id = self.park()
        self.start()
        self.assertEqual("SHUTOFF", self.compute.rows[server_id].status)

    def test_a_failure_is_the_members_own(self) -> None:
        (step,) = (s for s in servers.STEPS if s.name == "servers.start")
        self.assertTrue(step.partial)
