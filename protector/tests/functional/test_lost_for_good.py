# SPDX-License-Identifier: Apache-2.0
"""A site that was declared lost, its groups without it, and its return."""

from typing import Any

from openstack import exceptions

from protector.sandbox import access
from protector.tests.functional import two_sites

WEB, APP = "web-server-1", "app-server-1"
DOWN = ("SHUTOFF", True)


class LostForGoodTest(two_sites.TwoSites):
    def setUp(self) -> None:
        super().setUp()
        admin = access.connect(self.sandbox.layout, "site-b-admin")
        self.addCleanup(admin.close)
        self.admin = admin.protector
        self.lost_site = {s.name: s for s in self.admin.sites()}["site-a"]

    def declare(self) -> None:
        self.admin.declare_site_lost(self.lost_site)

    def come_back(self) -> None:
        site = self.site_a
        self.start(site.array, site.cloud, site.name)

    def states(self, site: str) -> dict[str, tuple[str, bool]]:
        return {
            server.name: (server.status, bool(server.is_locked))
            for server in self.sandbox.clouds[site].compute.servers()
        }

    def gone(self, group_id: str, at: Any) -> bool:
        try:
            at.get_protection_group(group_id)
        except exceptions.NotFoundException:
            return True
        return False

    def test_a_group_goes_on_alone_and_is_deleted(self) -> None:
        group_id = self.protect("bad-day", (WEB, APP))
        self.write(group_id)
        self.replicate(group_id)
        self.assertRaises(exceptions.ConflictException, self.declare)
        self.cut()
        self.fail_over(group_id)
        expected = self.write(group_id, self.b)
        self.declare()
        self.assertTrue(self.condition(group_id, self.b, "Unprotected"))
        changed = self.b.update_protection_group(group_id, description="alone")
        self.assertEqual("alone", changed.description)
        servers = self.servers(group_id, self.b)
        self.check_content(group_id, expected, (WEB, APP))
        gone = self.b.delete_protection_group(group_id)
        self.follow(gone.accepted_operation_id, self.b)
        self.assertTrue(self.gone(group_id, self.b))
        self.come_back()
        self.until(lambda: self.gone(group_id, self.a))
        # what runs at site B is down at site A, and runs on there
        found = self.states("site-a")
        self.assertEqual([DOWN, DOWN], [found[name] for name in (WEB, APP)])
        for name in servers:
            self.assertEqual(("ACTIVE", False), self.states("site-b")[name])

    def test_a_lost_primary_is_deleted_and_nothing_of_it_stopped(self) -> None:
        """Nobody ever failed the group over."""
        group_id = self.protect("bad-day", (WEB,))
        self.cut()
        self.declare()
        gone = self.b.delete_protection_group(group_id)
        self.follow(gone.accepted_operation_id, self.b)
        self.come_back()
        self.until(lambda: self.gone(group_id, self.a))
        self.assertEqual(("ACTIVE", False), self.states("site-a")[WEB])

    def test_a_declaration_is_taken_back(self) -> None:
        group_id = self.protect("bad-day", (WEB,))
        self.replicate(group_id)
        self.cut()
        self.fail_over(group_id)
        self.declare()
        self.b.update_protection_group(group_id, description="alone")
        self.come_back()
        self.until(lambda: self.in_sync(group_id))
        self.assertEqual(
            "alone", self.a.get_protection_group(group_id).description
        )
        self.until(lambda: self.states("site-a")[WEB] == DOWN)
        self.admin.update_site(self.lost_site, lost=False)
        self.assertFalse(self.condition(group_id, self.b, "Unprotected"))
        self.until(
            lambda: self.condition(group_id, self.b, "ReplicationConfigured")
        )
