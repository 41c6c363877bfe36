# SPDX-License-Identifier: Apache-2.0
"""What any FlashArray must do, told by the vendor's own client.

Runs against the emulation. With ``PROTECTOR_TEST_FLASHARRAY`` (host),
``..._TOKEN`` and ``..._CA`` (file) in the environment it runs against that
array instead: all names carry a prefix, and what is made is removed.
"""

import os
from typing import Any
import uuid

import purestorage

from protector.tests import base
from protector.tests.unit.sandbox.array import processes

_REAL = os.environ.get("PROTECTOR_TEST_FLASHARRAY")
_MIB = 1024**2
_GIB = 1024**3


class ContractTest(base.TestCase):
    """Expectations that hold for the emulation and for a real array."""

    LOOPBACK_ONLY = _REAL is None
    array: purestorage.FlashArray

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        if _REAL:
            cls.array = purestorage.FlashArray(
                _REAL,
                api_token=os.environ["PROTECTOR_TEST_FLASHARRAY_TOKEN"],
                request_kwargs={
                    "verify": os.environ["PROTECTOR_TEST_FLASHARRAY_CA"],
                    "timeout": 30,
                },
            )
            return
        process = processes.ArrayProcess("array-c")
        cls.addClassCleanup(process.remove)
        cls.array = process.start().sdk()

    def setUp(self) -> None:
        super().setUp()
        self.prefix = f"ptest-{uuid.uuid4().hex[:8]}"

    def name(self, text: str) -> str:
        """Return a name of this test's own."""
        return f"{self.prefix}-{text}"

    def volume(self, text: str, size: Any = _MIB) -> str:
        """Make a volume that is removed at the end; return its name."""
        name = self.name(text)
        self.array.create_volume(name, size)
        self.addCleanup(self.remove_volume, name)
        return name

    def remove_volume(self, name: str) -> None:
        """Remove a volume, whatever state it is in."""
        for call in (self.array.destroy_volume, self.array.eradicate_volume):
            try:
                call(name)
            except purestorage.PureHTTPError as error:
                if error.code != 400:
                    raise

    def pgroup(self, text: str, **kwargs: Any) -> str:
        """Make a protection group that is removed at the end."""
        name = self.name(text)
        self.array.create_pgroup(name, **kwargs)
        self.addCleanup(self.remove_pgroup, name)
        return name

    def remove_pgroup(self, name: str) -> None:
        """Remove a protection group, whatever state it is in."""
        for call in (self.array.destroy_pgroup, self.array.eradicate_pgroup):
            try:
                call(name)
            except purestorage.PureHTTPError as error:
                if error.code != 400:
                    raise

    def host(self, text: str, **kwargs: Any) -> str:
        """Make a host that is removed at the end; return its name."""
        name = self.name(text)
        self.array.create_host(name, **kwargs)
        self.addCleanup(self.array.delete_host, name)
        return name

    def refused(self, text: str, call: Any, *args: Any, **kw: Any) -> None:
        """Expect a 400 whose message has ``text``."""
        error = self.assertRaises(purestorage.PureHTTPError, call, *args, **kw)
        self.assertEqual(400, error.code)
        self.assertIn(text, error.text)

    def test_array_tells_who_it_is(self) -> None:
        told = self.array.get()
        self.assertLessEqual(
            {"array_name", "id", "version", "revision"}, set(told)
        )
        self.assertEqual("1.19", self.array.get_rest_version())

    def test_volume_is_made_and_shown(self) -> None:
        name = self.volume("v", "10M")
        told = self.array.get_volume(name)
        self.assertEqual(10 * _MIB, told["size"])
        self.assertIsNone(told["source"])
        self.assertRegex(told["serial"], "^[0-9A-F]{24}$")
        self.assertRegex(told["created"], r"^\d{4}-\d\d-\d\dT[\d:]{8}Z$")
        self.assertIn(name, [v["name"] for v in self.array.list_volumes()])

    def test_volume_name_is_taken_once(self) -> None:
        name = self.volume("v")
        self.refused("already exists", self.array.create_volume, name, _MIB)

    def test_volume_names_have_rules(self) -> None:
        for bad in ("x" * 64, "-x", "x-", "1234", "a.b"):
            self.refused("", self.array.create_volume, bad, _MIB)

    def test_missing_volume_is_told(self) -> None:
        name = self.name("none")
        text = "does not exist"
        self.refused(text, self.array.get_volume, name)
        self.refused(text, self.array.destroy_volume, name)
        self.refused(text, self.array.rename_volume, name, f"{name}2")
        self.refused(text, self.array.list_volume_private_connections, name)

    def test_volume_is_extended_and_never_cut_by_accident(self) -> None:
        name = self.volume("v", "2M")
        self.array.extend_volume(name, 4 * _MIB)
        self.assertEqual(4 * _MIB, self.array.get_volume(name)["size"])
        self.refused("", self.array.extend_volume, name, 2 * _MIB)
        self.array.truncate_volume(name, 2 * _MIB)
        self.assertEqual(2 * _MIB, self.array.get_volume(name)["size"])
        self.refused("", self.array.extend_volume, name, 2 * _MIB + 5)

    def test_renamed_volume_keeps_its_serial(self) -> None:
        name, new = self.volume("v"), self.name("w")
        serial = self.array.get_volume(name)["serial"]
        self.addCleanup(self.remove_volume, new)
        self.array.rename_volume(name, new)
        self.assertEqual(serial, self.array.get_volume(new)["serial"])
        self.refused("does not exist", self.array.get_volume, name)

    def test_destroyed_volume_keeps_its_name(self) -> None:
        name = self.volume("v")
        self.array.destroy_volume(name)
        self.refused("does not exist", self.array.get_volume, name)
        self.refused("destroyed", self.array.create_volume, name, _MIB)
        self.refused("destroyed", self.array.destroy_volume, name)
        told = self.array.get_volume(name, pending=True)
        self.assertGreater(told["time_remaining"], 3600)
        self.array.recover_volume(name)
        told = self.array.get_volume(name, pending=True)
        self.assertFalse(told["time_remaining"])

    def test_only_destroyed_volumes_are_eradicated(self) -> None:
        name = self.volume("v")
        self.refused("", self.array.eradicate_volume, name)
        self.array.destroy_volume(name)
        self.array.eradicate_volume(name)
        self.refused("does not exist", self.array.recover_volume, name)

    def test_copy_overwrites_only_when_told(self) -> None:
        source, target = self.volume("s", "2M"), self.volume("t", "1M")
        serial = self.array.get_volume(target)["serial"]
        self.refused("exists", self.array.copy_volume, source, target)
        told = self.array.copy_volume(source, target, overwrite=True)
        self.assertEqual(source, told["source"])
        self.assertEqual(2 * _MIB, told["size"])
        self.assertEqual(serial, told["serial"])

    def test_copy_of_a_snapshot_names_the_volume(self) -> None:
        source, target = self.volume("s"), self.name("t")
        self.addCleanup(self.remove_volume, target)
        snapshot = self.array.create_snapshot(source, suffix="one")
        self.assertEqual(f"{source}.one", snapshot["name"])
        told = self.array.copy_volume(f"{source}.one", target)
        self.assertEqual(source, told["source"])

    def test_snapshot_suffix_is_taken_once(self) -> None:
        name = self.volume("v")
        self.array.create_snapshot(name, suffix="one")
        self.refused("exists", self.array.create_snapshot, name, suffix="one")
        self.refused("", self.array.create_snapshot, name, suffix="a_b")
        told = self.array.get_volume(name, snap=True)
        self.assertEqual([f"{name}.one"], [s["name"] for s in told])

    def test_missing_snapshot_is_told(self) -> None:
        name = self.volume("v")
        self.refused(
            "No such volume or snapshot",
            self.array.destroy_volume,
            f"{name}.none",
        )

    def test_connected_volume_cannot_be_destroyed(self) -> None:
        volume, host = self.volume("v"), self.host("h")
        told = self.array.connect_host(host, volume)
        self.addCleanup(self.array.disconnect_host, host, volume)
        self.assertEqual((host, volume), (told["name"], told["vol"]))
        self.refused("", self.array.destroy_volume, volume)
        self.refused("exists", self.array.connect_host, host, volume)
        text = "cannot be deleted due to existing connections"
        self.refused(text, self.array.delete_host, host)
        told = self.array.list_volume_private_connections(volume)
        self.assertEqual([host], [c["host"] for c in told])
        told = self.array.list_host_connections(host, private=True)
        self.assertEqual([volume], [c["vol"] for c in told])

    def test_disconnecting_a_stranger_is_told(self) -> None:
        volume, host = self.volume("v"), self.host("h")
        self.refused(
            "is not connected", self.array.disconnect_host, host, volume
        )
        self.refused(
            "Host does not exist",
            self.array.disconnect_host,
            self.name("none"),
            volume,
        )

    def test_initiator_belongs_to_one_host(self) -> None:
        iqn = f"iqn.2026-11.org.openstack:{self.prefix}"
        host = self.host("h", iqnlist=[iqn])
        self.assertEqual([iqn], self.array.get_host(host)["iqn"])
        self.refused(
            "already in use",
            self.array.create_host,
            self.name("i"),
            iqnlist=[iqn],
        )

    def test_group_members_come_and_go(self) -> None:
        one, two = self.volume("one"), self.volume("two")
        group = self.pgroup("g", vollist=[one])
        told = self.array.set_pgroup(group, addvollist=[two])
        self.assertEqual([one, two], sorted(told["volumes"]))
        self.refused(
            "already belongs to",
            self.array.set_pgroup,
            group,
            addvollist=[two],
        )
        self.array.set_pgroup(group, remvollist=[one, two])
        self.assertIsNone(self.array.get_pgroup(group)["volumes"])
        self.refused(
            "could not be found",
            self.array.set_pgroup,
            group,
            remvollist=[two],
        )
        self.array.set_pgroup(group, vollist=[one, two])
        self.array.set_pgroup(group, vollist=[two])
        self.assertEqual([two], self.array.get_pgroup(group)["volumes"])

    def test_change_of_members_is_all_or_nothing(self) -> None:
        one = self.volume("one")
        group = self.pgroup("g")
        self.refused(
            "does not exist",
            self.array.set_pgroup,
            group,
            addvollist=[one, self.name("none")],
        )
        self.assertIsNone(self.array.get_pgroup(group)["volumes"])

    def test_volume_joins_and_leaves_a_group(self) -> None:
        volume, group = self.volume("v"), self.pgroup("g")
        told = self.array.add_volume(volume, group)
        self.assertEqual(group, told["protection_group"])
        self.array.remove_volume(volume, group)
        self.assertIsNone(self.array.get_pgroup(group)["volumes"])

    def test_group_snapshot_has_a_member_per_volume(self) -> None:
        one, two = self.volume("one"), self.volume("two")
        group = self.pgroup("g", vollist=[one, two])
        told = self.array.create_pgroup_snapshot(group, suffix="now")
        self.assertEqual(f"{group}.now", told["name"])
        self.assertEqual(group, told["source"])
        names = {s["name"] for s in self.array.list_volumes(snap=True)}
        self.assertLessEqual(
            {f"{group}.now.{one}", f"{group}.now.{two}"}, names
        )
        self.refused(
            "exists",
            self.array.create_pgroup_snapshot,
            group,
            suffix="now",
        )

    def test_unnamed_group_snapshots_are_numbered(self) -> None:
        group = self.pgroup("g", vollist=[self.volume("v")])
        names = [
            self.array.create_pgroup_snapshot(group)["name"] for _ in range(2)
        ]
        numbers = [int(name.rpartition(".")[2]) for name in names]
        self.assertEqual(numbers[0] + 1, numbers[1])

    def test_group_snapshot_is_destroyed_and_recovered(self) -> None:
        volume = self.volume("v")
        group = self.pgroup("g", vollist=[volume])
        name = self.array.create_pgroup_snapshot(group, suffix="s")["name"]
        self.array.destroy_pgroup(name)
        self.refused("has been destroyed", self.array.destroy_pgroup, name)
        self.assertEqual([], self.array.get_pgroup(group, snap=True))
        self.array.recover_pgroup(name)
        told = self.array.get_pgroup(group, snap=True)
        self.assertEqual([name], [s["name"] for s in told])

    def test_destroyed_group_keeps_its_name(self) -> None:
        group = self.pgroup("g")
        self.array.destroy_pgroup(group)
        self.refused("does not exist", self.array.get_pgroup, group)
        self.refused("destroyed", self.array.create_pgroup, group)
        self.refused("has been destroyed", self.array.destroy_pgroup, group)
        self.array.recover_pgroup(group)
        self.assertEqual(group, self.array.get_pgroup(group)["name"])

    def test_schedule_is_in_seconds_with_a_minimum(self) -> None:
        group = self.pgroup("g")
        told = self.array.set_pgroup(group, replicate_frequency=600)
        self.assertEqual(600, told["replicate_frequency"])
        self.assertEqual(group, told["name"])
        self.refused("", self.array.set_pgroup, group, replicate_frequency=5)
        told = self.array.get_pgroup(group, schedule=True)
        self.assertEqual(600, told["replicate_frequency"])
        self.assertFalse(told["replicate_enabled"])

    def test_retention_is_kept(self) -> None:
        group = self.pgroup("g")
        wanted = {
            "target_all_for": 14400,
            "target_per_day": 6,
            "target_days": 4,
        }
        self.array.set_pgroup(group, **wanted)
        told = self.array.get_pgroup(group, retention=True)
        self.assertLessEqual(wanted.items(), told.items())

    def test_sending_needs_an_allowed_target(self) -> None:
        group = self.pgroup("g", vollist=[self.volume("v")])
        self.refused(
            "",
            self.array.create_pgroup_snapshot,
            group,
            replicate_now=True,
        )
        self.refused(
            "",
            self.array.create_pgroup_snapshot,
            group,
            replicate_now=True,
            replicate=True,
        )

    def test_unknown_target_is_told(self) -> None:
        group = self.pgroup("g")
        self.refused(
            "", self.array.set_pgroup, group, addtargetlist=["no-such-array"]
        )

    def test_large_volumes_cost_nothing(self) -> None:
        name = self.volume("v", 4 * _GIB)
        copy = self.name("c")
        self.addCleanup(self.remove_volume, copy)
        self.array.copy_volume(name, copy)
        self.assertEqual(4 * _GIB, self.array.get_volume(copy)["size"])

    def test_what_cinder_asks_is_answered(self) -> None:
        """The calls of Cinder's last REST 1.x driver, 2023.2."""
        volume, host = self.volume("v"), self.host("h")
        self.array.set_volume(volume, iops_limit="", bandwidth_limit="")
        self.array.set_host(host, personality="aix")
        self.array.set_host(host, host_user="u", host_password="p" * 12)
        told = self.array.get_host(host, personality=True)
        self.assertEqual("aix", told["personality"])
        chap = self.array.list_hosts(chap=True)
        self.assertIn((host, "u"), [(h["name"], h["host_user"]) for h in chap])
        hosts = self.array.list_hosts(remote=True)
        mine = next(h for h in hosts if h["name"] == host)
        self.assertEqual(([], [], []), (mine["iqn"], mine["wwn"], mine["nqn"]))
        space = self.array.get(space=True)
        space = space[0] if isinstance(space, list) else space
        self.assertGreater(space["capacity"], space["total"])
        self.assertIn("writes_per_sec", self.array.get(action="monitor")[0])
        self.assertTrue(self.array.list_ports())
        self.array.list_volumes(snap=True, pending=True)
        group = self.pgroup("g")
        self.array.set_pgroup(group, addvollist=[], remvollist=[])
        groups = self.array.list_pgroups(pending=True)
        self.assertIn(group, [g["name"] for g in groups])
        connections = self.array.list_volume_private_connections(
            volume, remote=True
        )
        self.assertEqual([], connections)
