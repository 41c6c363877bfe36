# SPDX-License-Identifier: Apache-2.0
"""Two sites with a group that is ready for a drill, and eyes on all of it."""

import time
from typing import Any

import requests

from protector.sandbox import evidence, guests, watch
from protector.tests import base
from protector.tests.fixtures import sandbox_sites
from protector.tests.functional import plans

Json = dict[str, Any]
PATIENCE = watch.Patience(240, 0.4)
NETWORKS = {
    "primary": "net1",
    "secondary": "net1",
    "primary_test": "test-net1",
    "secondary_test": "test-net1",
}
POLL_SECONDS = 0.2


class DrillCase(base.TestCase):
    """The group runs at ``site-a``; drills are at ``site-b``."""

    DEFAULT_TIMEOUT = 300
    TIMEOUT_SCALING_FACTOR = 2
    SERVERS: tuple[str, ...] = ("web-server-1", "app-server-1")

    def setUp(self) -> None:
        super().setUp()
        self.sandbox = self.useFixture(sandbox_sites.SandboxSites())
        self.site_a, self.site_b = self.sandbox.layout.sites
        self.cloud_a, self.cloud_b = (
            self.sandbox.clouds[s.name] for s in self.sandbox.layout.sites
        )
        self.a, self.b = self.cloud_a.protector, self.cloud_b.protector
        self.protect()

    def protect(self) -> None:
        sites = {site.name: site.id for site in self.a.sites()}
        types = self.a.site_volume_types(sites["site-a"])
        made = self.a.create_protection_group(
            name="tried",
            replication_type="async",
            primary_site_id=sites["site-a"],
            secondary_site_id=sites["site-b"],
            volume_type_id=next(
                t.id for t in types if t.name == "replicated-ssd"
            ),
        )
        self.group_id = made.id
        self.follow(made.last_operation_id, self.a)
        known = {s["name"]: s["id"] for s in self.sandbox.described["servers"]}
        self.servers = {name: known[name] for name in self.SERVERS}
        tiers = []
        for server_id in self.servers.values():
            member = self.a.add_member(made, server_id)
            self.follow(member.last_operation_id, self.a)
            tiers.append({"members": [member.id], "delay_seconds": 1})
        self.a.set_resource_mappings(
            made, networks=[NETWORKS], boot_tiers=tiers
        )

    # -- operations

    def follow(self, operation_id: str, at: Any) -> Any:
        """The operation once it is completed."""
        sources = [watch.Source("site", at.get_operation)]
        return watch.follow(
            operation_id, sources, lambda _: None, lambda _: None, PATIENCE
        )

    def run_verb(self, verb: str, at: Any, **args: Any) -> Any:
        started = at.run_protection_group(self.group_id, verb, **args)
        return self.follow(started.id, at)

    def write(self) -> dict[str, str]:
        """Something that tells it apart on each disk; hash by volume name."""
        written = guests.Guests()
        found = {}
        for server_id in self.servers.values():
            for disk in evidence.server(self.cloud_a, server_id).disks:
                written.write(self.site_a, disk, 3, 2)
                found[disk.key] = guests.whole(self.site_a, disk)
        return found

    def until(self, what: str, look: Any, seconds: float = 60) -> Any:
        deadline = time.monotonic() + seconds
        while True:
            found = look()
            if found:
                return found
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(POLL_SECONDS)

    def drill(self, at: Any = None) -> Any:
        """What the group shows of it."""
        return (at or self.b).get_protection_group(self.group_id).drill

    def clones(self) -> list[evidence.Server]:
        return [
            evidence.server(self.cloud_b, row.id)
            for row in self.cloud_b.compute.servers()
            if row.name.endswith("-test")
        ]

    # -- what there is

    def inventory(self) -> dict[str, Any]:
        """All that is on both clouds and on the target's array, but for
        the snapshots that come and go."""
        found: dict[str, Any] = {}
        for site in self.sandbox.layout.sites:
            for table, rows in evidence.cloud_inventory(site).items():
                found[f"{site.name} {table}"] = rows
        rows, _ = evidence.array_inventory(self.site_b)
        return found | {"array-b volumes": rows["volumes"]}

    def remainder(self, before: dict[str, Any]) -> list[str]:
        return evidence.remainder(before, self.inventory())

    def copies(self) -> dict[str, str]:
        """The content of each volume on the target's array, by its hash."""
        rows, _ = evidence.array_inventory(self.site_b)
        return {name: self.digest(name) for name in rows["volumes"]}

    def digest(self, name: str) -> str:
        """Of a volume or a snapshot on the target's array."""
        answer = requests.get(
            f"{self.site_b.array_url}/control/volumes/{name}/data",
            params={"digest": "sha256"},
            timeout=guests.TIMEOUT,
            verify=str(self.site_b.array_ca),
        )
        answer.raise_for_status()
        return str(answer.json()["digest"])

    def called(self) -> dict[str, Json]:
        """Each changing call that a cloud or an array was asked."""
        return plans.called(self.sandbox.layout.sites)

    def changes(self, before: dict[str, Json]) -> dict[str, Json]:
        return {k: v for k, v in self.called().items() if k not in before}
