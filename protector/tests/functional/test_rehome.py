# SPDX-License-Identifier: Apache-2.0
"""A group whose other site is gone for good gets a third one, moves there and
comes home: told by the bytes."""

from typing import Any

from protector.sandbox import access
from protector.tests.functional import two_sites

WEB = "web-server-1"
PLANNED = {"type": "planned"}


class RehomeTest(two_sites.TwoSites):
    THIRD = True

    def setUp(self) -> None:
        super().setUp()
        self.c = self.sandbox.clouds["site-c"].protector
        admin = access.connect(self.sandbox.layout, "site-b-admin")
        self.addCleanup(admin.close)
        self.admin = admin.protector
        self.sites = {s.name: s for s in self.admin.sites()}

    def moved(self, at: Any, verb: str, **args: Any) -> Any:
        started = at.run_protection_group(self.group_id, verb, **args)
        return self.follow(started.id, at)

    def check_pair(self) -> None:
        """Sites B and C hold one version, and the arrays replicate."""
        self.until(
            lambda: all(
                p.get_sync_status(self.group_id).in_sync
                for p in (self.b, self.c)
            )
        )
        for at in (self.b, self.c):
            self.until(
                lambda at=at: self.condition(
                    self.group_id, at, "ReplicationConfigured"
                )
            )

    def test_to_a_third_site_and_home(self) -> None:
        self.group_id = self.protect("left-alone", (WEB,))
        self.write(self.group_id)
        self.replicate(self.group_id)
        self.cut()
        self.fail_over(self.group_id)
        self.write(self.group_id, self.b)
        self.admin.declare_site_lost(self.sites["site-a"])
        home = self.servers(self.group_id, self.b)[WEB]
        self.moved(self.b, "rehome", secondary_site_id=self.sites["site-c"].id)
        group = self.b.get_protection_group(self.group_id)
        self.assertEqual("active", group.status)
        self.assertEqual(self.sites["site-b"].id, group.primary_site_id)
        self.check_pair()
        expected = self.write(self.group_id, self.b)
        self.moved(self.c, "failover", **PLANNED)
        self.check_content(self.group_id, expected, (WEB,), self.c)
        self.check_pair()
        expected = self.write(self.group_id, self.c)
        self.moved(self.b, "failback", **PLANNED)
        self.check_content(self.group_id, expected, (WEB,), self.b)
        # what ran there when site A was given up is the original now
        self.assertEqual(home.id, self.servers(self.group_id, self.b)[WEB].id)
        self.check_return()

    def check_return(self) -> None:
        """Site A learns that it has no part in it any more."""
        site = self.site_a
        self.start(site.array, site.cloud, site.name)
        self.until(lambda: not list(self.a.protection_groups()))
        server = self.sandbox.clouds["site-a"].compute.find_server(WEB)
        self.until(
            lambda: (
                self.sandbox.clouds["site-a"]
                .compute.get_server(server.id)
                .status
                == "SHUTOFF"
            )
        )
        self.assertEqual(
            "ACTIVE", self.servers(self.group_id, self.b)[WEB].status
        )
