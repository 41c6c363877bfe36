# SPDX-License-Identifier: Apache-2.0
"""A group whose volumes lie in pods that are stretched over both arrays: no
write is lost, whichever way it moves."""

from typing import Any

from openstack import exceptions
import requests

from protector.sandbox import disturb, guests
from protector.sandbox import layout as layouts
from protector.tests.functional import two_sites

DB, LOG = "sync-db", "sync-log"
SECONDS = 60
SYNC = "sync"


class SyncTest(two_sites.TwoSites):
    # -- what the tenant has

    def server(self, name: str, disks: int) -> str:
        """A server of site A on volumes that replicate synchronously."""
        cloud = self.sandbox.clouds["site-a"]
        volumes = [self.volume(f"{name}-{n}") for n in range(disks)]
        cloud.block_storage.set_volume_bootable_status(volumes[0], True)
        made = cloud.compute.create_server(
            name=name,
            flavor_id=cloud.compute.find_flavor("m1.tiny").id,
            networks="none",
            block_device_mapping=[
                {
                    "uuid": volume.id,
                    "source_type": "volume",
                    "destination_type": "volume",
                    "boot_index": 0 if number == 0 else -1,
                }
                for number, volume in enumerate(volumes)
            ],
        )
        cloud.compute.wait_for_server(made, interval=1, wait=SECONDS)
        return str(made.id)

    def volume(self, name: str) -> Any:
        storage = self.sandbox.clouds["site-a"].block_storage
        made = storage.create_volume(name=name, size=1, volume_type=SYNC)
        return storage.wait_for_status(made, interval=1, wait=SECONDS)

    def group(self) -> str:
        """A group of two servers; its id."""
        sites = {site.name: site.id for site in self.a.sites()}
        made = self.a.create_protection_group(
            name="no-loss",
            replication_type="sync",
            primary_site_id=sites["site-a"],
            secondary_site_id=sites["site-b"],
            volume_type_id=SYNC,
        )
        self.follow(made.last_operation_id, self.a)
        for server_id in (self.server(DB, 2), self.server(LOG, 1)):
            member = self.a.add_member(made.id, server_id)
            self.follow(member.last_operation_id, self.a)
        self.until(lambda: self.condition(made.id, self.a, "FailoverReady"))
        return str(made.id)

    # -- what must be true

    def whole(self, group_id: str, at: Any) -> bool:
        """Nothing is degraded, and the RPO is kept."""
        return (
            self.condition(group_id, at, "Degraded") is False
            and self.condition(group_id, at, "WithinRPO") is True
        )

    def on_both_arrays(self, group_id: str, at: Any) -> None:
        """What the servers have is on the other array, too."""
        other = self.site_b if self.place(at) is self.site_a else self.site_a
        for server in self.servers(group_id, at).values():
            for disk in server.disks:
                name = self.name(self.place(at), disk)
                self.assertEqual(
                    self.stored(self.place(at), name),
                    self.stored(other, name),
                )

    def name(self, site: layouts.Site, disk: guests.Disk) -> str:
        """Of a disk at a site, on both arrays."""
        return f"{site.pod}::volume-{disk.volume_id}-cinder"

    def move(self, verb: str, group_id: str, at: Any) -> Any:
        operation = at.run_protection_group(group_id, verb, type="planned")
        return self.follow(operation.id, at)

    # -- the moves

    def test_there_and_back(self) -> None:
        group_id = self.group()
        self.assertTrue(self.whole(group_id, self.a))
        expected = self.write(group_id)
        ended = self.move("failover", group_id, self.b)
        self.assertEqual(0, ended.result["rpo_seconds"])
        self.check_content(group_id, expected, (DB, LOG))
        self.on_both_arrays(group_id, self.b)
        expected = self.write(group_id, self.b)
        self.until(lambda: self.whole(group_id, self.b))
        self.move("failback", group_id, self.a)
        self.check_content(group_id, expected, (DB, LOG), self.a)
        self.on_both_arrays(group_id, self.a)

    def test_a_drill_touches_nothing(self) -> None:
        group_id = self.group()
        self.write(group_id)
        before = self.pods(group_id)
        operation = self.b.run_protection_group(group_id, "test_failover")
        ended = self.follow(operation.id, self.b)
        self.assertEqual("passed", ended.result["verdict"])
        operation = self.b.run_protection_group(group_id, "test_cleanup")
        ended = self.follow(operation.id, self.b)
        self.assertEqual([], ended.result["residue"])
        self.assertEqual(before, self.pods(group_id))

    def pods(self, group_id: str) -> dict[str, str]:
        """The content of the group's volumes on the array of site B."""
        return {
            name: self.stored(self.site_b, name)
            for server in self.servers(group_id, self.a).values()
            for disk in server.disks
            for name in [self.name(self.site_a, disk)]
        }

    def test_a_lost_site_loses_no_write(self) -> None:
        group_id = self.group()
        expected = self.write(group_id)
        # no point has been taken since
        self.cut()
        disturber = disturb.Disturber(
            self.fleet,
            [disturb.Blow("site-b", "volumes.overwrite")],
            lambda text: None,
        )
        self.addCleanup(disturber.close)
        ended = self.fail_over(group_id, disturber.look)
        disturber.settle()
        self.assertEqual([], disturber.undealt)
        self.assertEqual(0, ended.result["rpo_seconds"])
        self.check_content(group_id, expected, (DB, LOG))
        expected = self.write(group_id, self.b)
        self.until(lambda: self.condition(group_id, self.b, "Degraded"))
        self.start(*self._lost()[::-1])
        self.until(lambda: self.in_sync(group_id))
        self.until(lambda: self.whole(group_id, self.b), 120)
        self.on_both_arrays(group_id, self.b)
        self.until(lambda: self.condition(group_id, self.a, "SourceFenced"))
        # what made it whole is a version of its own
        self.until(lambda: self.in_sync(group_id))
        self.move("failback", group_id, self.a)
        self.check_content(group_id, expected, (DB, LOG), self.a)

    def test_a_survivor_that_takes_no_overwrite_alone(self) -> None:
        """Into new volumes then, that replicate asynchronously until the
        group is at home; the next move is into the pods."""
        group_id = self.group()
        expected = self.write(group_id)
        self.control(
            self.site_b, "settings", {"overwrite_without_peer": False}
        )
        self.cut()
        ended = self.fail_over(group_id)
        self.assertEqual(0, ended.result["rpo_seconds"])
        self.check_content(group_id, expected, (DB, LOG))
        self.assertEqual({"plain"}, self.types(group_id))
        self.assertEqual(3, len(ended.result["residue"]))
        expected = self.write(group_id, self.b)
        self.start(*self._lost()[::-1])
        self.until(lambda: self.in_sync(group_id))
        self.until(
            lambda: self.condition(group_id, self.b, "FailoverReady"), 120
        )
        self.assertIs(True, self.condition(group_id, self.b, "Degraded"))
        self.move("failback", group_id, self.a)
        self.check_content(group_id, expected, (DB, LOG), self.a)
        self.on_both_arrays(group_id, self.a)
        self.until(lambda: self.whole(group_id, self.a))
        before = self.volumes_at(self.b)
        ended = self.move("failover", group_id, self.b)
        # what was arrived at, and what was left alone before, is neither
        # taken nor deleted
        self.assertEqual(3, len(ended.result["residue"]))
        self.assertEqual(before, before & self.volumes_at(self.b))
        self.assertEqual({SYNC}, self.types(group_id))
        self.check_content(group_id, expected, (DB, LOG))
        self.on_both_arrays(group_id, self.b)

    def volumes_at(self, at: Any) -> set[str]:
        """Ids of all the tenant's volumes at a site."""
        storage = self.sandbox.clouds[self.place(at).name].block_storage
        return {volume.id for volume in storage.volumes()}

    def types(self, group_id: str) -> set[str]:
        """Volume types of the disks at site B."""
        storage = self.sandbox.clouds["site-b"].block_storage
        return {
            storage.get_volume(disk.volume_id).volume_type
            for server in self.servers(group_id, self.b).values()
            for disk in server.disks
        }

    def test_a_pod_that_the_other_array_has_is_not_forced(self) -> None:
        group_id = self.group()
        expected = self.write(group_id)
        self.link(True)
        self.addCleanup(self.link, False)
        self.until(lambda: self.condition(group_id, self.a, "Degraded"))
        error = self.assertRaises(
            exceptions.HttpException,
            self.b.run_protection_group,
            group_id,
            "failover",
            type="unplanned",
            confirm=True,
        )
        refused = error.response.json()["error"]
        self.assertEqual("NoRecoveryPoint", refused["reason"])
        self.assertIn(
            f"{self.site_a.pod} is offline on array", refused["message"]
        )
        self.check_content(group_id, expected, (DB, LOG), self.a)
        self.link(False)
        self.until(lambda: self.whole(group_id, self.a))

    def link(self, cut: bool) -> None:
        """Between the arrays; the pods stay with site A's, which notices
        first."""
        path = f"links/{self.site_b.array}"
        self.control(self.site_a, path, {"cut": cut})

    def control(
        self, site: layouts.Site, path: str, values: dict[str, Any]
    ) -> None:
        """Of a site's array."""
        answer = requests.put(
            f"{site.array_url}/control/{path}",
            json=values,
            timeout=guests.TIMEOUT,
            verify=str(site.array_ca),
        )
        answer.raise_for_status()

    def test_another_type_is_refused(self) -> None:
        sites = {site.name: site.id for site in self.a.sites()}
        for kind, other in (("sync", "replicated-ssd"), ("async", SYNC)):
            error = self.assertRaises(
                exceptions.BadRequestException,
                self.a.create_protection_group,
                name="other",
                replication_type=kind,
                primary_site_id=sites["site-a"],
                secondary_site_id=sites["site-b"],
                volume_type_id=other,
            )
            found = error.response.json()["error"]["reason"]
            self.assertEqual("ReplicationTypeMismatch", found)

    def test_an_array_that_is_too_old(self) -> None:
        """It would refuse the overwrite of each arrival."""
        self.control(self.site_b, "settings", {"purity": "6.0.9"})
        error = self.assertRaises(exceptions.BadRequestException, self.group)
        refused = error.response.json()["error"]
        self.assertEqual("ReplicationTypeNotAvailable", refused["reason"])
        self.assertIn("Purity 6.0.9", refused["message"])
