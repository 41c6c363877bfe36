# SPDX-License-Identifier: Apache-2.0
"""Members over HTTP."""

from typing import Any
import uuid

from protector import constants as c
from protector import exception
from protector.db import models
from protector.tests.unit.api import served


class MembersTest(served.ApiTest):
    def setUp(self) -> None:
        super().setUp()
        self.group_id = self.site.group()
        self.path = f"/protection-groups/{self.group_id}/members"
        self.instance_id = str(uuid.uuid4())

    def add(self, **values: Any) -> Any:
        body = {"member": {"instance_id": self.instance_id, **values}}
        return self.tenant("POST", self.path, body)

    def row(self, member_id: str) -> models.Member | None:
        with self.db.reader() as session:
            return session.get(models.Member, member_id)

    def test_addition_is_accepted(self) -> None:
        self.engine.finishes = False
        volume = str(uuid.uuid4())
        answer = self.add(volume_ids=[volume])
        shown = self.ok(answer, 202)["member"]
        self.assertEqual("protecting", shown["status"])
        self.assertEqual("web-server-1", shown["instance_name"])
        self.assertEqual(0, shown["volumes_added"])
        operation = self.operation_row(answer)
        self.assertEqual(operation.id, shown["last_operation_id"])
        self.assertEqual(
            {
                "member_id": shown["id"],
                "instance_id": self.instance_id,
                "instance_name": "web-server-1",
                "volume_ids": [volume],
            },
            operation.args,
        )

    def test_the_same_server_again_is_the_same_member(self) -> None:
        first = self.ok(self.add(), 202)["member"]
        again = self.ok(self.add(), 200)["member"]
        self.assertEqual(first["id"], again["id"])
        self.assertEqual(1, len(self.all_operations()))

    def test_a_failed_addition_is_tried_again(self) -> None:
        self.engine.finishes = False
        member_id = self.ok(self.add(), 202)["member"]["id"]
        with self.db.writer() as session:
            session.get(models.Member, member_id).status = "error"
        again = self.ok(self.add(), 202)["member"]
        self.assertEqual(member_id, again["id"])
        self.assertEqual("protecting", again["status"])

    def test_additions_queue(self) -> None:
        self.engine.finishes = False
        self.ok(self.add(), 202)
        self.instance_id = str(uuid.uuid4())
        self.ok(self.add(), 202)
        self.assertEqual(2, len(self.all_operations()))

    def test_refusals(self) -> None:
        key = ("precheck", "member_add")
        for error in (
            exception.VolumeTypeMismatch("volume type mismatch: x"),
            exception.MemberNotProtectable("It has a local disk."),
            exception.InvalidReference("There is no server."),
            exception.VolumeInAnotherGroup("It is in group x."),
            exception.QuotaExceeded("No volumes left."),
            served.unreachable(),
        ):
            self.engine.refusals[key] = error
            self.refused(self.add(), error.code, error.reason)
        listed = self.ok(self.tenant("GET", self.path))["members"]
        self.assertEqual([], listed)

    def test_what_fails_in_a_cloud_meanwhile_is_no_500(self) -> None:
        key = ("precheck", "member_add")
        self.engine.refusals[key] = exception.CloudUnavailable("Nova: 504")
        self.refused(self.add(), 503, "CloudUnavailable")

    def test_bad_bodies(self) -> None:
        for values in (
            {"instance_id": "web-1"},
            {"volume_ids": []},
            {"volume_ids": ["x"]},
            {"volume_ids": [self.instance_id] * 2},
            {"extra": True},
        ):
            self.refused(self.add(**values), 400, "BadRequest")

    def test_show_and_list(self) -> None:
        member_id = self.site.member(self.group_id)
        shown = self.ok(self.tenant("GET", f"{self.path}/{member_id}"))
        self.assertEqual(1, shown["member"]["volumes_added"])
        self.assertIsNotNone(shown["member"]["current_instance_id"])
        listed = self.ok(self.tenant("GET", f"{self.path}?status=protected"))
        self.assertEqual([member_id], [m["id"] for m in listed["members"]])
        other = self.site.group()
        answer = self.tenant(
            "GET", f"/protection-groups/{other}/members/{member_id}"
        )
        self.refused(answer, 404, "NotFound")

    def test_undo_copies_are_given_up_on_request_only(self) -> None:
        for query, wanted in (("", False), ("?discard_undo=true", True)):
            member_id = self.site.member(self.group_id)
            path = f"{self.path}/{member_id}{query}"
            self.ok(self.tenant("DELETE", path), 204)
            (operation,) = [
                o
                for o in self.all_operations()
                if o.args["member_id"] == member_id
            ]
            self.assertEqual(wanted, operation.args["discard_undo"])
        bad = f"{self.path}/{member_id}?force=true"
        self.refused(self.tenant("DELETE", bad), 400, "BadRequest")

    def test_removal_is_done_when_it_says_so(self) -> None:
        member_id = self.site.member(self.group_id)
        answer = self.tenant("DELETE", f"{self.path}/{member_id}")
        self.ok(answer, 204)
        self.assertEqual(b"", answer.content)
        self.assertNotIn("Content-Type", answer.headers)
        self.assertIsNone(self.row(member_id))

    def test_a_long_removal_is_202(self) -> None:
        self.engine.finishes = False
        self.served.runtime.conf.set_override("settle_timeout", 0, "api")
        member_id = self.site.member(self.group_id)
        path = f"{self.path}/{member_id}"
        shown = self.ok(self.tenant("DELETE", path), 202)["member"]
        self.assertEqual("removing", shown["status"])
        again = self.tenant("DELETE", path)
        self.refused(again, 409, "InvalidStatus")
        row = self.row(member_id)
        self.instance_id = row.instance_id
        self.refused(self.add(), 409, "InvalidStatus")

    def test_not_while_the_group_moves(self) -> None:
        self.set_group(
            self.group_id,
            status=c.GroupStatus.FAILING_OVER,
            operation_id=self.instance_id,
        )
        self.refused(self.add(), 409, "InvalidStatus")
        member_id = self.site.member(self.group_id)
        answer = self.tenant("DELETE", f"{self.path}/{member_id}")
        self.refused(answer, 409, "InvalidStatus")
