# SPDX-License-Identifier: Apache-2.0
"""What is listed of additions whose member nobody knows any more."""

from typing import Any
import uuid

from protector import constants as c
from protector import exception
from protector.db import models
from protector.db.api import operations
from protector.engine import late_copies, membership, records
from protector.tests.unit.engine import arrival_case
from protector.tests.unit.engine import fake_project as fake

DAY = 24 * 3600


class LateCopiesTest(arrival_case.ArrivalCase):
    def setUp(self) -> None:
        super().setUp()
        self.work = late_copies.LateCopies(self.runtime)
        self.lost_id, self.instance_id = str(uuid.uuid4()), str(uuid.uuid4())
        self.set_group(operation_id=None, status="active")
        self.operation_id = self.accept(
            c.Verb.MEMBER_ADD,
            args={"member_id": self.lost_id, "instance_id": self.instance_id},
        )
        self.finish(c.OperationStatus.CANCELLED)

    def finish(self, status: str, **values: Any) -> None:
        with self.runtime.db.writer() as session:
            row = operations.get(session, self.operation_id)
            operations.finish(session, self.clock.now(), row, status, **values)

    def told(self) -> list[str]:
        self.work.run()
        with self.runtime.db.reader() as session:
            row = session.get_one(models.Operation, self.operation_id)
        return [e["id"] for e in (row.result or {}).get("residue", [])]

    def made(self, member_id: str) -> None:
        mark = {membership.MEMBER_MARK: member_id}
        self.there.volume.add("v", metadata=mark)
        for number in (0, 1):
            port_id = f"p{number}"
            mark_of = records.port_mark(member_id, number)
            self.there.network.rows[port_id] = fake.port(
                port_id, description=mark_of
            )

    def test_what_was_made_at_the_other_site(self) -> None:
        self.made(self.lost_id)
        self.assertEqual(["v", "p0", "p1"], self.told())
        self.assertEqual(["v", "p0", "p1"], self.told())
        self.assertEqual([], self.there.changes)

    def test_what_comes_later(self) -> None:
        self.assertEqual([], self.told())
        self.made(self.lost_id)
        self.assertEqual(["v", "p0", "p1"], self.told())

    def test_it_is_added_to_what_the_operation_tells(self) -> None:
        told = {"residue": [{"kind": "volume", "id": "u", "why": "in use"}]}
        with self.runtime.db.writer() as session:
            operations.get(session, self.operation_id).data = told
        self.finish(c.OperationStatus.FAILED, result={**told, "members": []})
        self.made(self.lost_id)
        self.assertEqual(["u", "v", "p0", "p1"], self.told())

    def test_volumes_of_the_server_that_are_in_the_group(self) -> None:
        self.here.compute.rows[self.instance_id] = fake.server()
        self.here.volume.add("own")
        self.here.volume.add("other", group_id=None)
        self.here.compute.attach(
            self.instance_id, "own", "other", self.volume_id
        )
        self.assertEqual(["own"], self.told())

    def test_not_of_a_member_that_is_there(self) -> None:
        self.made(self.member_id)
        with self.runtime.db.writer() as session:
            row = operations.get(session, self.operation_id)
            row.args = {**row.args, "member_id": self.member_id}
        self.assertEqual([], self.told())

    def test_of_one_that_went_with_its_history(self) -> None:
        """Another history was kept, which never knew it."""
        self.made(self.lost_id)
        self.finish(c.OperationStatus.COMPLETED, result={"residue": []})
        self.assertEqual(["v", "p0", "p1"], self.told())

    def test_not_of_one_that_was_removed(self) -> None:
        self.made(self.lost_id)
        self.finish(c.OperationStatus.COMPLETED)
        removal = self.accept(
            c.Verb.MEMBER_REMOVE, args={"member_id": self.lost_id}
        )
        self.end(removal)
        self.assertEqual([], self.told())

    def test_not_for_ever(self) -> None:
        self.made(self.lost_id)
        self.clock.advance(8 * DAY)
        self.assertEqual([], self.told())

    def test_a_silent_cloud_is_asked_again(self) -> None:
        self.made(self.lost_id)
        self.there.fail("list", exception.CloudUnavailable("no answer"))
        self.assertEqual([], self.told())
        self.assertEqual(["v", "p0", "p1"], self.told())
