# SPDX-License-Identifier: Apache-2.0
"""Sites: the local record, registration, removal."""

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
            sites.set_status(
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
