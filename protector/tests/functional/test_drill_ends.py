# SPDX-License-Identifier: Apache-2.0
"""However a drill ends, nothing of it stays, or it is told: by its lease, by
a cancel, after a crash, for a real failover, with its group."""

from typing import Any

import requests

from protector.engine import drill
from protector.sandbox import connect, fleet
from protector.tests.functional import drill_case

ONE = ("web-server-1",)


class EndsTest(drill_case.DrillCase):
    SERVERS = ONE

    def setUp(self) -> None:
        super().setUp()
        self.fleet = fleet.Fleet(self.sandbox.layout)
        self.run_verb("replicate", self.a)
        self.before = self.inventory()

    def running(self, operation_id: str, step: str) -> Any:
        """The operation when a step of it has begun."""

        def look() -> Any:
            told = self.b.get_operation(operation_id)
            begun = [
                s
                for s in told.steps
                if s["name"] == step and s["status"] != "pending"
            ]
            return told if begun else None

        return self.until(f"{step} begins", look)

    def ended(self, operation_id: str) -> Any:
        """The operation when it is over, however."""

        def look() -> Any:
            told = self.b.get_operation(operation_id)
            return told if told.finished_at else None

        return self.until("it ends", look, 120)

    def settings(self, **values: Any) -> None:
        answer = requests.put(
            f"{self.site_b.cloud_url}/control/settings",
            json=values,
            timeout=connect.TIMEOUT,
        )
        answer.raise_for_status()

    def plant(self, drill_id: str) -> tuple[Any, Any]:
        """A server and a port that bear the drill's marks, and are not among
        what it recorded."""
        compute, network = self.cloud_b.compute, self.cloud_b.network
        server = compute.create_server(
            name="planted",
            image_id=next(self.cloud_b.image.images()).id,
            flavor_id=compute.find_flavor("m1.tiny").id,
            networks="none",
            metadata={drill.MARK: drill_id},
        )
        compute.wait_for_server(server, wait=60)
        port = network.create_port(
            network_id=network.find_network("test-net1").id,
            description=f"{drill.text_mark(drill_id)}:planted",
        )
        return server, port

    def test_the_lease_ends_it_and_tells_what_is_left(self) -> None:
        made = self.run_verb("test_failover", self.b, lease_minutes=1)
        (clone,) = self.clones()
        server, port = self.plant(made.id)
        # somebody keeps a clone's volume from going
        storage = self.cloud_b.block_storage
        planted = storage.create_snapshot(
            volume_id=clone.disks[0].volume_id, name="planted", is_forced=True
        )
        storage.wait_for_status(planted, "available", wait=60)
        # what runs out is in the database, not in the engine that made it
        self.fleet.kill(self.site_b.name)
        self.fleet.start(self.site_b.name)
        self.assertEqual("running", self.drill()["status"])
        self.until(
            "the lease ends it",
            lambda: self.drill()["status"] == "ended",
            150,
        )
        left = {e["kind"]: e["id"] for e in self.drill()["residue"]}
        volume_id = clone.disks[0].volume_id
        self.assertIn(volume_id, left.pop("array_volume"))
        self.assertEqual(
            {"volume": volume_id, "server": server.id, "port": port.id}, left
        )
        self.assertEqual([], self.clones())
        cleaned = next(iter(self.b.operations(kind="test_cleanup")))
        self.assertEqual("failed", cleaned.result["verdict"])
        # with the cause removed, it can be asked for again; what was listed
        # by its mark alone was left alone
        storage.delete_snapshot(planted)
        storage.wait_for_delete(planted, wait=60)
        self.cloud_b.network.delete_port(port, ignore_missing=False)
        self.cloud_b.compute.delete_server(server, ignore_missing=False)
        self.cloud_b.compute.wait_for_delete(server, wait=60)
        cleaned = self.run_verb("test_cleanup", self.b)
        self.assertEqual("passed", cleaned.result["verdict"])
        self.assertEqual([], self.remainder(self.before))

    def test_a_cancel_leaves_nothing(self) -> None:
        # so that there is a server to cancel
        self.settings(task_delays={"*": 2})
        started = self.b.run_protection_group(self.group_id, "test_failover")
        self.running(started.id, "drills.start")
        self.b.cancel_operation(started.id)
        self.assertEqual("cancelled", self.ended(started.id).status)
        self.assertEqual("ended", self.drill()["status"])
        self.assertEqual([], self.remainder(self.before))

    def test_a_crash_in_each_of_its_halves(self) -> None:
        for verb, step in (
            ("test_failover", "drills.clone"),
            ("test_failover", "drills.start"),
            ("test_cleanup", "drills.drop"),
        ):
            self.settings(task_delays={"*": 1})
            if verb == "test_cleanup":
                self.run_verb("test_failover", self.b)
            started = self.b.run_protection_group(self.group_id, verb)
            self.running(started.id, step)
            self.fleet.kill(self.site_b.name)
            self.fleet.start(self.site_b.name)
            ended = self.ended(started.id)
            self.assertEqual("completed", ended.status, ended.error)
            if verb == "test_failover":
                self.assertEqual("passed", ended.result["verdict"])
                self.assertEqual(1, len(self.clones()))
                self.run_verb("test_cleanup", self.b)
            self.assertEqual([], self.drill()["residue"])
            self.assertEqual([], self.remainder(self.before))

    def test_a_real_failover_takes_its_quota(self) -> None:
        self.run_verb("test_failover", self.b)
        (clone,) = self.clones()
        # what the drill has leaves no room for another server
        self.settings(quotas={"compute": {"instances": 1}})
        moved = self.run_verb("failover", self.b, type="planned")
        step = next(s for s in moved.steps if s["name"] == "drills.make_room")
        self.assertEqual([self.group_id], step["result"]["ended"])
        self.assertEqual([], self.clones())
        self.assertEqual("ended", self.drill()["status"])
        self.assertEqual([], self.drill()["residue"])

    def test_also_one_without_the_other_site(self) -> None:
        self.run_verb("test_failover", self.b)
        self.settings(quotas={"compute": {"instances": 1}})
        self.fleet.kill(self.site_a.name)
        moved = self.run_verb(
            "failover", self.b, type="unplanned", confirm=True
        )
        step = next(s for s in moved.steps if s["name"] == "drills.make_room")
        self.assertEqual([self.group_id], step["result"]["ended"])
        self.assertEqual([], self.clones())
        self.assertEqual("ended", self.drill()["status"])

    def test_one_that_has_room_leaves_it_alone(self) -> None:
        self.run_verb("test_failover", self.b)
        moved = self.run_verb("failover", self.b, type="planned")
        step = next(s for s in moved.steps if s["name"] == "drills.make_room")
        self.assertEqual([], step["result"]["ended"])
        self.assertEqual(1, len(self.clones()))
        # it still belongs to where it was made
        self.run_verb("test_cleanup", self.b)
        self.assertEqual([], self.clones())

    def test_it_goes_with_its_group(self) -> None:
        self.run_verb("test_failover", self.b)
        for member in list(self.a.members(self.group_id)):
            self.a.remove_member(self.group_id, member)
        self.a.delete_protection_group(self.group_id)
        self.until(
            "the group goes",
            lambda: not list(self.a.protection_groups()),
            120,
        )
        self.assertEqual([], self.clones())
