# SPDX-License-Identifier: Apache-2.0
"""A sandbox whose site A can be lost: groups of its servers, what they
wrote, and the processes that stop answering."""

from collections.abc import Callable
import contextlib
import copy
import os
import pathlib
import shutil
import signal
import sqlite3
import time
from typing import Any

import fixtures
import requests

from protector.sandbox import evidence, fleet, guests, watch
from protector.sandbox import layout as layouts
from protector.tests import base
from protector.tests.fixtures import sandbox_sites

Json = dict[str, Any]
PATIENCE = watch.Patience(240, 0.4)
# for who must not miss a step
CLOSELY = watch.Patience(240, 0.05)
PAGES = ((64, 4), (8192, 2))


class TwoSites(base.TestCase):
    DEFAULT_TIMEOUT = 300
    TIMEOUT_SCALING_FACTOR = 2
    THIRD = False

    def setUp(self) -> None:
        super().setUp()
        self.sandbox = self.useFixture(sandbox_sites.SandboxSites(self.THIRD))
        self.fleet = fleet.Fleet(self.sandbox.layout)
        self.site_a, self.site_b = self.sandbox.layout.sites
        self.guests = guests.Guests()
        self.a = self.sandbox.clouds["site-a"].protector
        self.b = self.sandbox.clouds["site-b"].protector

    # -- what users do

    def follow(self, operation_id: str, at: Any, look: Any = None) -> Any:
        source = watch.Source("", at.get_operation)
        return watch.follow(
            operation_id,
            [source],
            look or (lambda operation: None),
            lambda site: None,
            CLOSELY if look else PATIENCE,
        )

    def protect(self, name: str, servers: tuple[str, ...]) -> str:
        """A group of servers of site A; its id."""
        sites = {site.name: site.id for site in self.a.sites()}
        types = self.a.site_volume_types(sites["site-a"])
        made = self.a.create_protection_group(
            name=name,
            replication_type="async",
            primary_site_id=sites["site-a"],
            secondary_site_id=sites["site-b"],
            volume_type_id=next(
                t.id for t in types if t.name == "replicated-ssd"
            ),
        )
        self.follow(made.last_operation_id, self.a)
        for server in servers:
            self.add(made.id, server)
        return str(made.id)

    def add(self, group_id: str, server: str) -> None:
        ids = {s["name"]: s["id"] for s in self.sandbox.described["servers"]}
        member = self.a.add_member(group_id, ids[server])
        self.follow(member.last_operation_id, self.a)

    def place(self, at: Any) -> layouts.Site:
        """The site whose Protector it is."""
        clouds = self.sandbox.clouds.items()
        name = next(n for n, cloud in clouds if cloud.protector is at)
        return self.sandbox.layout.site(name)

    def servers(self, group_id: str, at: Any) -> dict[str, evidence.Server]:
        """The members' servers as a site shows them, by name."""
        cloud = self.sandbox.clouds[self.place(at).name]
        found = [
            evidence.server(cloud, m.current_instance_id)
            for m in at.members(group_id)
            if m.current_instance_id
        ]
        return {server.name: server for server in found}

    def write(
        self, group_id: str, at: Any = None
    ) -> dict[str, guests.Content]:
        """The guests write to all disks, at site A unless told otherwise;
        what these hold now."""
        at = at or self.a
        site = self.place(at)
        for server in self.servers(group_id, at).values():
            for disk in server.disks:
                for first, count in PAGES:
                    self.guests.write(site, disk, first, count)
        return copy.deepcopy(self.guests.contents)

    def replicate(self, group_id: str) -> str:
        """The id of a new recovery point, that both sites know."""
        operation = self.a.run_protection_group(group_id, "replicate")
        ended = self.follow(operation.id, self.a)
        (name,) = [
            step["result"]["point"]
            for step in ended.steps
            if (step["result"] or {}).get("point")
        ]
        return self.until(lambda: self._point(group_id, name))

    def _point(self, group_id: str, name: str) -> str | None:
        for point in self.b.recovery_points(group_id):
            if point.name == name and point.complete:
                return str(point.id)
        return None

    def fail_over(self, group_id: str, look: Any = None, **args: Any) -> Any:
        """Asked of site B, and followed there."""
        operation = self.b.run_protection_group(
            group_id, "failover", type="unplanned", **args
        )
        return self.follow(operation.id, self.b, look)

    # -- losing site A

    def freeze(self) -> None:
        """All of site A hangs: connections are taken, nothing is said."""
        for pid in self._pids():
            os.kill(pid, signal.SIGSTOP)
            self.addCleanup(_go_on, pid)
        self.notice()

    def cut(self) -> None:
        """All of site A is gone: connections are refused."""
        for name in self._lost():
            self.fleet.kill(name)
        self.notice()

    def heal(self) -> None:
        """What hung goes on, and does not know that time went by."""
        for pid in self._pids():
            _go_on(pid)

    def start(self, *order: str) -> None:
        """Start the processes of site A, one after the other."""
        for name in order:
            self.fleet.start(name)

    # -- a database that goes back in time

    def backup(self, name: str) -> pathlib.Path:
        """What the database of a site holds now."""
        found = pathlib.Path(self.useFixture(fixtures.TempDir()).path, "db")
        with (
            contextlib.closing(sqlite3.connect(self.database(name))) as live,
            contextlib.closing(sqlite3.connect(found)) as copied,
        ):
            live.backup(copied)
        return found

    def restore(self, name: str, backup: pathlib.Path) -> None:
        """The site starts again from a backup."""
        self.fleet.kill(name)
        path = self.database(name)
        for old in path.parent.glob(f"{path.name}*"):
            old.unlink()
        shutil.copy(backup, path)
        self.fleet.start(name)

    def database(self, name: str) -> pathlib.Path:
        return self.sandbox.layout.site(name).state(name) / "protector.sqlite"

    def notice(self) -> None:
        """Wait until site B has seen it."""
        self.until(lambda: not all(self._reachable()))

    def _reachable(self) -> list[bool]:
        return [
            found["status"] is True
            for group in self.b.protection_groups()
            for found in group.conditions
            if found["type"] == "PeerReachable"
        ]

    def _lost(self) -> tuple[str, ...]:
        site = self.site_a
        return (site.name, site.cloud, site.array)

    def _pids(self) -> list[int]:
        living = self.fleet.living()
        return [pid for n in self._lost() if (pid := living[n]) is not None]

    # -- what must be true

    def until(self, look: Callable[[], Any], seconds: float = 60) -> Any:
        deadline = time.monotonic() + seconds
        while not (found := look()):
            self.assertLess(time.monotonic(), deadline, "never")
            time.sleep(0.4)
        return found

    def in_sync(self, group_id: str) -> bool:
        """Both sites hold one version, and both say so."""
        found = [p.get_sync_status(group_id) for p in (self.a, self.b)]
        versions = {(s.local["epoch"], s.local["version"]) for s in found}
        return len(versions) == 1 and all(s.in_sync for s in found)

    def condition(self, group_id: str, at: Any, kind: str) -> Any:
        """True, False, or None for unknown."""
        for found in at.get_protection_group(group_id).conditions:
            if found["type"] == kind:
                return found["status"]
        return None

    def stored(self, site: layouts.Site, name: str) -> str:
        """The hash of a volume or a snapshot on a site's array."""
        answer = requests.get(
            f"{site.array_url}/control/volumes/{name}/data",
            params={"digest": guests.HASH},
            timeout=guests.TIMEOUT,
            verify=str(site.array_ca),
        )
        answer.raise_for_status()
        return str(answer.json()["digest"])

    def check_content(
        self,
        group_id: str,
        expected: dict[str, guests.Content],
        names: tuple[str, ...],
        at: Any = None,
    ) -> None:
        """The servers run, at site B unless told otherwise, with these
        bytes."""
        at = at or self.b
        site = self.place(at)
        self.guests.contents = expected
        servers = self.servers(group_id, at)
        self.assertEqual(set(names), set(servers))
        for server in servers.values():
            self.assertEqual("ACTIVE", server.status, server.name)
            self.assertFalse(server.locked)
            for disk in server.disks:
                wrong = self.guests.wrong(site, disk)
                self.assertIsNone(wrong, f"{server.name} {disk.key}: {wrong}")


def _go_on(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGCONT)
    except ProcessLookupError:
        return
