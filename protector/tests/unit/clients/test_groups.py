# SPDX-License-Identifier: Apache-2.0
"""Groups: never a word about deleting volumes."""

from protector import exception
from protector.tests import base
from protector.tests.unit.clients import fake_cloud

Answer = fake_cloud.Answer
ROW = {"id": "g", "name": "n", "status": "available", "volumes": ["v"]}


class GroupsTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.cloud = self.useFixture(fake_cloud.FakeCloud())
        clients = fake_cloud.clients(self.cloud)
        self.volume = clients.project("tenant").volume

    def test_delete_volumes_is_never_sent(self) -> None:
        self.cloud.on("POST", "/groups/g/action$", Answer(202))
        self.volume.delete_group("g")
        call = self.cloud.calls[0]
        self.assertEqual({"delete": {}}, call.json)
        self.assertEqual("volume 3.71", call.headers["OpenStack-API-Version"])

    def test_a_new_group_is_creating(self) -> None:
        self.cloud.on("POST", "/groups$", Answer(202, {"group": {"id": "g"}}))
        made = self.volume.create_group("n", "d", "gt", ["t1", "t2"])
        self.assertEqual("creating", made.status)
        self.assertEqual(("t1", "t2"), made.volume_types)
        body = self.cloud.calls[0].json["group"]
        self.assertEqual(["t1", "t2"], body["volume_types"])

    def test_only_what_changes_is_sent(self) -> None:
        self.cloud.on("PUT", "/groups/g$", Answer(202))
        self.volume.update_group("g", add=["a", "b"])
        self.volume.update_group("g", remove=["c"], name="m")
        self.assertEqual(
            [
                {"add_volumes": "a,b"},
                {"remove_volumes": "c", "name": "m"},
            ],
            [call.json["group"] for call in self.cloud.calls],
        )

    def test_members_are_asked_for(self) -> None:
        self.cloud.on("GET", "/groups/g$", Answer(200, {"group": ROW}))
        self.cloud.on("GET", "/groups/detail$", Answer(200, {"groups": [ROW]}))
        self.assertEqual(("v",), self.volume.get_group("g").volume_ids)
        self.assertEqual(("v",), self.volume.groups()[0].volume_ids)
        self.assertEqual(1, len(self.volume.find_groups("n")))
        for call in self.cloud.calls:
            self.assertEqual(["True"], call.query["list_volume"])

    def test_a_group_without_its_members_is_not_taken_for_empty(self) -> None:
        bare = {k: v for k, v in ROW.items() if k != "volumes"}
        self.cloud.on("GET", "/groups/g$", Answer(200, {"group": bare}))
        error = self.assertRaises(
            exception.CloudError, self.volume.get_group, "g"
        )
        self.assertIn("3.25", error.message)

    def test_a_type_left_without_specs_is_completed(self) -> None:
        half = {"id": "gt", "name": "n", "group_specs": {"a": "1"}}
        self.cloud.on(
            "GET", "/group_types$", Answer(200, {"group_types": [half]})
        )
        self.cloud.on(
            "GET", "/group_types/gt$", Answer(200, {"group_type": half})
        )
        self.cloud.on(
            "POST", "/gt/group_specs$", Answer(202, {"group_specs": {}})
        )
        made = self.volume.create_group_type("n", {"a": "1", "b": "2"})
        self.assertEqual({"a": "1", "b": "2"}, made.group_specs)
        self.assertEqual(
            {"group_specs": {"b": "2"}}, self.cloud.calls[-1].json
        )
