# SPDX-License-Identifier: Apache-2.0
"""A whole site is left: many groups of two projects, by one command.

``PROTECTOR_SITE_GROUPS`` is how many; CI has the minutes for twelve.
"""

from collections.abc import Callable, Iterable
from concurrent import futures
import contextlib
import datetime
import json
import os
import pathlib
import sqlite3
import statistics
import subprocess
import sys
from typing import Any, NamedTuple

import requests

from protector.sandbox import access, fleet, guests, watch
from protector.tests.functional import two_sites

MANY = int(os.environ.get("PROTECTOR_SITE_GROUPS", "12"))
GROUPS = {"demo": MANY - MANY // 6, "other": MANY // 6}
EMPTY = "empty"
ALONE = "demo-00"
"""The group that moves before all others."""
PLACES = 4
"""Operations that the engine runs at once."""
AT_ONCE = 8
PLENTY = {
    "compute": {"instances": -1, "cores": -1, "ram": -1},
    "volume": {"groups": -1, "volumes": -1},
}
SECONDS = 900
# who looks more often takes the time from those who work
PATIENCE = watch.Patience(SECONDS, 2)


class Move(NamedTuple):
    """An operation: whose it is, when it was asked for, began and ended."""

    project_id: str
    asked: datetime.datetime
    began: datetime.datetime
    ended: datetime.datetime


class SiteFailoverTest(two_sites.TwoSites):
    DEFAULT_TIMEOUT = 900

    def setUp(self) -> None:
        super().setUp()
        for site in self.sandbox.layout.sites:
            answer = requests.patch(
                f"{site.cloud_url}/control/settings",
                json={"quotas": PLENTY},
                timeout=guests.TIMEOUT,
            )
            answer.raise_for_status()
        self.tenants = {
            "demo": self.sandbox.clouds["site-a"],
            "other": self.other(),
        }
        self.admin = access.connect(self.sandbox.layout, "site-b-admin")
        self.addCleanup(self.admin.close)
        sites = {site.name: site.id for site in self.a.sites()}
        types = self.a.site_volume_types(sites["site-a"])
        self.new_group = {
            "replication_type": "async",
            "primary_site_id": sites["site-a"],
            "secondary_site_id": sites["site-b"],
            "volume_type_id": next(
                t.id for t in types if t.name == "replicated-ssd"
            ),
        }

    def other(self) -> Any:
        """A tenant of another project at site A."""
        cloud = self.sandbox.clouds["site-a"].connect_as(
            username="other", project_name="other"
        )
        self.addCleanup(cloud.close)
        return cloud

    def wait(self, operation_id: str, at: Any) -> None:
        source = watch.Source("", at.get_operation)
        watch.follow(
            operation_id, [source], lambda _: None, lambda _: None, PATIENCE
        )

    # -- what tenants do

    def side_by_side(
        self, call: Callable[..., Any], *items: Iterable[Any]
    ) -> list[Any]:
        with futures.ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(call, *items))

    def server(self, project: str, number: int) -> Any:
        """A server with one small disk and no network."""
        cloud, name = self.tenants[project], f"{project}-{number:02}"
        volume = cloud.block_storage.create_volume(
            name=name, size=1, volume_type="replicated-ssd"
        )
        cloud.block_storage.wait_for_status(volume, interval=1, wait=SECONDS)
        cloud.block_storage.set_volume_bootable_status(volume, True)
        flavor = cloud.compute.find_flavor("m1.tiny")
        disk = {
            "uuid": volume.id,
            "source_type": "volume",
            "destination_type": "volume",
            "boot_index": 0,
        }
        return cloud.compute.create_server(
            name=name,
            flavor_id=flavor.id,
            networks="none",
            block_device_mapping=[disk],
        )

    def group(self, project: str, name: str, server: Any = None) -> Any:
        """A group, and the server in it."""
        cloud = self.tenants[project]
        made = cloud.protector.create_protection_group(
            name=name, **self.new_group
        )
        self.wait(made.last_operation_id, cloud.protector)
        if server is not None:
            cloud.compute.wait_for_server(server, interval=1, wait=SECONDS)
            member = cloud.protector.add_member(made, server.id)
            self.wait(member.last_operation_id, cloud.protector)
        return made

    def send(self, project: str, group: Any) -> None:
        at = self.tenants[project].protector
        started = at.run_protection_group(group.id, "replicate")
        self.wait(started.id, at)

    def prepare(self) -> dict[str, str]:
        """The groups, ready to go; what is on each one's disk, by name."""
        wanted = [
            (project, number)
            for project, count in GROUPS.items()
            for number in range(count)
        ]
        projects = [project for project, _number in wanted]
        servers = self.side_by_side(self.server, *zip(*wanted, strict=True))
        names = [server.name for server in servers]
        groups = self.side_by_side(self.group, projects, names, servers)
        self.group("demo", EMPTY)
        written = self.side_by_side(self.write_to, servers)
        self.side_by_side(self.send, projects, groups)
        return dict(written)

    def write_to(self, server: Any) -> tuple[str, str]:
        found = self.disk("site-a", server.name)
        self.guests.write(self.site_a, found, 3, 1)
        return server.name, guests.whole(self.site_a, found)

    def disk(self, site: str, name: str) -> guests.Disk:
        """The disk of a server, as the administrator sees it."""
        layout = self.sandbox.layout
        where = layout.site(site)
        rows = requests.get(
            f"{where.cloud_url}/control/inventory", timeout=guests.TIMEOUT
        ).json()["compute.servers"]
        (row,) = (r for r in rows if r["name"] == name)
        return guests.Disk(name, row["id"], row["bdms"][0]["volume_id"])

    # -- the bad day

    def few_places(self) -> None:
        """Site B starts anew, with less places than there are groups."""
        processes = self.fleet.supervisor
        self.fleet.kill("site-b")
        processes.launch(
            "site-b",
            self.fleet.command("site-b"),
            fleet.environment() | {"OS_ENGINE__MAX_OPERATIONS": str(PLACES)},
        )
        self.fleet.wait_ready("site-b")

    def leave(self) -> tuple[int, dict[str, dict[str, Any]]]:
        """The command: its exit status, and its table by group."""
        program = pathlib.Path(sys.executable).with_name("openstack")
        words = ["--os-cloud", "site-b-admin", "protector", "protection-group"]
        words += ["failover", "--all-from", "site-a", "--all-projects"]
        words += ["--type", "unplanned", "--yes", "-f", "json"]
        done = subprocess.run(
            [program, *words],
            env={
                **os.environ,
                "OS_CLIENT_CONFIG_FILE": str(self.sandbox.layout.clouds_yaml),
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        self.assertIn("[", done.stdout, done.stderr)
        rows = json.loads(done.stdout)
        return done.returncode, {row["protection_group"]: row for row in rows}

    def test_all_groups_of_a_site(self) -> None:
        written = self.prepare()
        self.cut()
        self.few_places()
        alone = self.b.find_protection_group(ALONE)
        single = self.fail_over(alone.id).result["rto_seconds"]
        status, table = self.leave()
        refused = table.pop(EMPTY)
        self.assertEqual(1, status)
        self.assertEqual("refused", refused["status"])
        self.assertIn("Add a server", json.dumps(refused["error"]))
        self.assertEqual(set(written) - {ALONE}, set(table))
        self.assertEqual({"completed"}, {r["status"] for r in table.values()})
        ids = [row["operation"] for row in table.values()]
        moves = self.moves(ids)
        self.check_places(moves)
        self.check_turns(moves)
        self.tell(ids, moves, single)
        for name, digest in written.items():
            found = self.disk("site-b", name)
            self.assertEqual(digest, guests.whole(self.site_b, found), name)

    def moves(self, ids: list[str]) -> list[Move]:
        """To the microsecond, which the API does not tell."""
        found = []
        path = self.database("site-b")
        with contextlib.closing(sqlite3.connect(path)) as database:
            for row in database.execute(
                "SELECT id, project_id, created_at, started_at, finished_at "
                "FROM operations"
            ):
                if row[0] in ids:
                    times = map(datetime.datetime.fromisoformat, row[2:])
                    found.append(Move(row[1], *times))
        self.assertEqual(len(ids), len(found))
        return found

    def check_places(self, moves: list[Move]) -> None:
        """All places are taken, never more; the others wait."""
        run, wait = [], []
        for moment in [move.began for move in moves]:
            run.append(sum(m.began <= moment < m.ended for m in moves))
            wait.append(sum(m.asked <= moment < m.began for m in moves))
        self.assertEqual(PLACES, max(run))
        self.assertGreater(max(wait), PLACES)

    def check_turns(self, moves: list[Move]) -> None:
        """While one of a project waits, no other project begins more than
        that one does, but for those that began as it came: whatever the
        order in which they were asked for."""
        self.assertEqual(len(GROUPS), len({m.project_id for m in moves}))
        for move in moves:
            begun = [m for m in moves if move.asked < m.began <= move.began]
            own = sum(m.project_id == move.project_id for m in begun)
            self.assertLessEqual(len(begun) - own, own + PLACES, move)

    def tell(self, ids: list[str], moves: list[Move], single: float) -> None:
        """What a user would ask: how long until everything runs again?"""
        ask = self.admin.protector.get_operation
        asked = min(move.asked for move in moves)
        runs = sorted((m.ended - asked).total_seconds() for m in moves)
        rto = [ask(key).result["rto_seconds"] for key in ids]
        print(
            f"site failover of {len(moves)} groups at {PLACES} places: "
            f"first after {runs[0]:.1f} s, median "
            f"{statistics.median(runs):.1f} s, last {runs[-1]:.1f} s; "
            f"RTO of one {min(rto):.1f} to {max(rto):.1f} s, of one alone "
            f"{single:.1f} s; last is {runs[-1] / single:.1f} times that",
            file=sys.__stderr__,
        )
