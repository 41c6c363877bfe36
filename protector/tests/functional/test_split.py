# SPDX-License-Identifier: Apache-2.0
"""Two histories of one group, shown at both sites and ended by the user."""

from typing import Any

from openstack import exceptions

from protector.tests.functional import two_sites

WEB, APP, DB = "web-server-1", "app-server-1", "db-server-1"


class SplitTest(two_sites.TwoSites):
    """Site B lost the last changes, took the group, and site A came back."""

    def split(self) -> tuple[str, Any, Any]:
        """The group, what site A wrote and what site B wrote."""
        group_id = self.protect("bad-day", (WEB, APP))
        shared = self.write(group_id)
        self.replicate(group_id)
        backup = self.backup("site-b")
        self.add(group_id, DB)
        theirs = self.write(group_id)
        self.cut()
        self.restore("site-b", backup)
        self.notice()
        self.fail_over(group_id)
        self.guests.contents = shared
        ours = self.write(group_id, self.b)
        site = self.site_a
        self.start(site.array, site.cloud, site.name)
        for at in (self.a, self.b):
            self.until(lambda at=at: self.condition(group_id, at, "Split"))
        return group_id, theirs, ours

    def check_shown(self, group_id: str) -> None:
        """Both sites show both histories, and change nothing."""
        found = []
        for at in (self.a, self.b):
            status = at.get_sync_status(group_id)
            self.assertFalse(status.in_sync)
            found.append({h["site"]: h["checksum"] for h in status.histories})
            self.assertEqual(
                {"site-a": 1, "site-b": 2},
                {h["site"]: h["epoch"] for h in status.histories},
            )
            group = at.get_protection_group(group_id)
            self.assertIn("resolve_split", group.allowed_actions)
            error = self.assertRaises(
                exceptions.ConflictException,
                at.run_protection_group,
                group_id,
                "replicate",
            )
            self.assertIn(
                error.response.json()["error"]["reason"],
                ("Split", "NotPrimarySite"),
            )
        self.assertEqual(found[0], found[1])

    def resolve(self, group_id: str, keep: str, at: Any) -> Any:
        sites = {site.name: site.id for site in at.sites()}
        operation = at.run_protection_group(
            group_id, "resolve_split", keep_site_id=sites[keep]
        )
        ended = self.follow(operation.id, at)
        self.assertEqual("completed", ended.status, ended.error)
        self.until(lambda: self.in_sync(group_id))
        for site in (self.a, self.b):
            self.assertFalse(self.condition(group_id, site, "Split"))
            self.assertNotIn(
                "resolve_split",
                site.get_protection_group(group_id).allowed_actions,
            )
        self.until(
            lambda: self.condition(group_id, self.b, "ReplicationConfigured")
        )
        return ended

    def states(self, site: str) -> dict[str, tuple[str, bool]]:
        """All servers of a site, whatever group they are in."""
        return {
            server.name: (server.status, bool(server.is_locked))
            for server in self.sandbox.clouds[site].compute.servers()
        }

    def test_the_site_that_took_the_group_is_kept(self) -> None:
        group_id, _, ours = self.split()
        # the older side is down before anybody decides
        down = ("SHUTOFF", True)
        self.until(
            lambda: (
                self.states("site-a")
                == {WEB: down, APP: down, DB: ("ACTIVE", False)}
            )
        )
        self.check_shown(group_id)
        ended = self.resolve(group_id, "site-b", self.a)
        self.check_content(group_id, ours, (WEB, APP))
        group = self.a.get_protection_group(group_id)
        self.assertEqual(("failed_over", 4), (group.status, group.epoch))
        dropped = ended.result["dropped"]
        self.assertEqual([DB], [member["name"] for member in dropped])
        server = self.sandbox.clouds["site-a"].compute.get_server(
            dropped[0]["instance_id"]
        )
        self.assertEqual("ACTIVE", server.status)

    def test_the_site_that_came_back_is_kept(self) -> None:
        group_id, theirs, _ = self.split()
        self.resolve(group_id, "site-a", self.b)
        self.check_content(group_id, theirs, (WEB, APP, DB), self.a)
        group = self.b.get_protection_group(group_id)
        self.assertEqual(("active", 3), (group.status, group.epoch))
        down = ("SHUTOFF", True)
        self.assertEqual({WEB: down, APP: down}, self.states("site-b"))
        operation = self.a.run_protection_group(
            group_id, "failover", type="planned"
        )
        ended = self.follow(operation.id, self.a)
        self.assertEqual("completed", ended.status, ended.error)
        self.check_content(group_id, theirs, (WEB, APP, DB))


class RegressedTest(two_sites.TwoSites):
    """The database of a site is brought back from a backup."""

    def describe(self, group_id: str, text: str) -> None:
        self.a.update_protection_group(group_id, description=text)
        self.until(lambda: self.in_sync(group_id))

    def test_the_other_site_lost_what_it_acknowledged(self) -> None:
        group_id = self.protect("backup", (WEB,))
        backup = self.backup("site-b")
        self.describe(group_id, "lost at site B")
        self.restore("site-b", backup)
        self.until(lambda: self.condition(group_id, self.a, "PeerRegressed"))
        error = self.assertRaises(
            exceptions.ConflictException,
            self.a.update_protection_group,
            group_id,
            description="another",
        )
        self.assertEqual(
            "MetadataOutOfSync", error.response.json()["error"]["reason"]
        )
        # nothing was sent by itself
        group = self.b.get_protection_group(group_id)
        self.assertEqual("", group.description)
        self.a.force_sync(group_id)
        self.until(lambda: self.in_sync(group_id))
        group = self.b.get_protection_group(group_id)
        self.assertEqual("lost at site B", group.description)
        self.assertFalse(self.condition(group_id, self.a, "PeerRegressed"))

    def test_the_primary_lost_what_it_made(self) -> None:
        group_id = self.protect("backup", (WEB,))
        backup = self.backup("site-a")
        self.describe(group_id, "lost at site A")
        self.restore("site-a", backup)
        for at in (self.a, self.b):
            self.until(lambda at=at: self.condition(group_id, at, "Split"))
        self.assertTrue(self.condition(group_id, self.b, "PeerRegressed"))
        sites = {site.name: site.id for site in self.b.sites()}
        operation = self.b.run_protection_group(
            group_id, "resolve_split", keep_site_id=sites["site-b"]
        )
        ended = self.follow(operation.id, self.b)
        self.assertEqual("completed", ended.status, ended.error)
        self.until(lambda: self.in_sync(group_id))
        for at in (self.a, self.b):
            group = at.get_protection_group(group_id)
            self.assertEqual("lost at site A", group.description)
            self.assertEqual(("active", 3), (group.status, group.epoch))
            self.assertFalse(self.condition(group_id, at, "Split"))
        server = self.sandbox.clouds["site-a"].compute.find_server(WEB)
        server = self.sandbox.clouds["site-a"].compute.get_server(server.id)
        self.assertEqual("ACTIVE", server.status)
