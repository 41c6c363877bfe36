# SPDX-License-Identifier: Apache-2.0
"""What is parked goes on request, and nothing that exists nowhere else."""

from typing import Any

from protector import constants as c
from protector import exception
from protector.db import models
from protector.engine import (
    cleanup,
    membership,
    precheck,
    reading,
    removal,
)
from protector.engine.steps import cleanup as steps
from protector.engine.steps import copies
from protector.tests.unit.engine import arrival_case, fakes
from protector.tests.unit.engine import fake_project as fake

FLOATING = "f-there"


class CleanupTest(arrival_case.ArrivalCase):
    """The group came back from ``there``, where its copy is parked; it is
    the original after ``home``."""

    def setUp(self) -> None:
        super().setUp()
        self.end(self.ctx.operation.id)
        self.set_group(status="active")
        self.ctx = self.for_member("source_cleanup")
        self.parked_id = self.park()
        (self.parked_volume,) = self.copies()
        rows = self.row().volumes_at(self.site.local_id)
        self.array_names = [str(v.array_volume) for v in rows]
        self.points(fakes.point("g", "e1", 0, self.array_names))

    def points(self, *points: Any) -> None:
        self.driver.points["here"] = list(points)

    def home(self) -> None:
        self.change_member(home_site_id=self.site.peer_id)
        self.again()

    def kept(self) -> str:
        """Why the server was kept; nothing of it is gone."""
        result = steps.remove(self.again())
        (entry,) = result["kept"]
        self.assertEqual(
            ("server", self.parked_id), (entry["kind"], entry["id"])
        )
        self.assertIn(entry, self.ctx.data["residue"])
        self.assertIn(self.parked_volume, self.there.volume.rows)
        self.assertEqual(0, self.there.count("delete_server"))
        self.assertEqual("parked", self.copy().role)
        self.assertFalse(self.no_return())
        return str(entry["why"])

    def no_return(self) -> bool:
        with self.runtime.db.reader() as session:
            row = session.get(models.Operation, self.ctx.operation.id)
            return bool(row.no_return)

    # -- what goes

    def test_server_and_volumes_go(self) -> None:
        result = steps.remove(self.again())
        self.assertEqual(
            (self.parked_id, [self.parked_volume], []),
            (result["server_id"], result["volumes"], result["kept"]),
        )
        self.assertEqual({}, self.there.compute.rows)
        self.assertEqual({}, self.there.volume.rows)
        self.assertEqual([], self.copies())
        copy = self.copy()
        self.assertEqual(("gone", None), (copy.role, copy.server_id))
        self.assertTrue(self.no_return())
        # what runs was not touched
        self.assertIn(self.server_id, self.here.compute.rows)
        self.assertIn(self.volume_id, self.here.volume.rows)
        self.assertEqual([], self.here.changes)

    def test_again_after_it_is_done(self) -> None:
        steps.remove(self.again())
        changes = list(self.there.changes)
        steps.remove(self.again())
        self.assertEqual(changes, self.there.changes)

    def test_again_after_a_crash_between(self) -> None:
        lost = exception.CloudUnavailable("no answer")
        for name in ("delete_server", "delete"):
            self.there.fail(name, lost, done=True)
            self.assertRaises(
                exception.CloudUnavailable, steps.remove, self.again()
            )
        result = steps.remove(self.again())
        self.assertEqual([self.parked_volume], result["volumes"])
        self.assertEqual({}, self.there.volume.rows)
        self.assertEqual("gone", self.copy().role)

    def test_a_volume_that_cinder_keeps_is_listed(self) -> None:
        refused = exception.CloudError("it has snapshots")
        self.there.fail("delete", refused)
        result = steps.remove(self.again())
        self.assertEqual(
            [("volume", self.parked_volume, "it has snapshots")],
            [
                tuple(e[k] for k in ("kind", "id", "why"))
                for e in result["kept"]
            ],
        )
        self.assertEqual([], result["volumes"])
        self.assertEqual([self.parked_volume], self.copies())

    def test_ports_that_nova_made_are_forgotten_the_tenants_stay(self) -> None:
        gone = {"id": "p-gone", "made": False}
        own = {"id": "p-own", "made": False}
        made = {"id": "p-made", "made": True}
        for port_id in ("p-own", "p-made"):
            self.there.network.rows[port_id] = fake.port(port_id)
        self.set_copy(ports=[gone, own, made])
        self.no_prestage()
        steps.remove(self.again())
        self.assertEqual(["p-own"], list(self.there.network.rows))
        # places tell the NIC
        self.assertEqual([gone, own, made], self.copy().ports)

    def test_ours_stand_for_the_new_copies(self) -> None:
        """A floating IP that is made anew would have another address."""
        network = self.there.network
        network.rows["p-made"] = fake.port("p-made", device_id="")
        network.floating["f-made"] = {"id": "f-made", "port_id": "p-made"}
        ports = [{"id": "p-made", "made": True}]
        floating = [{"id": "f-made", "made": True}]
        self.set_copy(ports=ports, floating_ips=floating)
        steps.remove(self.again())
        steps.prestage(self.again())
        self.assertEqual(["p-made"], list(network.rows))
        self.assertEqual(["f-made"], list(network.floating))
        self.assertEqual(ports, self.copy().ports)
        self.assertEqual(floating, self.copy().floating_ips)

    def test_without_new_copies_ours_go(self) -> None:
        network = self.there.network
        network.rows["p-made"] = fake.port("p-made", device_id="")
        network.floating["f-made"] = {"id": "f-made", "port_id": "p-made"}
        own = {"id": "f-own", "made": False}
        self.set_copy(
            ports=[{"id": "p-made", "made": True}],
            floating_ips=[{"id": "f-made", "made": True}, own],
        )
        self.no_prestage()
        steps.remove(self.again())
        self.assertEqual(({}, {}), (network.rows, network.floating))
        self.assertEqual(
            ([], [own]), (self.copy().ports, self.copy().floating_ips)
        )

    def test_when_no_port_is_left(self) -> None:
        self.set_copy(ports=[{"id": "p-gone", "made": False}])
        steps.remove(self.again())
        self.assertEqual([], self.copy().ports)

    # -- what stays

    def test_unique_content(self) -> None:
        self.set_copy(content_unique=True)
        self.assertIn("nowhere else", self.kept())

    def test_used_since_it_was_parked(self) -> None:
        self.there.compute.actions[self.parked_id] = [
            "shelve",
            "unshelve",
            "shelve",
            "stop",
        ]
        self.assertIn("used since", self.kept())

    def test_one_that_runs(self) -> None:
        rows = self.there.compute.rows
        rows[self.parked_id] = fake.server(self.parked_id, status="ACTIVE")
        self.assertIn("ACTIVE", self.kept())

    def test_another_volume_is_attached(self) -> None:
        self.there.volume.add("v-foreign")
        self.there.compute.attach(self.parked_id, "v-foreign")
        self.assertIn("v-foreign", self.kept())

    def test_no_point_of_this_direction_and_epoch_holds_it(self) -> None:
        for points in (
            (),
            (fakes.point("g", "e1", 0, ["another"]),),
            (fakes.point("g", "e9", 0, self.array_names),),
            (fakes.point("g", "e1", 0, self.array_names, complete=False),),
        ):
            self.points(*points)
            self.assertIn("no complete recovery point", self.kept())

    def test_its_server_is_gone_already(self) -> None:
        """Somebody may have used the volumes since."""
        self.there.compute.delete_server(self.parked_id)
        self.there.changes.clear()
        self.assertIn("is gone", self.kept())

    # -- what comes in its place

    def test_empty_copies_are_made_at_home(self) -> None:
        self.home()
        self.assertTrue(membership.is_original(self.row(), self.site.peer_id))
        steps.remove(self.again())
        steps.prestage(self.again())
        (volume_id,) = self.copies()
        self.assertNotEqual(self.parked_volume, volume_id)
        volume = self.there.volume.rows[volume_id]
        self.assertEqual("cg", volume.group_id)
        # as the original's was
        self.assertTrue(volume.bootable)
        self.assertEqual("uefi", volume.image_metadata["hw_firmware_type"])
        self.assertEqual(1, len(self.copy().ports))

    def test_they_are_ours_to_delete(self) -> None:
        self.home()
        steps.remove(self.again())
        steps.prestage(self.again())
        removal.drop_copies(self.again(), self.site.peer_id)
        self.assertEqual({}, self.there.volume.rows)
        self.assertEqual({}, self.there.network.rows)

    def test_nothing_comes_in_the_place_of_what_stays(self) -> None:
        self.set_copy(content_unique=True)
        steps.remove(self.again())
        steps.prestage(self.again())
        self.assertEqual([self.parked_volume], list(self.there.volume.rows))

    def test_without_the_policy_they_are_made_on_arrival(self) -> None:
        self.home()
        self.no_prestage()
        steps.remove(self.again())
        steps.prestage(self.again())
        self.assertEqual({}, self.there.volume.rows)
        copies.build(self.again())
        self.assertTrue(self.there.volume.rows[self.copies()[0]].bootable)

    def no_prestage(self) -> None:
        with self.runtime.db.writer() as session:
            session.add(
                models.ReplicationPolicy(
                    id=self.member_id,
                    protection_group_id=self.group_id,
                    replication_interval_minutes=5,
                    rpo_minutes=15,
                    retention={"all_for_hours": 1, "per_day": 1, "days": 1},
                    prestage=False,
                    undo_retention_days=7,
                    created_at=self.clock.now(),
                )
            )

    def test_the_tenants_floating_ip_leads_to_the_new_port(self) -> None:
        floating = {"id": FLOATING, "address": "203.0.113.9"}
        ports = [arrival_case.port(floating_ips=[floating])]
        self.change_member(recipe=arrival_case.recipe(ports=ports))
        self.there.network.floating[FLOATING] = {
            "id": FLOATING,
            "floating_ip_address": "203.0.113.9",
            "port_id": None,
        }
        self.home()
        steps.remove(self.again())
        steps.prestage(self.again())
        (port_id,) = (p["id"] for p in self.copy().ports)
        (row,) = self.there.network.floating.values()
        self.assertEqual(port_id, row["port_id"])
        self.assertEqual([], self.row().warnings)

    # -- the end

    def test_a_version_tells_it(self) -> None:
        before = self.group().metadata_version
        steps.settle(self.again())
        steps.settle(self.again())
        self.assertEqual(before + 1, self.group().metadata_version)

    def check(self) -> Any:
        reader = reading.Reader.of(self.runtime, self.group_id)
        reader.__dict__["driver"] = self.driver
        return precheck.CHECKS[c.Verb.SOURCE_CLEANUP](reader, {})

    def test_the_request_is_refused_without_a_point(self) -> None:
        peer = fakes.Peer()
        self.here.peer = self.there.peer = peer  # type: ignore[attr-defined]
        self.assertEqual({}, self.check())
        self.points()
        error = self.assertRaises(exception.InvalidStatus, self.check)
        self.assertIn("no complete recovery point", error.message)
        self.set_copy(role="gone")
        error = self.assertRaises(exception.InvalidStatus, self.check)
        self.assertIn("nothing parked", error.message)
        peer.errors["check"] = exception.PeerUnreachable("gone")
        self.assertRaises(exception.PeerUnreachable, self.check)

    def test_who_is_parked(self) -> None:
        scene = self.again().scene
        self.assertEqual(
            [self.member_id], [m.id for m in cleanup.parked(scene)]
        )
        self.set_copy(role="gone")
        self.assertEqual([], cleanup.parked(self.again().scene))
