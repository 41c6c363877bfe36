# SPDX-License-Identifier: Apache-2.0
"""The return of a site that was lost while its group moved."""

from collections.abc import Callable
from concurrent import futures
import contextlib
import sqlite3
from typing import Any

from openstack import exceptions

from protector.tests.functional import two_sites

WEB, APP, DB = "web-server-1", "app-server-1", "db-server-1"


class Return(two_sites.TwoSites):
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

    def converge(self, group_id: str, epoch: int = 2) -> None:
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
        self.assertEqual(("failed_over", epoch), (group.status, group.epoch))

    def fail_back(self, group_id: str, epoch: int = 3) -> Any:
        operation = self.a.run_protection_group(
            group_id, "failback", type="planned"
        )
        ended = self.follow(operation.id, self.a)
        group = self.a.get_protection_group(group_id)
        self.assertEqual(("active", epoch), (group.status, group.epoch))
        return ended


class ReturnTest(Return):
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


class OrdersTest(Return):
    """Engine first, clouds first, network first: when one group has failed
    over, and in the middle of the failover of another one, with the engine
    of the other site restarted or not."""

    def test_orders(self) -> None:
        self.after = self.protect("after", (WEB,))
        self.during = self.protect("during", (APP,))
        self.groups = {self.after: (WEB,), self.during: (APP,)}
        self.epoch = 1
        self.goes_and_comes(self.cut, self.engine_first, restarts=False)
        self.goes_and_comes(self.cut, self.engine_first)
        self.goes_and_comes(self.cut, self.clouds_first)
        self.goes_and_comes(self.freeze, self.heal)
        # it is in no group, and nobody touched it
        self.assertEqual(("ACTIVE", False), self.states()[DB])

    def engine_first(self) -> None:
        site = self.site_a
        self.start(site.name)
        # it knows better before it can be asked for anything
        self.until(lambda: self.epoch_at_home() == self.epoch)
        self.start(site.array, site.cloud)
        self.assertRaises(
            exceptions.ConflictException, self.change, self.after
        )

    def clouds_first(self) -> None:
        site = self.site_a
        self.start(site.cloud, site.array, site.name)

    def epoch_at_home(self) -> int:
        """Of the group that has failed over, past the API."""
        with contextlib.closing(
            sqlite3.connect(self.database(self.site_a.name))
        ) as database:
            ((epoch,),) = database.execute(
                "SELECT epoch FROM protection_groups WHERE id = ?",
                (self.after,),
            )
        return int(epoch)

    def change(self, group_id: str) -> None:
        """As a user of the older side."""
        self.a.update_protection_group(group_id, description="by the older")

    def goes_and_comes(
        self,
        lose: Callable[[], None],
        come_back: Callable[[], None],
        restarts: bool = True,
    ) -> None:
        for group_id in self.groups:
            self.write(group_id)
        self.for_each(self.replicate)
        self.epoch += 1
        lose()
        self.fail_over(self.after)
        self.write(self.after, self.b)
        if restarts:
            self.fleet.kill(self.site_b.name)
            self.start(self.site_b.name)
        self.fail_over(self.during, self.once_it_overwrites(come_back))
        expected = self.write(self.during, self.b)
        for group_id, names in self.groups.items():
            self.converge(group_id, self.epoch)
            self.assertRaises(
                exceptions.ConflictException, self.change, group_id
            )
            states = self.states()
            self.assertEqual(
                {name: ("SHUTOFF", True) for name in names},
                {name: states[name] for name in names},
            )
        self.epoch += 1
        self.for_each(lambda group_id: self.fail_back(group_id, self.epoch))
        for group_id, names in self.groups.items():
            self.check_content(group_id, expected, names, self.a)

    def for_each(self, call: Callable[[str], Any]) -> None:
        """Side by side."""
        with futures.ThreadPoolExecutor() as pool:
            list(pool.map(call, self.groups))

    def once_it_overwrites(
        self, call: Callable[[], None]
    ) -> Callable[[Any], None]:
        called: list[str] = []

        def look(operation: Any) -> None:
            begun = [
                step["name"]
                for step in operation.steps
                if step["status"] != "pending"
            ]
            if "volumes.overwrite" in begun and not called:
                called.append(operation.status)
                call()

        self.addCleanup(self.assertEqual, ["running"], called)
        return look
