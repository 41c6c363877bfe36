# SPDX-License-Identifier: Apache-2.0
"""A dry run changes nothing, and plans what the verb then does.

Against a sandbox: what was asked of the clouds and arrays is in their own
logs, what is stored in the sites' databases.
"""

from collections.abc import Callable
import contextlib
import dataclasses
import functools
import sqlite3
import time
from typing import Any

from openstack import exceptions
import requests

from protector.sandbox import connect, fleet, watch
from protector.tests import base
from protector.tests.fixtures import sandbox_sites
from protector.tests.functional import drill_case, plans

Json = dict[str, Any]
# what the engines write down of their own accord; None: all of a table
OBSERVED: dict[str, tuple[str, ...] | None] = {
    "sites": None,
    "recovery_points": None,
    "protection_groups": (
        "conditions",
        "findings",
        "last_replication_at",
        "updated_at",
    ),
    "members": ("recoverable_at",),
    "metadata_syncs": ("last_sync_at",),
}
PATIENCE = watch.Patience(240, 0.4)
REST_SECONDS, POLL_SECONDS = 60, 0.2
# longer than a site waits before it tells the other
QUIET_SECONDS = 6
# for a plan while a whole site gives no answer
AWAY_SECONDS = 60


@dataclasses.dataclass(frozen=True)
class Case:
    """A verb, and what is done before it.

    :ivar at: the site that executes it.
    :ivar told: codes that its preflight must hold.
    :ivar predicted: whether its steps ran before, and so tell how long.
    :ivar between: done after the dry run and before the run, which is
        planned anew with what came of it.
    """

    verb: str
    at: str
    args: Json = dataclasses.field(default_factory=dict)
    before: Callable[["DryRunTest"], None] | None = None
    told: tuple[str, ...] = ()
    predicted: bool = True
    between: Callable[["DryRunTest"], str] | None = None


PLANNED = {"type": "planned"}
CASES = (
    Case("replicate", "site-a", predicted=False),
    Case("test_failover", "site-b", predicted=False),
    Case("test_cleanup", "site-b", predicted=False),
    # no copies are there yet: the policy does not want them before
    Case("failover", "site-b", PLANNED),
    Case("reprotect", "site-b"),
    Case("failback", "site-a", PLANNED),
    # all is there, but for what grew meanwhile
    Case(
        "failover",
        "site-b",
        PLANNED,
        before=lambda test: test.grow_a_volume("site-a"),
        told=("CopyTooSmall",),
        between=lambda test: test.add_a_member("db-server-1"),
    ),
    # of the new direction there must be a point first
    Case(
        "source_cleanup",
        "site-b",
        before=lambda test: test.run_verb("replicate", "site-b"),
        told=("ParkedRemoved",),
    ),
)
BACK = Case("failback", "site-a", PLANNED)


class DryRunTest(base.TestCase):
    DEFAULT_TIMEOUT = 300
    TIMEOUT_SCALING_FACTOR = 2

    def setUp(self) -> None:
        super().setUp()
        self.sandbox = self.useFixture(sandbox_sites.SandboxSites())
        self.sites = {s.name: s for s in self.sandbox.layout.sites}
        self.a = self.protector("site-a")

    def protector(self, site: str) -> Any:
        return self.sandbox.clouds[site].protector

    def follow(self, operation_id: str, at: str = "site-a") -> Any:
        sources = [watch.Source(at, self.protector(at).get_operation)]
        return watch.follow(
            operation_id, sources, lambda _: None, lambda _: None, PATIENCE
        )

    def protect(self, names: tuple[str, ...]) -> None:
        """A group of servers, each a boot tier, without copies before."""
        sites = {site.name: site.id for site in self.a.sites()}
        types = self.a.site_volume_types(sites["site-a"])
        made = self.a.create_protection_group(
            name="dry",
            replication_type="async",
            primary_site_id=sites["site-a"],
            secondary_site_id=sites["site-b"],
            volume_type_id=next(
                t.id for t in types if t.name == "replicated-ssd"
            ),
        )
        self.group_id = made.id
        self.follow(made.last_operation_id)
        self.a.set_replication_policy(made, prestage=False)
        servers = {
            s["name"]: s["id"] for s in self.sandbox.described["servers"]
        }
        tiers = []
        for name in names:
            member = self.a.add_member(made, servers[name])
            self.follow(member.last_operation_id)
            tiers.append({"members": [member.id], "delay_seconds": 1})
        self.a.set_resource_mappings(
            made, networks=[drill_case.NETWORKS], boot_tiers=tiers
        )

    def run_verb(self, verb: str, at: str, **args: Any) -> Any:
        operation = self.protector(at).run_protection_group(
            self.group_id, verb, **args
        )
        return self.follow(operation.id, at)

    def add_a_member(self, name: str) -> str:
        """Its operation still runs when this returns the member's id."""
        servers = self.sandbox.described["servers"]
        server_id = next(s["id"] for s in servers if s["name"] == name)
        member = self.a.add_member(self.group_id, server_id)
        self.until(
            lambda: (
                self.a.get_operation(member.last_operation_id).status
                != "pending"
            )
        )
        return str(member.id)

    def rest(self) -> None:
        """Wait until the sites have told each other all there is to tell."""
        deadline = time.monotonic() + REST_SECONDS
        seen, since = self.stored(), time.monotonic()
        while time.monotonic() - since < QUIET_SECONDS:
            self.assertLess(time.monotonic(), deadline, "no rest")
            time.sleep(POLL_SECONDS)
            now = self.stored()
            if now != seen:
                seen, since = now, time.monotonic()

    def grow_a_volume(self, site: str) -> None:
        """Where it runs; its parked copy at the other site stays small."""
        cloud = self.sandbox.clouds[site]
        member = next(iter(self.a.members(self.group_id)))
        rows = cloud.compute.volume_attachments(member.current_instance_id)
        volume_id = next(iter(rows)).volume_id
        answer = cloud.block_storage.post(
            f"/volumes/{volume_id}/action",
            json={"os-extend": {"new_size": 2}},
            microversion="3.42",
        )
        self.assertEqual(202, answer.status_code, answer.text)
        cloud.block_storage.wait_for_status(
            cloud.block_storage.get_volume(volume_id), "in-use", wait=60
        )
        self.assertEqual(2, cloud.block_storage.get_volume(volume_id).size)

    # -- what there is to compare

    def stored(self) -> dict[str, list[Json]]:
        """The rows of both sites by ``site.table``."""
        found = {}
        for site in self.sites.values():
            uri = f"file:{site.state(site.name) / 'protector.sqlite'}?mode=ro"
            with contextlib.closing(sqlite3.connect(uri, uri=True)) as db:
                db.row_factory = sqlite3.Row
                tables = db.execute(
                    "SELECT name FROM sqlite_master WHERE type = 'table'"
                ).fetchall()
                for (table,) in tables:
                    found[f"{site.name}.{table}"] = _rows(db, table)
        return found

    # -- the test

    def test_each_verb(self) -> None:
        self.protect(("web-server-1", "app-server-1"))
        for case in CASES:
            if case.before is not None:
                case.before(self)
            self.rest()
            planned = self.dry(case)
            late = case.between(self) if case.between else None
            ended = self.run_verb(case.verb, case.at, **case.args)
            self.is_listed_at_both(ended.id)
            if late is None:
                self.assertEqual(
                    plans.graph(planned["steps"]), plans.graph(ended.steps)
                )
            else:
                self.was_planned_anew(ended.steps, late)
        self.with_the_other_site_away()

    def is_listed_at_both(self, operation_id: str) -> None:
        for site in self.sites:
            listed = functools.partial(
                self.protector(site).operations,
                protection_group_id=self.group_id,
                status="completed",
            )
            self.until(
                lambda listed=listed: operation_id in {o.id for o in listed()}
            )

    def with_the_other_site_away(self) -> None:
        """Its Protector is dead, its cloud hangs: the move is refused, the
        plan tells why, health and sync-status say so by themselves."""
        site = self.sites["site-b"]
        answer = requests.post(
            f"{site.cloud_url}/control/faults",
            json={"match": ".", "hang": 600},
            timeout=connect.TIMEOUT,
        )
        answer.raise_for_status()
        fleet.Fleet(self.sandbox.layout).kill("site-b")
        begun = time.monotonic()
        told = self.a.dry_run_protection_group(
            self.group_id, BACK.verb, **BACK.args
        )
        self.assertLess(time.monotonic() - begun, AWAY_SECONDS)
        self.assertLessEqual(
            {"PeerUnreachable", "CloudUnreachable"}, _codes(told["preflight"])
        )
        refused = self.assertRaises(
            exceptions.HttpException,
            self.a.run_protection_group,
            self.group_id,
            BACK.verb,
            **BACK.args,
        )
        self.assertEqual(503, refused.status_code)
        self.until(
            lambda: (
                self.a.get_sync_status(self.group_id).remote["status"]
                == "unreachable"
            )
        )
        self.until(
            lambda: (
                "PeerUnreachable"
                in _codes(
                    self.a.get_protection_group_health(self.group_id).findings
                )
            )
        )

    def until(self, done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + REST_SECONDS
        while not done():
            self.assertLess(time.monotonic(), deadline, "it never is")
            time.sleep(POLL_SECONDS)

    def was_planned_anew(self, done: list[Json], late: str) -> None:
        """The run did for the late member what it did for the others: all
        that a plan for the way back holds, which is the same graph."""
        self.assertIn(late, {s["member_id"] for s in done})
        self.rest()
        self.assertEqual(
            plans.graph(self.dry(BACK)["steps"]), plans.graph(done)
        )

    def dry(self, case: Case) -> Json:
        """Asked at both sites, where both may be asked."""
        moves = case.verb in ("failover", "failback")
        asked = list(self.sites) if moves else [case.at]
        called, stored = plans.called(self.sites.values()), self.stored()
        told = [
            self.protector(site).dry_run_protection_group(
                self.group_id, case.verb, **case.args
            )
            for site in asked
        ]
        changes = [
            v
            for k, v in plans.called(self.sites.values()).items()
            if k not in called
        ]
        self.assertEqual([], changes, case)
        for table, rows in self.stored().items():
            fresh = [row for row in rows if row not in stored[table]]
            self.assertEqual([], fresh, f"{table}: {case}")
            self.assertEqual(len(stored[table]), len(rows), table)
        for one in told:
            self.assertEqual(
                plans.graph(told[0]["steps"]), plans.graph(one["steps"])
            )
            self.assertLessEqual(set(case.told), _codes(one["preflight"]))
        seconds = told[0]["predicted_seconds"]
        self.assertEqual(case.predicted, seconds is not None, seconds)
        return told[0]


def _rows(db: sqlite3.Connection, table: str) -> list[Json]:
    left_out = OBSERVED.get(table, ())
    if left_out is None:
        return []
    rows = db.execute(f'SELECT * FROM "{table}"').fetchall()  # noqa: S608
    return sorted(
        (
            {k: row[k] for k in row.keys() if k not in left_out}  # noqa: SIM118
            for row in rows
        ),
        key=repr,
    )


def _codes(findings: list[Json]) -> set[str]:
    return {f["code"] for f in findings}
