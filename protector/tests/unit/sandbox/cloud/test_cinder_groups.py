# SPDX-License-Identifier: Apache-2.0
"""What Cinder does with generic volume groups, real or emulated."""

from protector.tests.unit.sandbox.cloud import storage_contract
from protector.tests.unit.sandbox.cloud.storage_contract import cinder


class GroupsContractTest(storage_contract.StorageContractTestCase):
    def test_there_are_no_groups_before_3_13(self) -> None:
        for version, status in (("3.12", 404), ("3.13", 200)):
            answer = self.tenant.session.get(
                "/groups",
                endpoint_filter={"service_type": "block-storage"},
                headers={"OpenStack-API-Version": f"volume {version}"},
                raise_exc=False,
            )
            self.assertEqual(status, answer.status_code)

    def test_group_specs_are_for_admins(self) -> None:
        row = self.volumes.group_types.get(self.group_type.id)
        self.assertFalse(hasattr(row, "group_specs"))
        self.says(
            403,
            "Policy doesn't allow group:group_types_specs",
            row.set_keys,
            {"a": "b"},
        )

    def test_members_come_and_go(self) -> None:
        one, two = self.new_volume(), self.new_volume()
        group = self.new_group(one, two)
        self.assertEqual({one.id, two.id}, set(group.volumes))
        self.assertEqual([self.volume_type.id], group.volume_types)
        self.assertEqual(group.id, self.idle(one.id).group_id)
        self.volumes.groups.update(group.id, remove_volumes=one.id)
        self.assertEqual([two.id], self.settled(group.id).volumes)
        self.assertIsNone(self.idle(one.id).group_id)

    def test_what_may_not_be_added_or_removed(self) -> None:
        row, free = self.new_volume(), self.new_volume()
        group, other = self.new_group(row), self.new_group()
        update = self.volumes.groups.update
        start = f"Invalid volume: Cannot add volume {row.id} to group"
        self.says(
            400,
            f"{start} {other.id} because it is already in group {group.id}.",
            update,
            other.id,
            add_volumes=row.id,
        )
        self.says(
            400,
            f"Cannot update group {group.id} because no valid name, "
            "description, add_volumes, or remove_volumes were provided.",
            update,
            group.id,
            add_volumes=row.id,
        )
        self.says(
            400,
            f"Cannot remove volume {free.id} from group {group.id} because it "
            "is not in the group.",
            update,
            group.id,
            remove_volumes=free.id,
        )
        self.says(
            400,
            "because volume cannot be found.",
            update,
            group.id,
            add_volumes="11111111-2222-3333-4444-555555555555",
        )

    def test_a_type_that_the_group_does_not_have(self) -> None:
        plain = self.volumes_admin.volume_types.create("other-type")
        self.addCleanup(self.volumes_admin.volume_types.delete, plain)
        self.need_emulator()
        row = self.new_volume(volume_type=plain.name)
        group = self.new_group()
        self.says(
            400,
            f"because volume type {plain.id} is not supported by the group.",
            self.volumes.groups.update,
            group.id,
            add_volumes=row.id,
        )
        self.volumes.volumes.delete(row)
        self.wait(
            lambda: row.id not in [v.id for v in self.volumes.volumes.list()]
        )

    def test_a_member_volume_cannot_be_deleted(self) -> None:
        row = self.new_volume()
        self.new_group(row)
        self.says(400, "belong to a group", self.volumes.volumes.delete, row)

    def test_delete_wants_the_flag(self) -> None:
        row = self.new_volume()
        group = self.new_group(row)
        delete = self.volumes.groups.delete
        self.says(
            400,
            f"Invalid Group: Group {group.id} still contains volumes. The "
            "delete-volumes flag is required to delete it.",
            delete,
            group.id,
        )
        delete(group.id, delete_volumes=True)
        groups, volumes = self.volumes.groups.list, self.volumes.volumes.list
        self.wait(lambda: group.id not in [item.id for item in groups()])
        self.assertNotIn(row.id, [item.id for item in volumes()])

    def test_group_snapshot_and_copy(self) -> None:
        group = self.new_group(self.new_volume(), self.new_volume())
        taken = self.volumes.group_snapshots.create(group.id, "undo")
        get = self.volumes.group_snapshots.get
        self.wait(lambda: get(taken.id).status == "available")
        self.says(
            400,
            "Invalid Group: Group has existing snapshots.",
            self.volumes.groups.delete,
            group.id,
            delete_volumes=True,
        )
        copy = self.volumes.groups.create_from_src(taken.id, None, name="c")
        self.addCleanup(self.drop_group, copy["id"])
        copy = self.settled(copy["id"])
        self.assertEqual(2, len(copy.volumes))
        self.assertEqual(taken.id, copy.group_snapshot_id)
        self.volumes.group_snapshots.delete(taken.id)
        rows = self.volumes.group_snapshots.list
        self.wait(lambda: taken.id not in [item.id for item in rows()])
        self.assertEqual([], self.volumes.volume_snapshots.list())

    def test_the_quota_of_groups(self) -> None:
        project = self.tenant.current_project_id
        quotas = self.volumes_admin.quotas
        # what earlier tests made goes in its own time
        self.wait(lambda: not self.volumes.groups.list())
        self.wait(lambda: not quotas.get(project, usage=True).groups["in_use"])
        quotas.update(project, groups=0)
        self.addCleanup(quotas.delete, project)
        self.says(
            413,
            "Maximum number of groups allowed (0) exceeded",
            self.volumes.groups.create,
            self.group_type.id,
            self.volume_type.id,
        )

    def test_another_project_sees_nothing(self) -> None:
        group = self.new_group()
        self.says(
            404,
            f"Group {group.id} could not be found.",
            cinder(self.stranger).groups.get,
            group.id,
        )

    def test_replication_actions(self) -> None:
        group = self.new_group(self.new_volume())
        get, groups = self.volumes.groups.get, self.volumes.groups
        # what it is until then is the driver's: of Pure it is disabled,
        # although the array replicates
        groups.enable_replication(group.id)
        self.wait(lambda: get(group.id).replication_status == "enabled")
        groups.disable_replication(group.id)
        self.wait(lambda: get(group.id).replication_status == "disabled")
        self.says(
            400,
            f"Group {group.id} replication status must be ['enabled', "
            "'error'], but current status is: disabled. Cannot disable "
            "replication.",
            groups.disable_replication,
            group.id,
        )
        groups.enable_replication(group.id)
        self.wait(lambda: get(group.id).replication_status == "enabled")
        _, targets = groups.list_replication_targets(group.id)
        if self.under_test.arrays is not None:
            # a real backend may know none
            self.assertTrue(targets["replication_targets"])

    def test_only_a_replicated_group_type_replicates(self) -> None:
        kind = self.volumes_admin.group_types.create("plain-groups")
        self.addCleanup(self.volumes_admin.group_types.delete, kind)
        group = self.volumes.groups.create(kind.id, self.volume_type.id)
        self.settled(group.id)
        self.says(
            400,
            f"Invalid group type: Group {group.id} is not a replication group "
            "type.",
            self.volumes.groups.enable_replication,
            group.id,
        )
        self.volumes.groups.delete(group.id)
        groups = self.volumes.groups.list
        self.wait(lambda: group.id not in [item.id for item in groups()])

    def test_reset_status_is_for_admins(self) -> None:
        group = self.new_group()
        self.says(
            403,
            "Policy doesn't allow group:reset_status to be performed.",
            self.volumes.groups.reset_state,
            group.id,
            "error",
        )
        self.volumes_admin.groups.reset_state(group.id, "error")
        self.assertEqual("error", self.volumes.groups.get(group.id).status)
        self.volumes.groups.delete(group.id)


class DifferenceTest(storage_contract.StorageContractTestCase):
    """Real ones still have it; nobody is to lean on it here."""

    def test_the_old_api_is_gone(self) -> None:
        self.need_emulator()
        answer = self.tenant.session.get(
            "/consistencygroups",
            endpoint_filter={"service_type": "block-storage"},
            raise_exc=False,
        )
        self.assertEqual(404, answer.status_code)


class PureGroupsTest(storage_contract.StorageContractTestCase):
    """What the Pure driver does with groups on the arrays."""

    def setUp(self) -> None:
        super().setUp()
        self.need_emulator()

    def test_a_group_is_a_replicated_protection_group(self) -> None:
        row = self.new_volume()
        group = self.new_group(row)
        name = f"consisgroup-{group.id}-cinder"
        sdk = self.array.sdk()
        found = sdk.get_pgroup(name)
        self.assertEqual([f"volume-{row.id}-cinder"], found["volumes"])
        self.assertEqual(
            [{"name": "array-b", "allowed": True}], found["targets"]
        )
        self.assertEqual("disabled", group.replication_status)
        schedule = sdk.get_pgroup(name, schedule=True)
        self.assertTrue(schedule["replicate_enabled"])
        self.assertEqual(3600, schedule["replicate_frequency"])
        self.volumes.groups.update(group.id, remove_volumes=row.id)
        self.settled(group.id)
        self.assertIsNone(sdk.get_pgroup(name)["volumes"])

    def test_a_snapshot_is_of_the_protection_group(self) -> None:
        row = self.new_volume()
        group = self.new_group(row)
        taken = self.volumes.group_snapshots.create(group.id, "undo")
        get = self.volumes.group_snapshots.get
        self.wait(lambda: get(taken.id).status == "available")
        name = f"consisgroup-{group.id}-cinder.cgsnapshot-{taken.id}-cinder"
        snapshots = self.array.sdk().list_volumes(snap=True)
        self.assertIn(
            f"{name}.volume-{row.id}-cinder",
            [item["name"] for item in snapshots],
        )
        self.volumes.group_snapshots.delete(taken.id)
        rows = self.volumes.group_snapshots.list
        self.wait(lambda: not rows())

    def test_a_group_without_replication_has_no_target(self) -> None:
        plain = self.other_type(None)
        row = self.new_volume(volume_type=plain.name)
        kind = next(
            kind
            for kind in self.volumes_admin.group_types.list()
            if kind.name == "cg"
        )
        group = self.volumes.groups.create(kind.id, plain.id)
        self.addCleanup(self.drop_group, group.id)
        self.settled(group.id)
        self.volumes.groups.update(group.id, add_volumes=row.id)
        self.settled(group.id)
        name = f"consisgroup-{group.id}-cinder"
        found = self.array.sdk().get_pgroup(name)
        self.assertEqual([f"volume-{row.id}-cinder"], found["volumes"])
        self.assertFalse(found["targets"])

    def test_replicated_types_need_the_replication_spec(self) -> None:
        kind = next(
            row
            for row in self.volumes_admin.group_types.list()
            if row.name == "cg"
        )
        group = self.volumes.groups.create(kind.id, self.volume_type.id)
        get = self.volumes.groups.get
        self.wait(lambda: get(group.id).status == "error")
        self.volumes.groups.delete(group.id)

    def test_a_dead_target_ends_in_error(self) -> None:
        arrays = self.under_test.arrays
        arrays.b.kill()
        try:
            group = self.volumes.groups.create(
                self.group_type.id, self.volume_type.id
            )
            get = self.volumes.groups.get
            self.wait(lambda: get(group.id).status == "error")
        finally:
            arrays.b.start()
        self.volumes.groups.delete(group.id)
