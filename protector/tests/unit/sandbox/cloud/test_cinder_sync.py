# SPDX-License-Identifier: Apache-2.0
"""What the emulated Cinder does with synchronously replicated volumes.

As the Pure driver of Cinder 29: in the back end's own stretched pod.
"""

from typing import Any

from protector.tests.unit.sandbox.cloud import storage_contract

_POD = "pod-a"
_GIB = 1024**3


class SyncTest(storage_contract.StorageContractTestCase):
    """A cloud whose back end has a pod on two arrays."""

    @classmethod
    def _replicated_type(cls) -> Any:
        return next(
            row
            for row in cls.volumes_admin.volume_types.list()
            if row.get_keys().get("replication_type") == storage_contract.SYNC
        )

    def setUp(self) -> None:
        super().setUp()
        self.need_emulator()
        arrays = self.under_test.arrays
        self.a, self.b = arrays.a.sdk(), arrays.b.sdk()

    def type_named(self, name: str) -> Any:
        return next(
            row
            for row in self.volumes_admin.volume_types.list()
            if row.name == name
        )

    def group_name(self, group: Any) -> str:
        return f"{_POD}::consisgroup-{group.id}-cinder"

    def snapshots_of(self, volume: Any) -> list[Any]:
        wanted = {"volume_id": volume.id}
        return list(self.volumes.volume_snapshots.list(search_opts=wanted))

    def test_a_volume_is_in_the_pod(self) -> None:
        row = self.new_volume()
        name = f"{_POD}::volume-{row.id}-cinder"
        self.assertEqual("available", row.status)
        self.assertEqual(
            {"array_volume_name": name, "array_name": "array-a"}, row.metadata
        )
        shown = self.volumes_admin.volumes.get(row.id)
        self.assertEqual(name, shown.provider_id)
        self.assertEqual("enabled", shown.replication_status)
        for array in (self.a, self.b):
            self.assertEqual(_GIB, array.get_volume(name)["size"])
        self.volumes.volumes.extend(row, 2)
        self.assertEqual("available", self.idle(row.id).status)
        self.assertEqual(2 * _GIB, self.b.get_volume(name)["size"])

    def test_copies_and_snapshots(self) -> None:
        row = self.new_volume()
        taken = self.volumes.volume_snapshots.create(row.id)
        get = self.volumes.volume_snapshots.get
        self.wait(lambda: get(taken.id).status == "available")
        name = f"{_POD}::volume-{row.id}-cinder.snapshot-{taken.id}"
        self.assertIn(
            name, [one["name"] for one in self.b.list_volumes(snap=True)]
        )
        copies = [
            self.new_volume(snapshot_id=taken.id),
            self.new_volume(source_volid=row.id),
            self.new_volume(
                snapshot_id=taken.id, volume_type="plain", name="out"
            ),
        ]
        self.assertEqual(["available"] * 3, [copy.status for copy in copies])
        self.volumes.volume_snapshots.delete(taken.id)
        self.wait(lambda: not self.snapshots_of(row))

    def test_a_group_is_in_the_pod_and_has_no_target(self) -> None:
        row = self.new_volume()
        group = self.new_group(row)
        self.assertEqual("enabled", group.replication_status)
        for array in (self.a, self.b):
            told = array.get_pgroup(self.group_name(group))
            self.assertEqual(
                [f"{_POD}::volume-{row.id}-cinder"], told["volumes"]
            )
            self.assertIsNone(told["targets"])
        self.volumes.groups.update(group.id, remove_volumes=row.id)
        self.settled(group.id)
        told = self.b.get_pgroup(self.group_name(group))
        self.assertIsNone(told["volumes"])

    def test_a_snapshot_of_a_group(self) -> None:
        row = self.new_volume()
        group = self.new_group(row)
        taken = self.volumes.group_snapshots.create(group.id, "undo")
        get = self.volumes.group_snapshots.get
        self.wait(lambda: get(taken.id).status == "available")
        name = f"{self.group_name(group)}.cgsnapshot-{taken.id}-cinder"
        self.assertIn(
            f"{name}.volume-{row.id}-cinder",
            [one["name"] for one in self.b.list_volumes(snap=True)],
        )
        made = self.volumes.groups.create_from_src(taken.id, None, "copied")
        copied = self.settled(made["id"])
        self.addCleanup(self.drop_group, copied.id)
        told = self.b.get_pgroup(self.group_name(copied))
        (copy,) = copied.volumes
        self.assertEqual([f"{_POD}::volume-{copy}-cinder"], told["volumes"])
        self.volumes.group_snapshots.delete(taken.id)
        self.wait(lambda: not self.snapshots_of(row))

    def test_types_of_two_kinds_make_no_group(self) -> None:
        other = self.type_named("replicated-ssd")
        group = self.volumes.groups.create(
            self.group_type.id, f"{self.volume_type.id},{other.id}"
        )
        self.addCleanup(self.volumes.groups.delete, group.id)
        get = self.volumes.groups.get
        self.wait(lambda: get(group.id).status == "error")

    def test_a_volume_in_a_stretched_pod_is_not_managed(self) -> None:
        name = f"{_POD}::foreign"
        self.a.create_volume(name, "1G")
        self.addCleanup(self.a.destroy_volume, name)
        pool = self.volumes_admin.volumes.get(self.new_volume().id).to_dict()[
            "os-vol-host-attr:host"
        ]
        (listed,) = [
            row
            for row in self.volumes_admin.volumes.list_manageable(pool)
            if row.reference == {"name": name}
        ]
        self.assertFalse(listed.safe_to_manage)
        self.assertEqual(
            "Volume is in a Replicated Pod", listed.reason_not_safe
        )
        plain = f"plain-{self.id()[-8:]}".replace("_", "-")
        self.a.create_volume(plain, "1G")
        self.addCleanup(self.a.destroy_volume, plain)
        get = self.volumes_admin.volumes.get
        for reference, kind in ((name, "plain"), (plain, "sync")):
            row = self.volumes_admin.volumes.manage(
                pool, {"source-name": reference}, volume_type=kind
            )
            self.wait(lambda key=row.id: get(key).status != "creating")
            self.assertEqual("error", get(row.id).status)
            self.volumes_admin.volumes.delete(row)
        self.assertEqual(name, self.b.get_volume(name)["name"])

    def test_a_volume_does_not_change_the_pod_by_its_type(self) -> None:
        row = self.new_volume()
        other = self.type_named("plain")
        self.volumes_admin.volumes.retype(row.id, other.name, "on-demand")
        self.wait(
            lambda: self.volumes.volumes.get(row.id).status == "available"
        )
        shown = self.volumes.volumes.get(row.id)
        self.assertEqual(self.volume_type.name, shown.volume_type)

    def test_unmanaged_it_stays_in_the_pod(self) -> None:
        row = self.new_volume()
        self.volumes_admin.volumes.unmanage(row)
        cut = f"{_POD}::volume-{row.id}-cinder"[:-10]
        name = f"{cut}-unmanaged"
        self.wait(
            lambda: name in [one["name"] for one in self.b.list_volumes()]
        )
        self.a.destroy_volume(name)

    def test_a_pod_that_is_offline_takes_no_volume(self) -> None:
        arrays = self.under_test.arrays
        self.a.set_pod(_POD, failover_preference=["array-b"])
        self.addCleanup(self.a.set_pod, _POD, failover_preference=[])
        arrays.a.control("PUT", "links/array-b", json={"cut": True})

        def mend() -> None:
            arrays.a.control("PUT", "links/array-b", json={"cut": False})
            self.wait(
                lambda: (
                    {one["status"] for one in self.a.get_pod(_POD)["arrays"]}
                    == {"online"}
                )
            )

        self.addCleanup(mend)
        self.assertEqual("error", self.new_volume().status)
