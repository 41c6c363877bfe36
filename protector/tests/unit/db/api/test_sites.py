# SPDX-License-Identifier: Apache-2.0
"""Sites: the local record, registration, removal."""

from protector import constants as c
from protector import exception
from protector.db import models
from protector.db.api import sites, tenant_mappings
from protector.tests.unit.db.api import database


class SitesTest(database.DatabaseTest):
    def test_local_and_remote(self) -> None:
        with self.db.reader() as session:
            self.assertEqual(self.site.local_id, sites.local(session).id)
            (peer,) = sites.remote_sites(session)
            self.assertEqual(self.site.peer_id, peer.id)
            self.assertEqual(peer.id, sites.find(session, "site-b").id)
            self.assertEqual("site-b", sites.find(session, peer.id).name)
            self.assertIsNone(sites.find(session, "site-c"))

    def test_a_site_without_a_record_of_itself_says_what_to_do(self) -> None:
        with self.db.writer() as session:
            session.delete(session.get(models.Site, self.site.local_id))
            session.flush()
            error = self.assertRaises(
                exception.ProtectorError, sites.local, session
            )
        self.assertIn("protector-manage site init", error.remedy)

    def test_names_are_unique(self) -> None:
        with self.db.writer() as session:
            values = {"id": database.new_id(), "name": "site-b"}
            self.assertRaises(
                exception.NameTaken, sites.add, session, database.NOW, values
            )
            local = sites.local(session)
            self.assertRaises(
                exception.NameTaken,
                sites.update,
                session,
                database.NOW,
                local,
                {"name": "site-b"},
            )

    def test_removal_takes_its_mappings_along(self) -> None:
        with self.db.writer() as session:
            tenant_mappings.add(
                session,
                database.NOW,
                {
                    "local_project_id": "a",
                    "remote_site_id": self.site.peer_id,
                    "remote_project_id": "b",
                },
            )
            peer = sites.get(session, self.site.peer_id)
            sites.remove(session, peer)
            self.assertEqual([], sites.remote_sites(session))
            self.assertIsNone(
                tenant_mappings.remote_project(session, "a", self.site.peer_id)
            )

    def test_not_while_a_group_uses_it(self) -> None:
        self.site.group()
        with self.db.writer() as session:
            peer = sites.get(session, self.site.peer_id)
            self.assertRaises(exception.SiteInUse, sites.remove, session, peer)

    def test_status(self) -> None:
        with self.db.writer() as session:
            sites.reached(
                session,
                self.site.peer_id,
                "unreachable",
                "No answer.",
                database.NOW,
            )
        with self.db.reader() as session:
            peer = sites.get(session, self.site.peer_id)
            self.assertEqual("No answer.", peer.status_reason)
            self.assertEqual(database.NOW, peer.checked_at)

    def validated(self, failed_checks: str | None) -> None:
        with self.db.writer() as session:
            sites.validated(
                session, self.site.peer_id, failed_checks, database.NOW
            )

    def looked_at(self, status: str, reason: str | None = None) -> None:
        with self.db.writer() as session:
            sites.reached(
                session, self.site.peer_id, status, reason, database.NOW
            )

    def status(self) -> tuple[str, str | None]:
        with self.db.reader() as session:
            peer = sites.get(session, self.site.peer_id)
            return peer.status, peer.status_reason

    def test_an_answer_does_not_hide_failed_checks(self) -> None:
        self.validated("nova: no answer")
        self.looked_at("active")
        self.assertEqual(("error", "nova: no answer"), self.status())
        self.looked_at("unreachable", "no answer")
        self.assertEqual(("unreachable", "no answer"), self.status())
        self.looked_at("active")
        self.assertEqual(("error", "nova: no answer"), self.status())
        self.validated(None)
        self.looked_at("active")
        self.assertEqual(("active", None), self.status())

    def test_another_registration_is_not_judged_by_old_checks(self) -> None:
        self.validated("nova: no answer")
        with self.db.writer() as session:
            peer = sites.get(session, self.site.peer_id)
            sites.update(session, database.NOW, peer, {"region_name": "r2"})
        self.looked_at("active")
        self.assertEqual(("active", None), self.status())

    # -- gone for good

    def test_one_that_answers_but_fails_its_checks_is_not_lost(self) -> None:
        self.validated("nova: no answer")
        self.assertRaises(exception.InvalidStatus, self.declare)

    def declare(self) -> None:
        with self.db.writer() as session:
            peer = sites.get(session, self.site.peer_id)
            sites.declare_lost(session, database.NOW, peer, "u-1")

    def lose(self) -> None:
        with self.db.writer() as session:
            sites.reached(
                session,
                self.site.peer_id,
                c.SiteStatus.UNREACHABLE,
                "no answer",
                database.NOW,
            )

    def unprotected(self, group_id: str) -> bool | None:
        found = self.group_row(group_id).conditions
        return found.get(c.Condition.UNPROTECTED, {}).get("status")

    def test_one_that_answers_is_not_lost(self) -> None:
        self.assertRaises(exception.InvalidStatus, self.declare)

    def test_this_one_is_not_lost(self) -> None:
        with self.db.writer() as session:
            self.assertRaises(
                exception.BadRequest,
                sites.declare_lost,
                session,
                database.NOW,
                sites.local(session),
                "u-1",
            )

    def test_its_groups_are_unprotected_until_it_is_taken_back(self) -> None:
        mine = self.site.group()
        split = {"status": True, "reason": "TwoHistories"}
        self.set_group(mine, conditions={c.Condition.SPLIT: split})
        other = self.site.group(secondary_site_id=database.new_id())
        self.lose()
        self.declare()
        with self.db.reader() as session:
            peer = sites.get(session, self.site.peer_id)
        self.assertEqual(
            (True, database.NOW, "u-1"),
            (peer.lost, peer.lost_at, peer.lost_by),
        )
        self.assertNotIn(c.Condition.SPLIT, self.group_row(mine).conditions)
        self.assertEqual(
            (True, None), (self.unprotected(mine), self.unprotected(other))
        )
        with self.db.writer() as session:
            peer = sites.get(session, self.site.peer_id)
            # it may answer by now
            peer.status = c.SiteStatus.ACTIVE
            sites.declare_lost(session, database.NOW, peer, "u-2")
            self.assertEqual("u-1", peer.lost_by)
            sites.take_back(session, database.NOW, peer)
        self.assertIs(False, self.unprotected(mine))
        self.assertIsNone(self.unprotected(other))

    def test_the_drills_here_come_to_their_end(self) -> None:
        ends = {}
        for site_id in (self.site.local_id, self.site.peer_id):
            group_id = self.site.group()
            with self.db.writer() as session:
                session.add(
                    models.Drill(
                        protection_group_id=group_id,
                        operation_id=database.new_id(),
                        site_id=site_id,
                        status=c.DrillStatus.RUNNING,
                        members=[],
                        residue=[],
                        started_at=database.NOW,
                    )
                )
            ends[site_id] = group_id
        self.lose()
        self.declare()
        with self.db.reader() as session:
            found = {
                site_id: session.get(models.Drill, group_id).expires_at
                for site_id, group_id in ends.items()
            }
        self.assertEqual(
            {self.site.local_id: database.NOW, self.site.peer_id: None}, found
        )
