# SPDX-License-Identifier: Apache-2.0
"""Undo copies stand in the way of what would delete their volumes."""

from typing import Any

from protector import constants as c
from protector import exception
from protector.db import models
from protector.db.api import metadata_sync, protection_groups
from protector.engine import precheck, reading, results, workflows
from protector.engine import scene as scenes
from protector.engine.steps import cleanup, members
from protector.tests.unit.engine import case, fakes

Json = dict[str, Any]


class UndoHeldCase(case.EngineCase):
    """``web`` and ``db`` run here, and are parked there, where a move made
    an undo copy."""

    VERB = c.Verb.MEMBER_REMOVE
    STEP = staticmethod(members.discard_undo)

    def setUp(self) -> None:
        super().setUp()
        self.web = self.site.member(self.group_id)
        self.db = self.site.member(self.group_id, "db")
        for member_id in (self.web, self.db):
            self.set_copy(
                member_id,
                role=c.CopyRole.PARKED,
                server_id="s",
                content_unique=False,
            )
        with self.runtime.db.writer() as session:
            group = protection_groups.lock(session, self.group_id)
            metadata_sync.settle(
                session, group, self.site.local_id, self.clock.now()
            )
            metadata_sync.find(session, group.id).remote_status = "synced"
        self.moved = self.accept("failover")
        self.end(self.moved)
        self.set_group(status=c.GroupStatus.ACTIVE, operation_id=None)

    def set_copy(self, member_id: str, **values: Any) -> None:
        with self.runtime.db.writer() as session:
            key = (member_id, self.site.peer_id)
            row = session.get_one(models.MemberCopy, key)
            for name, value in values.items():
                setattr(row, name, value)

    def undo(self, *names: str) -> str:
        """What the move made, of what was unique in those two."""
        name = f"there.undo-{self.moved[:8]}-1"
        self.driver.snapshots["there"] = {name: fakes.at(0)}
        with self.runtime.db.writer() as session:
            row = session.get_one(models.Operation, self.moved)
            ids = {"web": self.web, "db": self.db}
            kept = {
                "name": name,
                "members": list(names),
                "member_ids": [ids[n] for n in names],
            }
            row.data = {"undo": kept} if names else {}
        return name

    def args(self, **values: Any) -> Json:
        return values

    def check(self, **values: Any) -> Any:
        reader = reading.Reader.of(self.runtime, self.group_id)
        return precheck.CHECKS[self.VERB](reader, self.args(**values))

    def refused(self) -> exception.InvalidStatus:
        found = self.assertRaises(exception.InvalidStatus, self.check)
        # nor does it go where the array was silent when it was asked for
        self.driver.error = exception.ArrayUnavailable("no answer")
        self.check_silent()
        self.driver.error = None
        self.assertRaises(exception.InvalidStatus, self.discard)
        self.assertEqual([], self.driver.named("destroy_snapshot"))
        return found

    def check_silent(self) -> None:
        self.check()

    def discard(self, **values: Any) -> Json:
        """What the result of the operation says."""
        operation_id = self.accept(self.VERB, args=self.args(**values))
        try:
            ctx = self.step(operation_id)
            ctx.member_id = ctx.operation.args.get("member_id")
            self.STEP(ctx)
            with self.runtime.db.reader() as session:
                row = session.get_one(models.Operation, operation_id)
                return results.build(
                    session, row, self.clock.now(), "completed"
                )
        finally:
            self.end(operation_id)
            self.set_group(status=c.GroupStatus.ACTIVE, operation_id=None)

    def planned(self) -> list[str]:
        with self.runtime.db.reader() as session:
            scene = scenes.load(session, self.runtime.conf, self.group_id)
        rows = workflows.rows_for(self.VERB, self.args(), scene, 0)
        return [row["name"] for row in rows]


class MemberTest(UndoHeldCase):
    """The member is removed."""

    def args(self, **values: Any) -> Json:
        return {"member_id": self.web, **values}

    def test_it_is_refused_and_told_why(self) -> None:
        name = self.undo("web", "db")
        error = self.refused()
        self.assertEqual(409, error.code)
        self.assertEqual([name], error.details["undo_copies"])
        (held,) = error.details["held"]
        self.assertEqual(["web", "db"], held["members"])
        self.assertIn(held["kept_until"], error.message)
        self.assertIn("discard_undo=true", error.remedy)

    def test_what_the_other_one_has_stays(self) -> None:
        name = self.undo("web", "db")
        self.check(discard_undo=True)
        (told,) = self.discard(discard_undo=True)["discarded_undo"]
        self.assertEqual(name, told["name"])
        self.assertEqual([], self.driver.named("destroy_snapshot"))

    def test_what_nobody_else_has_goes(self) -> None:
        name = self.undo("web")
        self.discard(discard_undo=True)
        (call,) = self.driver.named("destroy_snapshot")
        self.assertEqual(("array-b", name), call[1:3])

    def test_nobody_knows_what_it_keeps(self) -> None:
        name = self.undo()
        self.assertIn(name, self.refused().message)
        self.discard(discard_undo=True)
        self.assertEqual([], self.driver.named("destroy_snapshot"))

    def test_another_member_of_that_name(self) -> None:
        with self.runtime.db.writer() as session:
            row = session.get_one(models.Member, self.db)
            row.instance_name = "web"
        self.undo("db")
        self.check()
        self.assertEqual([], self.discard()["discarded_undo"])
        self.undo("web", "db")
        self.refused()
        self.discard(discard_undo=True)
        self.assertEqual([], self.driver.named("destroy_snapshot"))

    def forget(self) -> None:
        """The move, as where no mirror of it came."""
        with self.runtime.db.writer() as session:
            session.delete(session.get_one(models.Operation, self.moved))

    def test_of_a_move_that_nobody_knows_here(self) -> None:
        name = self.undo("web")
        self.forget()
        error = self.assertRaises(exception.InvalidStatus, self.check)
        self.assertIn(name, error.message)

    def test_no_move_and_no_answer(self) -> None:
        self.forget()
        self.driver.error = exception.ArrayUnavailable("no answer")
        self.assertEqual([], self.discard()["discarded_undo"])

    def test_one_of_another_run(self) -> None:
        name = self.undo("db")
        later = f"{name[:-1]}2"
        self.driver.snapshots["there"][later] = fakes.at(1)
        self.assertIn(later, self.refused().message)

    def test_one_of_another_member(self) -> None:
        self.undo("db")
        self.check()
        self.assertEqual([], self.discard()["discarded_undo"])

    def test_none(self) -> None:
        self.check()
        self.assertEqual([], self.discard()["discarded_undo"])

    def test_nothing_is_deleted_there(self) -> None:
        self.undo("web")
        for values in (
            {"content_unique": True},
            {"content_unique": False, "role": c.CopyRole.LIVE},
        ):
            self.set_copy(self.web, **values)
            self.check()
        self.set_copy(self.web, role=c.CopyRole.PARKED)
        with self.runtime.db.writer() as session:
            row = session.get_one(models.Member, self.web)
            row.home_site_id = self.site.peer_id
        self.check()

    def test_it_is_asked_before_anything_goes(self) -> None:
        names = self.planned()
        self.assertLess(
            names.index("members.discard_undo"), names.index("members.leave")
        )


class ParkedTest(UndoHeldCase):
    """What is parked is removed."""

    VERB = c.Verb.SOURCE_CLEANUP
    STEP = staticmethod(cleanup.discard_undo)

    def setUp(self) -> None:
        super().setUp()
        volumes = [
            self.volume_name(member, self.site.local_id)
            for member in (self.web, self.db)
        ]
        self.driver.points["here"] = [fakes.point("here", "e1", 0, volumes)]

    def check_silent(self) -> None:
        """It looks for a recovery point first."""
        self.assertRaises(exception.ArrayUnavailable, self.check)

    def test_it_is_refused_and_told_why(self) -> None:
        name = self.undo("web")
        error = self.refused()
        self.assertEqual([name], error.details["undo_copies"])
        self.assertIn("source_cleanup", error.remedy)

    def test_originals_go_too(self) -> None:
        self.undo("web")
        with self.runtime.db.writer() as session:
            row = session.get_one(models.Member, self.web)
            row.home_site_id = self.site.peer_id
        self.refused()

    def test_all_of_it_goes(self) -> None:
        name = self.undo("web", "db")
        self.check(discard_undo=True)
        (told,) = self.discard(discard_undo=True)["discarded_undo"]
        self.assertEqual(name, told["name"])
        self.assertEqual(1, len(self.driver.named("destroy_snapshot")))

    def test_it_is_asked_before_anything_goes(self) -> None:
        names = self.planned()
        self.assertLess(
            names.index("cleanup.discard_undo"),
            names.index("cleanup.remove"),
        )
