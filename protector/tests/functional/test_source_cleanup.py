# SPDX-License-Identifier: Apache-2.0
"""The originals are removed on request, and the servers come home anew with
all that was written.

Against a sandbox: contents by hash, what is left by the clouds' inventories.
"""

from typing import Any

from openstack import exceptions

from protector.sandbox import access, evidence, guests, watch
from protector.tests import base
from protector.tests.fixtures import sandbox_sites

PATIENCE = watch.Patience(240, 0.4)
PLANNED = {"type": "planned"}
NAMES = ("web-server-1", "app-server-1")
KEPT, GONE = NAMES[1], NAMES[0]


class SourceCleanupTest(base.TestCase):
    DEFAULT_TIMEOUT = 300
    TIMEOUT_SCALING_FACTOR = 2

    def setUp(self) -> None:
        super().setUp()
        self.sandbox = self.useFixture(sandbox_sites.SandboxSites())
        self.sites = {s.name: s for s in self.sandbox.layout.sites}
        self.guests = guests.Guests()
        self.originals = {
            s["name"]: evidence.server(self.sandbox.clouds["site-a"], s["id"])
            for s in self.sandbox.described["servers"]
            if s["name"] in NAMES
        }

    def protector(self, site: str) -> Any:
        return self.sandbox.clouds[site].protector

    def follow(self, operation_id: str, at: str) -> Any:
        sources = [watch.Source(at, self.protector(at).get_operation)]
        return watch.follow(
            operation_id, sources, lambda _: None, lambda _: None, PATIENCE
        )

    def run_verb(self, at: str, verb: str, **args: Any) -> Any:
        made = self.protector(at).run_protection_group(
            self.group_id, verb, **args
        )
        return self.follow(made.id, at)

    def protect(self) -> None:
        a = self.protector("site-a")
        sites = {site.name: site.id for site in a.sites()}
        types = a.site_volume_types(sites["site-a"])
        made = a.create_protection_group(
            name="cleaned",
            replication_type="async",
            primary_site_id=sites["site-a"],
            secondary_site_id=sites["site-b"],
            volume_type_id=next(
                t.id for t in types if t.name == "replicated-ssd"
            ),
        )
        self.group_id = made.id
        self.follow(made.last_operation_id, "site-a")
        for name in NAMES:
            member = a.add_member(made, self.originals[name].id)
            self.follow(member.last_operation_id, "site-a")

    def running(self, site: str) -> dict[str, evidence.Server]:
        members = self.protector(site).members(self.group_id)
        cloud = self.sandbox.clouds[site]
        found = [
            evidence.server(cloud, m.current_instance_id) for m in members
        ]
        return {server.name: server for server in found}

    def write(self, site: str, first: int) -> None:
        for server in self.running(site).values():
            for disk in server.disks:
                self.guests.write(self.sites[site], disk, first, 4)

    def verify(self, site: str) -> dict[str, evidence.Server]:
        servers = self.running(site)
        for server in servers.values():
            for disk in server.disks:
                wrong = self.guests.wrong(self.sites[site], disk)
                self.assertIsNone(wrong, disk)
        return servers

    def refused(self, at: str) -> str:
        error = self.assertRaises(
            exceptions.ConflictException,
            self.protector(at).run_protection_group,
            self.group_id,
            "source_cleanup",
        )
        return str(error)

    def use(self, site: str, server_id: str) -> None:
        """The administrator took the lock off a parked server."""
        cloud = access.connect(self.sandbox.layout, f"{site}-admin")
        self.addCleanup(cloud.close)
        cloud.compute.unlock_server(server_id)

    def volumes(self, site: str) -> set[str]:
        return set(
            evidence.cloud_inventory(self.sites[site])["volume.volumes"]
        )

    # -- the test

    def test_home_again_without_the_originals(self) -> None:
        self.protect()
        self.assertIn("nothing parked", self.refused("site-a"))
        self.write("site-a", 64)
        self.run_verb("site-b", "failover", **PLANNED)
        self.verify("site-b")
        self.write("site-b", 128)
        self.run_verb("site-b", "replicate")
        self.use("site-a", self.originals[KEPT].id)
        self.clean()
        self.come_home()
        self.clean_the_other_site()

    def clean(self) -> None:
        self.assertIn("site-b", self.refused("site-a"))
        before = self.volumes("site-a")
        planned = self.protector("site-b").dry_run_protection_group(
            self.group_id, "source_cleanup"
        )
        self.assertEqual(before, self.volumes("site-a"))
        told = {f["code"]: f["message"] for f in planned["preflight"]}
        self.assertEqual({"ParkedRemoved", "ParkedKept"}, set(told))
        gone = self.originals[GONE]
        for one in (gone.id, *(v[1] for v in gone.volumes)):
            self.assertIn(one, told["ParkedRemoved"])
        self.assertIn(self.originals[KEPT].id, told["ParkedKept"])
        ended = self.run_verb("site-b", "source_cleanup")
        self.assertEqual("success", ended.outcome, ended.result)
        (kept,) = ended.result["residue"]
        self.assertEqual(self.originals[KEPT].id, kept["id"])
        compute = self.sandbox.clouds["site-a"].compute
        self.assertIsNone(compute.find_server(gone.id))
        compute.get_server(self.originals[KEPT].id)
        left = self.volumes("site-a")
        self.assertFalse(left & {v[1] for v in gone.volumes})
        self.assertLessEqual(
            {v[1] for v in self.originals[KEPT].volumes}, left
        )
        # empty copies stand in their place
        self.assertEqual(len(before), len(left))
        # what runs is as it was, and replicates
        self.verify("site-b")
        self.run_verb("site-b", "replicate")

    def come_home(self) -> None:
        self.write("site-b", 192)
        ended = self.run_verb("site-a", "failback", **PLANNED)
        self.assertEqual("success", ended.outcome, ended.result)
        servers = self.verify("site-a")
        for name, was in self.originals.items():
            now = servers[name]
            self.assertEqual(name == KEPT, was.id == now.id)
            self.assertEqual(was.floating_ips, now.floating_ips)
            self.assertEqual(
                [(mac, ips) for _id, mac, ips in was.ports],
                [(mac, ips) for _id, mac, ips in now.ports],
            )

    def clean_the_other_site(self) -> None:
        """And the other way: what Protector made there goes too, and the
        next failover builds it once more."""
        self.run_verb("site-a", "replicate")
        ended = self.run_verb("site-a", "source_cleanup")
        self.assertEqual([], ended.result["residue"])
        inventory = evidence.cloud_inventory(self.sites["site-b"])
        self.assertEqual({}, inventory["compute.servers"])
        self.assertIn("nothing parked", self.refused("site-a"))
        self.run_verb("site-b", "failover", **PLANNED)
        self.verify("site-b")
