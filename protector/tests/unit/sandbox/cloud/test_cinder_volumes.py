# SPDX-License-Identifier: Apache-2.0
"""What Cinder does with volumes, real or emulated."""

import secrets

from cinderclient import client as cinder_client

from protector.tests.unit.sandbox.cloud import storage_contract
from protector.tests.unit.sandbox.cloud.storage_contract import cinder


class VolumesContractTest(storage_contract.StorageContractTestCase):
    def test_the_highest_microversion(self) -> None:
        endpoint = self.volumes.client.get_endpoint()
        root = endpoint.split("/v3")[0] + "/"
        highest = cinder_client.get_highest_client_server_version(root)
        self.assertGreaterEqual(float(highest), 3.71)

    def test_a_microversion_out_of_range_is_406(self) -> None:
        answer = self.tenant.session.get(
            "/volumes",
            endpoint_filter={"service_type": "block-storage"},
            headers={"OpenStack-API-Version": "volume 3.99"},
            raise_exc=False,
        )
        self.assertEqual(406, answer.status_code)

    def test_a_member_sees_the_user_visible_specs_only(self) -> None:
        row = self.volumes.volume_types.get(self.volume_type.id)
        self.assertEqual(
            {"replication_enabled": storage_contract.TRUE}, row.extra_specs
        )
        self.assertEqual(row.extra_specs, row.get_keys())

    def test_a_blank_volume(self) -> None:
        row = self.new_volume(name="blank", metadata={"mark": "here"})
        self.assertEqual("available", row.status)
        self.assertEqual("false", row.bootable)
        self.assertEqual("enabled", row.replication_status)
        self.assertEqual(self.volume_type.id, row.volume_type_id)
        self.assertEqual("here", row.metadata["mark"])
        self.assertIsNone(row.group_id)
        self.assertFalse(row.encrypted)
        self.assertFalse(hasattr(row, "provider_id"))
        self.assertFalse(hasattr(row, "os-vol-host-attr:host"))

    def test_an_admin_sees_where_a_volume_lies(self) -> None:
        row = self.new_volume()
        seen = self.volumes_admin.volumes.get(row.id)
        host = getattr(seen, "os-vol-host-attr:host")
        self.assertRegex(host, r"^[^@]+@[^#]+#.+$")
        self.assertTrue(hasattr(seen, "provider_id"))
        old = cinder(self.admin, "3.20").volumes.get(row.id)
        self.assertFalse(hasattr(old, "provider_id"))

    def test_lists_and_filters(self) -> None:
        one = self.new_volume(metadata={"key": "one"})
        two = self.new_volume(metadata={"key": "two"})
        find = self.volumes.volumes.list
        found = find(search_opts={"metadata": {"key": "two"}})
        self.assertEqual([two.id], [row.id for row in found])
        found = find(search_opts={"name": one.name})
        self.assertEqual([one.id], [row.id for row in found])
        self.assertEqual([], find(search_opts={"status": "error"}))
        page = find(limit=1)
        rest = find(marker=page[0].id)
        self.assertNotIn(page[0].id, [row.id for row in rest])
        self.assertIn(one.id, [row.id for row in [*page, *rest]])

    def test_another_project_sees_nothing(self) -> None:
        row = self.new_volume()
        other = cinder(self.stranger)
        text = f"Volume {row.id} could not be found."
        self.says(404, text, other.volumes.get, row.id)
        self.says(404, text, other.volumes.delete, row.id)
        self.assertEqual([], other.volumes.list())
        every = self.volumes_admin.volumes.list(search_opts={"all_tenants": 1})
        self.assertIn(row.id, [item.id for item in every])

    def test_sizes_and_types_are_checked(self) -> None:
        create = self.volumes.volumes.create
        self.says(404, "could not be found.", create, 1, volume_type="none")
        self.says(400, "0 is less than the minimum of 1", create, 0)
        big = self.new_volume(size=2)
        self.says(
            400,
            "Invalid input received: Volume size '1'GB cannot be smaller "
            "than original volume size  2GB. They must be >= original volume "
            "size.",
            create,
            1,
            source_volid=big.id,
        )

    def test_extend(self) -> None:
        row = self.new_volume()
        self.says(
            400,
            "New size for extend must be greater than current size. "
            "(current: 1, extended: 1)",
            self.volumes.volumes.extend,
            row,
            1,
        )
        self.volumes.volumes.extend(row, 2)
        row = self.idle(row.id)
        self.assertEqual(("available", 2), (row.status, row.size))

    def test_retype(self) -> None:
        retype = self.volumes.volumes.retype
        wanted = self.volume_type.name
        plain = next(
            row.name
            for row in self.volumes_admin.volume_types.list()
            if "replication_enabled" not in row.get_keys()
            and row.get_keys().get("volume_backend_name")
            == self.volume_type.get_keys()["volume_backend_name"]
        )
        row = self.new_volume(volume_type=plain)
        refused = "requested type has to be different"
        self.says(400, refused, retype, row, plain, "on-demand")
        self.says(
            404,
            "Volume type with name none could not be found",
            *(retype, row, "none", "on-demand"),
        )
        retype(row, wanted, "on-demand")
        row = self.idle(row.id)
        self.assertEqual(("available", wanted), (row.status, row.volume_type))
        self.assertEqual(self.volume_type.id, row.volume_type_id)
        grouped = self.new_volume()
        self.new_group(grouped)
        self.says(400, refused, retype, grouped, plain, "on-demand")

    def test_an_image_makes_it_bootable(self) -> None:
        row = self.new_volume(imageRef=self.image.id)
        self.assertEqual("true", row.bootable)
        self.assertEqual(self.image.id, row.volume_image_metadata["image_id"])
        self.volumes.volumes.set_image_metadata(row, {"hw_disk_bus": "scsi"})
        self.volumes.volumes.delete_image_metadata(row, ["image_name"])
        metadata = self.idle(row.id).volume_image_metadata
        self.assertEqual("scsi", metadata["hw_disk_bus"])
        self.assertNotIn("image_name", metadata)
        self.volumes.volumes.set_bootable(row, False)
        self.assertEqual("false", self.idle(row.id).bootable)

    def test_metadata(self) -> None:
        row = self.new_volume()
        self.volumes.volumes.set_metadata(row, {"a": "1", "b": "2"})
        self.volumes.volumes.delete_metadata(row, ["a"])
        metadata = self.idle(row.id).metadata
        self.assertNotIn("a", metadata)
        self.assertEqual("2", metadata["b"])

    def test_snapshot_and_copies(self) -> None:
        row = self.new_volume()
        snapshot = self.volumes.volume_snapshots.create(row.id, name="s")
        get = self.volumes.volume_snapshots.get
        self.wait(lambda: get(snapshot.id).status == "available")
        self.says(
            400,
            "Invalid volume: Volume status must be available or error or "
            "error_restoring or error_extending or error_managing and must "
            "not be migrating, attached, belong to a group, have snapshots, "
            "awaiting a transfer, or be disassociated from snapshots after "
            "volume transfer.",
            self.volumes.volumes.delete,
            row,
        )
        copy = self.new_volume(snapshot_id=snapshot.id)
        self.assertEqual(snapshot.id, copy.snapshot_id)
        clone = self.new_volume(source_volid=row.id, size=2)
        self.assertEqual(("available", 2), (clone.status, clone.size))
        snapshot.delete()
        self.wait(lambda: not self.volumes.volume_snapshots.list())

    def test_quota_texts(self) -> None:
        project = self.tenant.current_project_id
        name = self.volume_type.name
        quotas = self.volumes_admin.quotas
        # what earlier tests made goes in its own time
        self.wait(
            lambda: not quotas.get(project, usage=True).volumes["in_use"]
        )
        quotas.update(project, volumes=0)
        self.addCleanup(quotas.delete, project)
        self.says(
            413,
            "Maximum number of volumes allowed (0) exceeded for quota "
            "'volumes'.",
            self.volumes.volumes.create,
            1,
            volume_type=name,
        )
        quotas.update(project, volumes=5, **{f"volumes_{name}": 0})
        self.says(
            413,
            f"exceeded for quota 'volumes_{name}'.",
            self.volumes.volumes.create,
            1,
            volume_type=name,
        )
        quotas.update(project, gigabytes=0, **{f"volumes_{name}": -1})
        self.says(
            413,
            "Requested volume or snapshot exceeds allowed gigabytes quota. "
            "Requested 1G, quota is 0G and ",
            self.volumes.volumes.create,
            1,
            volume_type=name,
        )

    def test_what_only_an_admin_may(self) -> None:
        row = self.new_volume()
        volumes = self.volumes
        denied = "Policy doesn't allow"
        self.says(403, denied, volumes.pools.list)
        self.says(403, denied, volumes.volumes.reset_state, row, "error")
        self.says(403, denied, volumes.volumes.unmanage, row)
        self.says(403, denied, volumes.volumes.manage, "h", {"name": "x"})
        self.says(403, denied, volumes.services.list)
        self.volumes_admin.volumes.reset_state(row, "error")
        self.assertEqual("error", self.idle(row.id).status)
        self.says(
            400,
            f"Volume {row.id} status must be '{{'status': 'available'}}' to "
            "extend, currently error.",
            volumes.volumes.extend,
            row,
            2,
        )

    def test_pools(self) -> None:
        pool = self.volumes_admin.pools.list(detailed=True)[0]
        self.assertTrue(pool.replication_enabled)
        self.assertIn("async", pool.replication_type)

    def test_an_unknown_host_cannot_be_managed(self) -> None:
        self.says(
            400,
            "Host 'no@such#host' not found",
            self.volumes_admin.volumes.manage,
            "no@such#host",
            {"source-name": "x", "name": "x"},
        )


class PureTest(storage_contract.StorageContractTestCase):
    """What the Pure driver does on the array."""

    def setUp(self) -> None:
        super().setUp()
        self.need_emulator()

    def test_names_and_the_shared_group(self) -> None:
        row = self.new_volume(metadata={"mine": "1"})
        name = f"volume-{row.id}-cinder"
        self.assertEqual(
            name, self.volumes_admin.volumes.get(row.id).provider_id
        )
        self.assertEqual(
            {
                "mine": "1",
                "array_volume_name": name,
                "array_name": "array-a",
            },
            row.metadata,
        )
        sdk = self.array.sdk()
        self.assertEqual(1024**3, sdk.get_volume(name)["size"])
        self.assertIn(name, sdk.get_pgroup("cinder-group")["volumes"])
        plain = self.other_type(None).name
        self.volumes.volumes.retype(row, plain, "never")
        self.assertEqual("disabled", self.idle(row.id).replication_status)
        self.assertNotIn(name, sdk.get_pgroup("cinder-group")["volumes"] or ())
        self.volumes.volumes.delete(row)
        self.wait(lambda: not self.volumes.volumes.list())
        pending = sdk.list_volumes(pending_only=True)
        self.assertIn(name, [item["name"] for item in pending])

    def test_an_image_arrives_on_the_array(self) -> None:
        emulated = self.under_test.emulated
        if emulated is None:
            self.skipTest("no bytes travel by iSCSI here")
        row = self.new_volume(imageRef=self.image.id)
        answer = emulated.control("GET", f"volumes/{row.id}/digest")
        blank = self.new_volume()
        other = emulated.control("GET", f"volumes/{blank.id}/digest")
        self.assertNotEqual(other["digest"], answer["digest"])
        name = f"volume-{row.id}-cinder"
        connections = self.array.sdk().list_volume_private_connections(name)
        self.assertEqual([], connections)

    def test_manage_renames_and_replaces_metadata(self) -> None:
        sdk, foreign = self.array.sdk(), f"foreign-{secrets.token_hex(4)}"
        sdk.create_volume(foreign, "2G")
        row = self.volumes_admin.volumes.manage(
            self.pool(),
            {"source-name": foreign, "name": foreign},
            name="adopted",
            volume_type=self.volume_type.name,
            metadata={"mine": "1"},
            bootable=True,
        )
        get = self.volumes_admin.volumes.get
        self.assertEqual("creating", row.status)
        self.wait(lambda: get(row.id).status == "available")
        row = get(row.id)
        self.assertEqual((2, "true"), (row.size, row.bootable))
        self.assertEqual(
            self.admin.current_project_id,
            getattr(row, "os-vol-tenant-attr:tenant_id"),
        )
        self.assertNotIn("mine", row.metadata)
        self.assertTrue(row.shared_targets)
        self.assertIsNone(row.service_uuid)
        self.volumes_admin.volumes.unmanage(row)
        name = f"volume-{row.id}-cinder-unmanaged"
        self.wait(
            lambda: name in [item["name"] for item in sdk.list_volumes()]
        )
        sdk.destroy_volume(name)

    def test_a_bad_reference_shows_in_the_status(self) -> None:
        pool = self.pool()
        manage = self.volumes_admin.volumes.manage
        get = self.volumes_admin.volumes.get
        for reference in ({"name": "foreign"}, {"source-name": "nowhere"}):
            row = manage(pool, reference, volume_type=self.volume_type.name)
            self.wait(lambda key=row.id: get(key).status == "error")
            self.volumes_admin.volumes.delete(row)
            self.wait(lambda key=row.id: key not in self.all_ids())

    def all_ids(self) -> list[str]:
        return [row.id for row in self.volumes_admin.volumes.list()]

    def test_a_dead_array_ends_in_error(self) -> None:
        self.array.kill()
        try:
            made = self.volumes.volumes.create(
                1, volume_type=self.volume_type.name
            )
            self.assertEqual("error", self.idle(made.id).status)
        finally:
            self.array.start()
        self.volumes.volumes.delete(made)
        self.wait(lambda: not self.volumes.volumes.list())
