# SPDX-License-Identifier: Apache-2.0
"""What the emulated Cinder does with synchronously replicated volumes.

As the Pure driver of Cinder 29: in the back end's own stretched pod.
"""

from typing import Any
import uuid

from protector.tests.unit.sandbox.cloud import storage_contract

_GIB = 1024**3


class SyncTest(storage_contract.StorageContractTestCase):
    """A cloud whose back end has a pod on two arrays."""

    @classmethod
    def _replicated_type(cls) -> Any:
        return next(
            (
                row
                for row in cls.volumes_admin.volume_types.list()
                if row.get_keys().get("replication_type")
                == storage_contract.SYNC
            ),
            None,
        )

    def setUp(self) -> None:
        super().setUp()
        if self.volume_type is None:
            self.skipTest("the cloud does not replicate synchronously")
        arrays = self.under_test.arrays
        self.arrays = [arrays.a.sdk(), arrays.b.sdk()] if arrays else []

    def name_of(self, volume: Any) -> str:
        """The array's name of a Cinder volume, which tells its pod."""
        shown = self.volumes_admin.volumes.get(volume.id)
        pod, _, name = shown.provider_id.partition("::")
        self.assertEqual(f"volume-{volume.id}-cinder", name)
        return f"{pod}::{name}"

    def group_name(self, group: Any, volume: Any) -> str:
        pod = self.name_of(volume).partition("::")[0]
        return f"{pod}::consisgroup-{group.id}-cinder"

    def snapshots_of(self, volume: Any) -> list[Any]:
        wanted = {"volume_id": volume.id}
        return list(self.volumes.volume_snapshots.list(search_opts=wanted))

    def members(self, group: str) -> list[Any]:
        """What each array tells of a group's members."""
        return [array.get_pgroup(group)["volumes"] for array in self.arrays]

    def test_a_volume_is_in_the_pod(self) -> None:
        row = self.new_volume()
        self.assertEqual("available", row.status)
        name = self.name_of(row)
        self.assertEqual(name, row.metadata["array_volume_name"])
        self.assertEqual("array-a", row.metadata["array_name"])
        shown = self.volumes_admin.volumes.get(row.id)
        self.assertEqual("enabled", shown.replication_status)
        self.volumes.volumes.extend(row, 2)
        self.assertEqual("available", self.idle(row.id).status)
        for array in self.arrays:
            self.assertEqual(2 * _GIB, array.get_volume(name)["size"])

    def test_it_is_attached(self) -> None:
        row = self.new_volume()
        connector = {
            "host": "compute",
            "ip": "127.0.0.1",
            "initiator": f"iqn.1993-08.org.debian:{row.id[:8]}",
            "multipath": False,
        }
        made = self.volumes_admin.attachments.create(
            row.id, connector, str(uuid.uuid4())
        )
        told = made["connection_info"]
        self.assertEqual("iscsi", told["driver_volume_type"])
        self.volumes_admin.attachments.delete(made["id"])
        self.assertEqual("available", self.idle(row.id).status)

    def test_copies_and_snapshots(self) -> None:
        row = self.new_volume()
        taken = self.volumes.volume_snapshots.create(row.id)
        get = self.volumes.volume_snapshots.get
        self.wait(lambda: get(taken.id).status == "available")
        name = f"{self.name_of(row)}.snapshot-{taken.id}"
        for array in self.arrays:
            found = [one["name"] for one in array.list_volumes(snap=True)]
            self.assertIn(name, found)
        copies = [
            self.new_volume(snapshot_id=taken.id),
            self.new_volume(source_volid=row.id),
            self.new_volume(
                snapshot_id=taken.id, volume_type=self.other_type(None).name
            ),
        ]
        self.assertEqual(["available"] * 3, [copy.status for copy in copies])
        self.volumes.volume_snapshots.delete(taken.id)
        self.wait(lambda: not self.snapshots_of(row))

    def test_a_group_is_in_the_pod_and_has_no_target(self) -> None:
        row = self.new_volume()
        group = self.new_group(row)
        name = self.group_name(group, row)
        self.assertEqual(
            [[self.name_of(row)]] * len(self.arrays), self.members(name)
        )
        for array in self.arrays:
            self.assertIsNone(array.get_pgroup(name)["targets"])
        self.volumes.groups.update(group.id, remove_volumes=row.id)
        self.settled(group.id)
        self.assertEqual([None] * len(self.arrays), self.members(name))

    def test_a_snapshot_of_a_group(self) -> None:
        row = self.new_volume()
        group = self.new_group(row)
        taken = self.volumes.group_snapshots.create(group.id, "undo")
        get = self.volumes.group_snapshots.get
        self.wait(lambda: get(taken.id).status == "available")
        point = f"{self.group_name(group, row)}.cgsnapshot-{taken.id}-cinder"
        name = f"{point}.volume-{row.id}-cinder"
        for array in self.arrays:
            found = [one["name"] for one in array.list_volumes(snap=True)]
            self.assertIn(name, found)
        made = self.volumes.groups.create_from_src(taken.id, None, "copied")
        copied = self.settled(made["id"])
        self.addCleanup(self.drop_group, copied.id)
        (copy,) = map(self.volumes.volumes.get, copied.volumes)
        self.assertEqual(
            [[self.name_of(copy)]] * len(self.arrays),
            self.members(self.group_name(copied, copy)),
        )
        self.volumes.group_snapshots.delete(taken.id)
        self.wait(lambda: not self.snapshots_of(row))

    def test_types_of_two_kinds_make_no_group(self) -> None:
        other = self.other_type("<in> async")
        group = self.volumes.groups.create(
            self.group_type.id, f"{self.volume_type.id},{other.id}"
        )
        self.addCleanup(self.volumes.groups.delete, group.id)
        get = self.volumes.groups.get
        self.wait(lambda: get(group.id).status == "error")

    def test_a_volume_in_a_stretched_pod_is_not_managed(self) -> None:
        mine = self.new_volume()
        name = self.name_of(mine)
        pool = getattr(
            self.volumes_admin.volumes.get(mine.id), "os-vol-host-attr:host"
        )
        (listed,) = [
            row
            for row in self.volumes_admin.volumes.list_manageable(pool)
            if row.reference == {"name": name}
        ]
        self.assertFalse(listed.safe_to_manage)
        self.assertIn("Volume is in a Replicated Pod", listed.reason_not_safe)
        row = self.volumes_admin.volumes.manage(
            pool,
            {"source-name": name},
            volume_type=self.other_type(None).name,
        )
        get = self.volumes_admin.volumes.get
        self.wait(lambda: get(row.id).status != "creating")
        self.assertEqual("error", get(row.id).status)
        self.volumes_admin.volumes.delete(row)
        self.assertEqual("available", self.idle(mine.id).status)

    def test_by_its_type_it_leaves_the_pod(self) -> None:
        """One with snapshots is moved, too, and stays ``retyping``: Cinder
        29.0.0 cannot save it, as its driver has read them meanwhile."""
        row = self.new_volume()
        inside = self.name_of(row)
        bare = inside.partition("::")[2]
        serials = {a.get_volume(inside)["serial"] for a in self.arrays}
        plain = self.other_type(None)
        self.retype(row, plain.name, plain)
        shown = self.volumes_admin.volumes.get(row.id)
        self.assertEqual(
            (bare, bare, "disabled"),
            (
                shown.provider_id,
                shown.metadata["array_volume_name"],
                shown.replication_status,
            ),
        )
        for array in self.arrays:
            pods = " ".join(pod["name"] for pod in array.list_pods())
            self.assertNotIn(row.id, pods)
            self.assertNotIn(inside, self.named(array.list_volumes()))
        serials.add(self.arrays[0].get_volume(bare)["serial"])
        self.assertEqual(1, len(serials))

    def test_by_its_type_it_does_not_come_into_the_pod(self) -> None:
        """The driver asks for what arrays have since REST 2.23."""
        plain = self.other_type(None)
        row = self.new_volume(volume_type=plain.name)
        self.retype(row, self.volume_type.name, plain)
        shown = self.volumes_admin.volumes.get(row.id)
        self.assertEqual(f"volume-{row.id}-cinder", shown.provider_id)

    def retype(self, row: Any, wanted: str, expected: Any) -> None:
        """:param expected: the type that it has in the end."""
        self.volumes_admin.volumes.retype(row.id, wanted, "never")
        shown = self.idle(row.id)
        self.assertEqual(
            ("available", expected.name), (shown.status, shown.volume_type)
        )

    def named(self, rows: list[Any]) -> list[str]:
        return [row["name"] for row in rows]

    # -- what real ones do otherwise, or only with their arrays at hand

    def test_a_plain_volume_does_not_come_into_the_pod(self) -> None:
        self.need_emulator()
        sdk = self.array.sdk()
        sdk.create_volume("outside", "1G")
        pool = self.pool()
        row = self.volumes_admin.volumes.manage(
            pool,
            {"source-name": "outside"},
            volume_type=self.volume_type.name,
        )
        get = self.volumes_admin.volumes.get
        self.wait(lambda: get(row.id).status != "creating")
        self.assertEqual("error", get(row.id).status)
        self.volumes_admin.volumes.delete(row)
        sdk.destroy_volume("outside")

    def test_a_pod_that_is_not_whole_lets_no_volume_out(self) -> None:
        self.need_emulator()
        row = self.new_volume()
        name = self.name_of(row)
        self.cut()
        self.retype(row, self.other_type(None).name, self.volume_type)
        self.assertEqual(name, self.name_of(row))

    def test_unmanaged_it_stays_in_the_pod(self) -> None:
        self.need_emulator()
        row = self.new_volume()
        name = f"{self.name_of(row)[:-10]}-unmanaged"
        self.volumes_admin.volumes.unmanage(row)
        sdk = self.array.sdk()
        self.wait(lambda: name in [v["name"] for v in sdk.list_volumes()])
        sdk.destroy_volume(name)

    def test_a_pod_that_is_offline_takes_no_volume(self) -> None:
        self.need_emulator()
        self.cut()
        self.assertEqual("error", self.new_volume().status)

    def cut(self) -> None:
        """Array-b alone goes on with the pod."""
        arrays, sdk = self.under_test.arrays, self.array.sdk()
        sdk.set_pod("pod-a", failover_preference=["array-b"])
        self.addCleanup(sdk.set_pod, "pod-a", failover_preference=[])

        def mend() -> None:
            arrays.mend()
            self.wait(
                lambda: (
                    {a["status"] for a in sdk.get_pod("pod-a")["arrays"]}
                    == {"online"}
                )
            )

        arrays.cut()
        self.addCleanup(mend)
