# SPDX-License-Identifier: Apache-2.0
"""The return of a site that was lost while its group moved."""

from typing import Any

from openstack import exceptions

from protector.tests.functional import two_sites

WEB, APP, DB = "web-server-1", "app-server-1", "db-server-1"


class ReturnTest(two_sites.TwoSites):
    def originals(self) -> dict[str, Any]:
        """The servers of site A as they are now, by name."""
        compute = self.sandbox.clouds["site-a"].compute
        return {
            server["name"]: compute.get_server(server["id"])
            for server in self.sandbox.described["servers"]
        }

    def states(self) -> dict[str, tuple[str, bool]]:
        return {
            name: (server.status, bool(server.is_locked))
            for name, server in self.originals().items()
        }

    def converge(self, group_id: str) -> None:
        """Nobody does anything."""
        self.until(lambda: self.in_sync(group_id))
        for at in (self.a, self.b):
            self.until(
                lambda at=at: self.condition(group_id, at, "SourceFenced")
            )
        self.until(
            lambda: self.condition(group_id, self.b, "ReplicationConfigured")
        )
        group = self.a.get_protection_group(group_id)
        self.assertEqual(("failed_over", 2), (group.status, group.epoch))

    def fail_back(self, group_id: str) -> Any:
        operation = self.a.run_protection_group(
            group_id, "failback", type="planned"
        )
        ended = self.follow(operation.id, self.a)
        group = self.a.get_protection_group(group_id)
        self.assertEqual(("active", 3), (group.status, group.epoch))
        return ended

    def test_a_black_hole_that_heals(self) -> None:
        group_id = self.protect("bad-day", (WEB, APP))
        self.write(group_id)
        self.replicate(group_id)
        before = self.originals()
        self.freeze()
        self.fail_over(group_id)
        expected = self.write(group_id, self.b)
        self.heal()
        self.converge(group_id)
        states = self.states()
        self.assertEqual(
            {WEB: ("SHUTOFF", True), APP: ("SHUTOFF", True)},
            {name: states[name] for name in (WEB, APP)},
        )
        self.assertRaises(
            exceptions.ConflictException,
            self.a.update_protection_group,
            group_id,
            description="by the older side",
        )
        self.fail_back(group_id)
        self.check_content(group_id, expected, (WEB, APP), self.a)
        # the same servers, and what they wrote alone can be undone
        for name, server in self.originals().items():
            self.assertEqual(before[name].id, server.id)

    def test_a_dead_site_whose_engine_comes_back_first(self) -> None:
        group_id = self.protect("bad-day", (WEB, APP))
        expected = self.write(group_id)
        point = self.replicate(group_id)
        self.add(group_id, DB)
        # of the others, what they write now is lost
        expected = self.write(group_id) | expected
        self.cut()
        self.fail_over(group_id, recovery_point=point)
        site = self.site_a
        self.start(site.array, site.cloud, site.name)
        self.converge(group_id)
        # who was not in the point runs nowhere else, and runs on
        self.assertEqual(("ACTIVE", False), self.states()[DB])
        partial = self.b.get_protection_group(group_id).conditions
        (found,) = (f for f in partial if f["type"] == "Partial")
        self.assertIn(DB, found["message"])
        self.fail_back(group_id)
        self.assertIs(False, self.condition(group_id, self.a, "Partial"))
        self.assertEqual(("ACTIVE", False), self.states()[DB])
        self.check_content(group_id, expected, (WEB, APP, DB), self.a)
