# SPDX-License-Identifier: Apache-2.0
"""Two arrays in two processes: what arrives, and what must not."""

import os
from typing import Any
import uuid

import purestorage

from protector.tests import base
from protector.tests.unit.sandbox.array import processes
from protector.tests.unit.sandbox.array.processes import eventually

_MIB = 1024**2
_DEFAULTS = {
    "transfer_seconds": 0,
    "bandwidth": None,
    "clock_offset": 0,
    "announce_delay": 0,
    "min_frequency": 300,
}


class ReplicationTest(base.TestCase):
    """Every test has its own group of two volumes on shared arrays."""

    source: processes.ArrayProcess
    target: processes.ArrayProcess

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.source, cls.target = processes.connected_pair()
        cls.addClassCleanup(cls.source.remove)
        cls.addClassCleanup(cls.target.remove)
        cls.source.sdk().create_host("h")

    def setUp(self) -> None:
        super().setUp()
        self.a, self.b = self.source.sdk(), self.target.sdk()
        key = uuid.uuid4().hex[:8]
        self.one, self.two = f"one-{key}", f"two-{key}"
        self.group, self.remote = f"pg-{key}", f"array-a:pg-{key}"
        for name in (self.one, self.two):
            self.a.create_volume(name, 64 * _MIB)
            self.a.connect_host("h", name)
        self.a.create_pgroup(self.group, vollist=[self.one, self.two])
        self.addCleanup(self.source.tune, **_DEFAULTS)
        self.addCleanup(self.target.tune, **_DEFAULTS)

    def allow(self) -> None:
        """Make the other array the group's target and allow it there."""
        self.a.set_pgroup(self.group, addtargetlist=["array-b"])
        self.b.set_pgroup(self.remote, allowed=True)
        self.assertTrue(self.a.get_pgroup(self.group)["targets"][0]["allowed"])

    def write(self, volume: str, offset: int, data: bytes) -> None:
        """Write as the host that the volumes are connected to."""
        answer = self.source.write(volume, offset, data)
        self.assertEqual(200, answer.status_code, answer.text)

    def send(self, **kwargs: Any) -> str:
        """Take and send a snapshot; return its name on the target."""
        kwargs.setdefault("replicate_now", True)
        told = self.a.create_pgroup_snapshot(self.group, **kwargs)
        return f"array-a:{told['name']}"

    def transfer(self, name: str) -> dict[str, Any]:
        """Return what the target tells of a transfer; {} for nothing."""
        told = self.b.get_pgroup(self.remote, snap=True, transfer=True)
        return next((s for s in told if s["name"] == name), {})

    def arrive(self, name: str) -> dict[str, Any]:
        """Wait until the target has a snapshot completely."""

        def completed() -> Any:
            told = self.transfer(name)
            return told if told.get("completed") else None

        return eventually(completed, what=f"{name} arrives")

    def under_way(self, name: str, least: float = 0.0) -> None:
        """Wait until a transfer has begun and is not at its end."""
        eventually(
            lambda: least < (self.transfer(name).get("progress") or 0) < 1,
            what=f"{name} is under way",
        )

    def test_all_bytes_arrive(self) -> None:
        self.allow()
        self.write(self.one, 5 * _MIB + 17, os.urandom(2 * _MIB))
        self.write(self.two, 0, b"two")
        name = self.send()
        told = self.arrive(name)
        self.assertEqual(1.0, told["progress"])
        self.assertEqual(self.remote, told["source"])
        for volume in (self.one, self.two):
            self.assertEqual(
                self.source.digest(volume),
                self.target.digest(f"{name}.{volume}"),
            )
        members = {
            s["name"]: s["source"] for s in self.b.list_volumes(snap=True)
        }
        self.assertEqual(f"array-a:{self.one}", members[f"{name}.{self.one}"])

    def test_replica_is_copied_to_a_volume(self) -> None:
        self.allow()
        self.write(self.one, 0, b"kept")
        name = self.send()
        self.arrive(name)
        self.write(self.one, 0, b"lost")
        told = self.b.copy_volume(f"{name}.{self.one}", f"dr-{self.one}")
        self.assertEqual(f"array-a:{self.one}", told["source"])
        self.assertEqual(b"kept", self.target.read(f"dr-{self.one}", 0, 4))

    def test_replica_cannot_be_asked_for_by_name(self) -> None:
        self.allow()
        name = f"{self.send()}.{self.one}"
        self.arrive(name.rpartition(".")[0])
        for kwargs in ({}, {"snap": True}):
            error = self.assertRaises(
                purestorage.PureHTTPError, self.b.get_volume, name, **kwargs
            )
            self.assertIn("does not exist", error.text)
        found = self.b.list_volumes(names=name, snap=True, transfer=True)
        self.assertEqual(1.0, found[0]["progress"])

    def test_second_transfer_sends_the_difference(self) -> None:
        self.allow()
        self.write(self.one, 0, os.urandom(4 * _MIB))
        first = self.arrive(self.send())
        self.assertGreaterEqual(first["data_transferred"], 4 * _MIB)
        self.write(self.one, _MIB, b"changed")
        self.write(self.one, 2 * _MIB, bytes(_MIB))
        name = self.send()
        second = self.arrive(name)
        self.assertLess(second["data_transferred"], _MIB)
        self.assertEqual(
            self.source.digest(self.one),
            self.target.digest(f"{name}.{self.one}"),
        )

    def test_progress_is_seen_while_it_runs(self) -> None:
        self.allow()
        self.write(self.one, 0, os.urandom(4 * _MIB))
        self.source.tune(bandwidth=8 * _MIB)
        name = self.send()
        self.under_way(name, 0.2)
        self.assertIsNone(self.transfer(name)["completed"])
        self.assertFalse(
            self.a.get_pgroup(self.group, snap=True, transfer=True)[0][
                "completed"
            ]
        )
        self.refused_copy(name)
        self.arrive(name)

    def refused_copy(self, name: str) -> None:
        """Expect that an incomplete snapshot cannot be copied."""
        error = self.assertRaises(
            purestorage.PureHTTPError,
            self.b.copy_volume,
            f"{name}.{self.one}",
            f"x-{self.one}",
        )
        self.assertIn("not been completely replicated", error.text)

    def test_neither_flag_keeps_the_snapshot_local(self) -> None:
        self.allow()
        name = self.send(replicate_now=False)
        later = self.send()
        self.arrive(later)
        self.assertEqual({}, self.transfer(name))
        self.a.send_pgroup_snapshot(name.removeprefix("array-a:"))
        self.arrive(name)

    def test_replicate_queues_and_replicate_now_does_not(self) -> None:
        self.allow()
        self.source.tune(transfer_seconds=30)
        first = self.send()
        self.under_way(first)
        queued = self.send(replicate_now=False, replicate=True)
        at_once = self.send()
        self.under_way(at_once)
        self.assertEqual({}, self.transfer(queued))
        self.source.tune(transfer_seconds=0)
        for name in (first, queued, at_once):
            self.arrive(name)

    def test_group_is_not_taken_unless_allowed(self) -> None:
        self.a.set_pgroup(self.group, addtargetlist=["array-b"])
        told = self.b.get_pgroup(self.remote)
        self.assertEqual(
            [{"name": "array-b", "allowed": False}], told["targets"]
        )
        self.assertEqual("array-a", told["source"])
        self.assertRaises(purestorage.PureHTTPError, self.send)
        self.b.set_pgroup(self.remote, allowed=True)
        error = self.assertRaises(
            purestorage.PureHTTPError,
            self.b.set_pgroup,
            self.remote,
            allowed=True,
        )
        self.assertIn("already allowed on", error.text)
        error = self.assertRaises(
            purestorage.PureHTTPError,
            self.a.set_pgroup,
            self.group,
            addtargetlist=["array-b"],
        )
        self.assertIn("already includes", error.text)

    def test_late_announcement_is_a_trap_for_hasty_callers(self) -> None:
        self.source.tune(announce_delay=1.0)
        self.a.set_pgroup(self.group, addtargetlist=["array-b"])
        error = self.assertRaises(
            purestorage.PureHTTPError,
            self.b.set_pgroup,
            self.remote,
            allowed=True,
        )
        self.assertIn("does not exist", error.text)
        eventually(
            lambda: self.remote in [g["name"] for g in self.b.list_pgroups()]
        )

    def test_disallowing_drops_what_is_incomplete(self) -> None:
        self.allow()
        kept = self.send()
        self.arrive(kept)
        self.source.tune(transfer_seconds=30)
        lost = self.send()
        self.under_way(lost)
        self.b.set_pgroup(self.remote, allowed=False)
        self.assertEqual({}, self.transfer(lost))
        self.assertFalse(
            self.a.get_pgroup(self.group)["targets"][0]["allowed"]
        )
        self.source.tune(transfer_seconds=0)
        self.b.set_pgroup(self.remote, allowed=True)
        self.arrive(self.send())
        self.assertEqual({}, self.transfer(lost))
        self.assertEqual(1.0, self.transfer(kept)["progress"])

    def test_destroying_what_is_sent_leaves_nothing_half(self) -> None:
        self.allow()
        self.source.tune(transfer_seconds=30)
        name = self.send()
        self.under_way(name)
        self.a.destroy_pgroup(name.removeprefix("array-a:"))
        eventually(lambda: self.transfer(name) == {})
        self.source.tune(transfer_seconds=0)
        self.a.recover_pgroup(name.removeprefix("array-a:"))
        self.a.send_pgroup_snapshot(name.removeprefix("array-a:"))
        self.arrive(name)

    def test_namesake_is_never_taken_for_its_predecessor(self) -> None:
        self.allow()
        name = self.send(suffix="s")
        self.arrive(name)
        self.a.destroy_pgroup(self.group)
        self.a.eradicate_pgroup(self.group)
        self.a.create_pgroup(self.group, vollist=[self.one])
        self.a.set_pgroup(self.group, addtargetlist=["array-b"])
        self.assertFalse(
            self.b.get_pgroup(self.remote)["targets"][0]["allowed"]
        )
        self.b.set_pgroup(self.remote, allowed=True)
        self.send(suffix="s")
        self.arrive(self.send())
        told = self.a.get_pgroup(self.group, snap=True, transfer=True)
        named = next(s for s in told if s["name"] == f"{self.group}.s")
        self.assertIsNone(named["completed"])

    def test_cut_link_pauses_and_resumes(self) -> None:
        self.allow()
        self.write(self.one, 0, os.urandom(4 * _MIB))
        self.source.tune(bandwidth=4 * _MIB)
        name = self.send()
        self.under_way(name, 0.2)
        self.source.control("PUT", "links/array-b", json={"cut": True})
        told = self.a.list_array_connections()[0]
        self.assertEqual("connecting", told["status"])
        eventually(
            lambda: (
                self.b.list_array_connections()[0]["status"] == "connecting"
            )
        )
        self.assertIsNone(self.transfer(name)["completed"])
        self.source.control("PUT", "links/array-b", json={"cut": False})
        self.arrive(name)
        eventually(
            lambda: self.a.list_array_connections()[0]["status"] == "connected"
        )
        self.assertEqual(
            self.source.digest(self.one),
            self.target.digest(f"{name}.{self.one}"),
        )

    def test_killed_target_is_resumed_and_never_shown_complete(self) -> None:
        self.check_killed(self.target)

    def test_killed_source_resumes(self) -> None:
        self.check_killed(self.source)

    def check_killed(self, victim: processes.ArrayProcess) -> None:
        """Kill an array amid a transfer and start it again."""
        self.allow()
        self.write(self.one, 0, os.urandom(6 * _MIB))
        self.source.tune(bandwidth=3 * _MIB)
        name = self.send()
        self.under_way(name, 0.3)
        victim.kill()
        victim.start()
        told = self.transfer(name)
        self.assertIsNone(told["completed"])
        self.assertLess(told["progress"], 1)
        self.source.tune(bandwidth=None)
        told = self.arrive(name)
        self.assertLess(told["data_transferred"], 9 * _MIB)
        for volume in (self.one, self.two):
            self.assertEqual(
                self.source.digest(volume),
                self.target.digest(f"{name}.{volume}"),
            )

    def test_schedule_sends_and_stops(self) -> None:
        self.allow()
        self.source.tune(min_frequency=1)
        self.a.set_pgroup(self.group, replicate_frequency=1)
        self.a.enable_pgroup_replication(self.group)
        eventually(lambda: len(self.complete()) >= 2, what="two points")
        self.source.tune(transfer_seconds=2)
        count = len(self.complete())
        eventually(lambda: len(self.points()) > count)
        self.a.disable_pgroup_replication(self.group)
        eventually(lambda: len(self.complete()) == len(self.points()))

    def points(self) -> list[dict[str, Any]]:
        """Return what the target tells of the group's snapshots."""
        return self.b.get_pgroup(self.remote, snap=True, transfer=True)

    def complete(self) -> list[dict[str, Any]]:
        """Return the group's complete snapshots on the target."""
        return [point for point in self.points() if point["completed"]]

    def test_retention_ages_points_out_on_both_sides(self) -> None:
        self.allow()
        self.a.set_pgroup(self.group, all_for=600, per_day=0, days=0)
        self.a.set_pgroup(
            self.group, target_all_for=1200, target_per_day=0, target_days=0
        )
        old = self.send(apply_retention=True)
        kept = self.send(suffix="kept")
        self.arrive(old)
        self.arrive(kept)
        self.source.tune(clock_offset=900)
        self.target.tune(clock_offset=900)
        local = [old.removeprefix("array-a:"), f"{self.group}.kept"]
        eventually(lambda: self.local_names() == {local[1]})
        self.assertTrue(self.transfer(old))
        new = self.send(apply_retention=True)
        self.arrive(new)
        self.target.tune(clock_offset=1500)
        eventually(lambda: not self.transfer(old))
        names = [s["name"] for s in self.b.list_volumes(snap=True)]
        self.assertNotIn(f"{old}.{self.one}", names)
        self.assertIn(f"{kept}.{self.one}", names)

    def local_names(self) -> set[str]:
        """Return the names of the group's snapshots on the source."""
        return {s["name"] for s in self.a.get_pgroup(self.group, snap=True)}

    def test_newest_replica_outlives_its_retention(self) -> None:
        self.allow()
        self.a.set_pgroup(
            self.group, target_all_for=60, target_per_day=0, target_days=0
        )
        older = self.send(apply_retention=True)
        self.arrive(older)
        newest = self.send(apply_retention=True)
        self.arrive(newest)
        self.target.tune(clock_offset=7200)
        eventually(lambda: not self.transfer(older))
        self.assertEqual(1.0, self.transfer(newest)["progress"])

    def test_renamed_group_is_renamed_on_the_target(self) -> None:
        self.allow()
        name = self.send(suffix="s")
        self.arrive(name)
        self.a.rename_pgroup(self.group, f"{self.group}-new")
        told = self.b.get_pgroup(f"{self.remote}-new", snap=True)
        self.assertEqual(f"{self.remote}-new.s", told[0]["name"])

    def test_removed_target_keeps_what_it_has(self) -> None:
        self.allow()
        name = self.send()
        self.arrive(name)
        self.a.set_pgroup(self.group, remtargetlist=["array-b"])
        self.assertIsNone(self.a.get_pgroup(self.group)["targets"])
        self.assertEqual(1.0, self.transfer(name)["progress"])
        self.assertFalse(
            self.b.get_pgroup(self.remote)["targets"][0]["allowed"]
        )

    def test_group_snapshot_is_crash_consistent(self) -> None:
        for number in range(1, 30):
            self.write(self.one, 0, number.to_bytes(4, "big"))
            self.write(self.two, 0, number.to_bytes(4, "big"))
            if number % 7 == 0:
                self.a.create_pgroup_snapshot(self.group, suffix=f"n{number}")
        for number in range(7, 29, 7):
            members = [
                self.source.read(f"{self.group}.n{number}.{v}", 0, 4)
                for v in (self.one, self.two)
            ]
            self.assertEqual([number.to_bytes(4, "big")] * 2, members)

    def test_only_the_initiator_disconnects(self) -> None:
        error = self.assertRaises(
            purestorage.PureHTTPError, self.b.disconnect_array, "array-a"
        )
        self.assertIn("initiated", error.text)

    def test_wrong_connection_key_connects_nothing(self) -> None:
        error = self.assertRaises(
            purestorage.PureHTTPError,
            self.b.connect_array,
            self.source.target,
            "wrong",
            ["async-replication"],
        )
        self.assertIn("Invalid connection key", error.text)

    def test_replication_path_demands_the_link_secret(self) -> None:
        answer = self.target.request(
            "GET",
            "/replication/ping",
            headers={"X-Array-Name": "array-a", "X-Array-Secret": "no"},
        )
        self.assertEqual(401, answer.status_code)
