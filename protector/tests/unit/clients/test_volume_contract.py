# SPDX-License-Identifier: Apache-2.0
"""Our client of Cinder on a whole cloud, emulated or real."""

from protector import exception
from protector.tests.unit.clients import contract

NOWHERE = "11111111-2222-3333-4444-555555555555"


class VolumeContractTest(contract.ContractTestCase):
    def test_a_volume_has_all_that_it_was_given(self) -> None:
        client = self.tenant.volume
        made = self.new_volume(
            metadata={"mark": "one"}, description="for a test"
        )
        client.set_bootable(made.id, True)
        client.set_image_metadata(made.id, {"hw_firmware_type": "uefi"})
        client.set_metadata(made.id, {"more": "two"})
        client.update(made.id, name=f"{made.name}-renamed")
        found = client.get(made.id)
        self.assertEqual(f"{made.name}-renamed", found.name)
        self.assertEqual(self.replicated.name, found.volume_type)
        self.assertEqual(1, found.size)
        self.assertTrue(found.bootable)
        self.assertFalse(found.encrypted or found.multiattach)
        self.assertEqual(
            {"mark": "one", "more": "two"}.items(),
            found.metadata.items() & {("mark", "one"), ("more", "two")},
        )
        self.assertEqual("uefi", found.image_metadata["hw_firmware_type"])
        self.assertEqual((), found.server_ids)
        self.assertIn("@", found.host or "")
        self.assertEqual("for a test", found.raw["description"])

    def test_it_belongs_to_the_tenant(self) -> None:
        made = self.new_volume()
        theirs = self.under_test.tenant.block_storage.get_volume(made.id)
        self.assertEqual(made.id, theirs.id)

    def test_volumes_are_found(self) -> None:
        client = self.tenant.volume
        mark = {"mark": self.name("mark")}
        one, two = self.new_volume(metadata=mark), self.new_volume()
        self.assertEqual([one.id], [v.id for v in client.list(metadata=mark)])
        self.assertEqual([two.id], [v.id for v in client.list(name=two.name)])
        wanted = {one.id, two.id, NOWHERE}
        self.assertEqual(
            {one.id, two.id}, {v.id for v in client.list(ids=wanted)}
        )
        self.assertEqual([], client.list(ids={NOWHERE}))
        self.assertEqual([], client.list(ids=set()))
        self.assertRaises(exception.CloudNotFound, client.get, NOWHERE)

    def test_a_mark_on_what_another_user_made_does_not_count(self) -> None:
        """As on a volume that a tenant makes from a backup."""
        client = self.tenant.volume
        mark = {"mark": self.name("mark")}
        ours = self.new_volume(metadata=mark)
        theirs = self.under_test.tenant.block_storage.create_volume(
            name=self.name("theirs"), size=1, metadata=mark
        )
        self.addCleanup(self.gone, self.volumes, theirs.id)
        self.addCleanup(self.drop, client.delete, theirs.id)
        self.available(theirs.id)
        self.assertEqual([ours.id], [v.id for v in client.made(mark)])
        marked = {v.id for v in client.list(metadata=mark)}
        self.assertEqual({ours.id, theirs.id}, marked)

    def test_a_volume_grows(self) -> None:
        made = self.new_volume()
        self.tenant.volume.extend(made.id, 2)
        grown = self.volumes.wait(
            made.id, lambda v: v if v and v.size == 2 else None, 45
        )
        self.assertEqual(2, grown.size)
        self.available(made.id)

    def test_a_quota_is_told_as_one(self) -> None:
        client = self.tenant.volume
        gigabytes = next(
            q for q in client.quotas() if q.resource == "gigabytes"
        )
        if gigabytes.limit < 0:
            self.skipTest("the quota is unlimited here")
        error = self.assertRaises(
            exception.CloudQuota,
            client.create,
            "too-large",
            gigabytes.limit + 1,
            self.replicated.id,
        )
        self.assertIn("gigabytes", error.message)

    def test_types_and_pools_show_what_an_admin_sees(self) -> None:
        self.assertEqual("async", self.replicated.replication_type)
        pools = self.tenant.volume.pools()
        self.assertIn("volume_backend_name", pools[0])
        self.assertIn("@", pools[0]["name"])
        resources = {q.resource for q in self.tenant.volume.quotas()}
        self.assertIn(f"volumes_{self.replicated.name}", resources)
        self.assertTrue({"volumes", "groups", "gigabytes"} <= resources)


class GroupContractTest(contract.ContractTestCase):
    def test_members_come_and_go(self) -> None:
        client = self.tenant.volume
        group = self.new_group()
        self.assertEqual((), group.volume_ids)
        self.assertEqual("for a test", group.description)
        self.assertEqual((self.replicated.id,), group.volume_types)
        one, two = self.new_volume(), self.new_volume()
        client.update_group(group.id, add=[one.id, two.id])
        self._members(group.id, {one.id, two.id})
        self.assertEqual(group.id, client.get(one.id).group_id)
        self.assertEqual(
            {one.id, two.id},
            {v.id for v in client.list(group_id=group.id)},
        )
        error = self.assertRaises(
            exception.CloudError, client.delete_group, group.id
        )
        self.assertIn("delete-volumes flag is required", error.message)
        client.update_group(group.id, remove=[one.id, two.id])
        self._members(group.id, set())

    def _members(self, group_id: str, wanted: set[str]) -> None:
        self.groups.wait(
            group_id,
            lambda g: (
                g
                if g
                and g.status == "available"
                and set(g.volume_ids) == wanted
                else None
            ),
            contract.SECONDS,
        )

    def test_a_volume_can_be_born_in_a_group(self) -> None:
        group = self.new_group()
        made = self.new_volume(group_id=group.id)
        self.assertEqual(group.id, made.group_id)
        self._members(group.id, {made.id})
        self.tenant.volume.update_group(group.id, remove=[made.id])
        self._members(group.id, set())

    def test_groups_are_found(self) -> None:
        client = self.tenant.volume
        one, two = self.new_group(), self.new_group()
        self.assertEqual(
            [one.id], [g.id for g in client.find_groups(one.name)]
        )
        self.assertEqual([], client.find_groups(self.name("nothing")))
        ids = {one.id, two.id, NOWHERE}
        self.assertEqual({one.id, two.id}, {g.id for g in client.groups(ids)})
        self.assertEqual([], client.groups({NOWHERE}))
        self.assertRaises(exception.CloudNotFound, client.get_group, NOWHERE)

    def test_a_group_type_is_made_once_and_completed(self) -> None:
        client = self.site.service.volume
        name = self.name("type")
        first = client.create_group_type(name, {"a": "1"})
        self.addCleanup(client._cinder.group_types.delete, first.id)
        again = client.create_group_type(name, {"a": "1", "b": "2"})
        self.assertEqual(first.id, again.id)
        found = [t for t in client.group_types() if t.name == name]
        self.assertEqual(
            [{"a": "1", "b": "2"}], [t.group_specs for t in found]
        )
