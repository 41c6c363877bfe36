# SPDX-License-Identifier: Apache-2.0
"""A change is settled only with the word of the other site."""

from protector import constants as c
from protector import exception
from protector.db.api import operations
from protector.engine import steps
from protector.tests.unit.engine import arrival_case

SETTLING = {
    "changes.settle": c.Verb.UPDATE,
    "members.settle": c.Verb.MEMBER_ADD,
    "members.leave": c.Verb.MEMBER_REMOVE,
    "members.drop_copies": c.Verb.MEMBER_REMOVE,
    "members.forget": c.Verb.MEMBER_REMOVE,
    "replication.settle": c.Verb.REPROTECT,
    "cleanup.settle": c.Verb.SOURCE_CLEANUP,
}


class SettlingTest(arrival_case.ArrivalCase):
    """The other site was asked when the operation began; then its engine
    died, and another one goes on."""

    def setUp(self) -> None:
        super().setUp()
        self.end(self.ctx.operation.id)
        self.set_group(status=c.GroupStatus.ACTIVE, operation_id=None)
        self.peer = self.there.peer
        self.before = self.group().metadata_version

    def settle(self, name: str, before: int = 1, **data: int) -> None:
        """:param before: how many engines ran the operation already."""
        args = {"member_id": self.member_id}
        self.ctx = self.for_member(
            SETTLING[name], args=args, generation=before
        )
        self.ctx.save(**data)
        self.set_group(operation_id=self.ctx.operation.id)
        steps.STEPS[name].run(self.ctx)

    def is_unchanged(self) -> None:
        self.assertEqual(self.before, self.group().metadata_version)
        with self.runtime.db.reader() as session:
            row = operations.get(session, self.ctx.operation.id)
        self.assertFalse(row.no_return)
        self.assertEqual([], self.there.changes)
        self.end(self.ctx.operation.id)

    def test_one_that_does_not_answer_is_waited_for(self) -> None:
        """The step is repeated until its deadline; then it is taken back."""
        self.peer.errors["group"] = exception.PeerUnreachable("away")
        for name in SETTLING:
            self.assertRaises(exception.PeerUnreachable, self.settle, name)
            self.is_unchanged()

    def test_who_began_it_has_its_word(self) -> None:
        """The change is sent when the other site answers again."""
        self.peer.errors["group"] = exception.PeerUnreachable("away")
        self.settle("changes.settle", before=0)
        self.assertEqual(self.before + 1, self.group().metadata_version)

    def test_one_that_took_the_group(self) -> None:
        self.peer.held = [
            {"id": self.group_id, "epoch": 1, "claimed_epoch": 2}
        ]
        for name in SETTLING:
            for before in (0, 1):
                self.assertRaises(
                    exception.NotPrimarySite, self.settle, name, before
                )
                self.is_unchanged()

    def test_what_was_settled_already_asks_no_more(self) -> None:
        self.peer.errors["group"] = exception.PeerUnreachable("away")
        self.settle("changes.settle", version=1)
        self.assertEqual(self.before, self.group().metadata_version)

    def test_one_that_is_lost_for_good_is_not_asked(self) -> None:
        self.peer.errors["group"] = exception.PeerUnreachable("away")
        self.set_group(conditions={c.Condition.UNPROTECTED: {"status": True}})
        self.settle("changes.settle")
        self.assertEqual(self.before + 1, self.group().metadata_version)
