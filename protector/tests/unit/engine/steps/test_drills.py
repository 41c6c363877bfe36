# SPDX-License-Identifier: Apache-2.0
"""The clones of a drill: made once, recorded, on the test network, unmade."""

from typing import Any

from protector import exception
from protector.db import models
from protector.db.api import operations, recovery_points
from protector.engine.steps import drills as steps
from protector.tests.unit.engine import arrival_case, drill_case

LOST = exception.CloudUnavailable("no answer")


class BeginTest(drill_case.DrillCase):
    def begin(self) -> Any:
        return steps.begin(self.plain)

    def ask_for(self, point_id: str) -> None:
        self.plain.operation.args = {"recovery_point_id": point_id}

    def test_the_newest_point_of_the_epoch(self) -> None:
        names = self.source_volume()
        self.driver.points["here"] += [
            drill_case.fakes.point("here", "e1-x", -1, [names], False),
            drill_case.fakes.point("here", "e3", 0, [names]),
        ]
        told = self.begin()
        self.assertEqual("array:here.e1", told["point"])
        with self.runtime.db.reader() as session:
            row = operations.get(session, self.plain.operation.id)
        used = recovery_points.id_of(self.group_id, "array:here.e1")
        self.assertEqual(used, row.recovery_point_id)
        data = row.data
        self.assertEqual(
            ("array:here.e1", 300.0, [], "t2"),
            tuple(
                data[key]
                for key in ("point", "rpo_seconds", "left_out", "clone_type")
            ),
        )
        self.assertEqual(
            [{"id": self.member_id, "name": "web"}], self.drill().members
        )

    def test_the_point_that_was_asked_for(self) -> None:
        point_id = self.site.point(self.group_id, name="array:here.old")
        self.driver.points["here"].append(
            drill_case.fakes.point("here", "old", -60, [self.source_volume()])
        )
        self.ask_for(point_id)
        self.assertEqual("array:here.old", self.begin()["point"])

    def test_one_that_is_not_at_this_site(self) -> None:
        self.ask_for(
            self.site.point(self.group_id, source_site_id=self.site.peer_id)
        )
        self.assertRaises(exception.UnexpectedState, self.begin)

    def test_one_that_has_gone(self) -> None:
        self.ask_for(self.site.point(self.group_id))
        error = self.assertRaises(exception.UnexpectedState, self.begin)
        self.assertIn("no complete recovery point", error.message)

    def test_no_test_network_and_nothing_is_made(self) -> None:
        self.map()
        error = self.assertRaises(exception.PreflightFailed, self.begin)
        self.assertIn("test network", error.message)
        self.assertIn("secondary_test", error.remedy)
        self.assertEqual([], self.there.changes)

    def test_no_type_for_clones(self) -> None:
        known = self.types()
        self.there.volume.types = lambda: [known[0], known[2]]
        error = self.assertRaises(exception.PreflightFailed, self.begin)
        self.assertIn("without replication", error.message)

    def test_nothing_is_asked_of_the_source(self) -> None:
        self.here.project = None  # type: ignore[assignment]
        self.begin()

    def test_it_is_given_up(self) -> None:
        steps.give_up(self.plain)
        self.assertEqual("ended", self.drill().status)

    def test_what_could_not_be_undone_is_for_the_lease(self) -> None:
        self.plain.work.problems.append(LOST)
        steps.give_up(self.plain)
        row = self.drill()
        self.assertEqual(
            ("running", None, self.clock.now()),
            (row.status, row.verdict, row.expires_at),
        )


class ClonesTest(drill_case.DrillCase):
    def setUp(self) -> None:
        super().setUp()
        steps.begin(self.plain)

    def test_volumes_are_made_once(self) -> None:
        first = steps.make_volumes(self.ctx)["volumes"]
        self.assertEqual(first, steps.make_volumes(self.again())["volumes"])
        self.assertEqual(1, self.there.count("create_volume"))
        made = self.there.volume.get(first[0])
        self.assertEqual(("root-test", True), (made.name, made.bootable))
        self.assertEqual({"hw_firmware_type": "uefi"}, made.image_metadata)
        self.assertEqual(
            self.ctx.operation.id, made.metadata["protector_drill"]
        )
        # a real move must not take it for a copy
        self.assertNotIn("protector_member", made.metadata)

    def test_one_whose_answer_got_lost_is_found_again(self) -> None:
        self.there.fail("create", LOST, done=True)
        self.assertRaises(type(LOST), steps.make_volumes, self.ctx)
        steps.make_volumes(self.again())
        self.assertEqual(1, self.there.count("create_volume"))

    def test_and_is_unmade_without_having_been_recorded(self) -> None:
        self.there.fail("create", LOST, done=True)
        self.assertRaises(type(LOST), steps.make_volumes, self.ctx)
        steps.unmake_volumes(self.again())
        self.assertEqual({}, self.there.volume.rows)

    def test_the_content_of_the_point(self) -> None:
        made = steps.make_volumes(self.ctx)["volumes"][0]
        name = f"volume-{made}-cinder"
        self.driver.live.add(name)
        steps.clone(self.again())
        (call,) = self.driver.named("overwrite")
        self.assertEqual(
            ("array:here.e1", self.source_volume(), name), call[1:4]
        )
        self.assertTrue(self.ctx.data["staged"])

    def test_ports_on_the_test_network(self) -> None:
        group = {"id": "sg", "name": "web", "description": "", "rules": []}
        recipe = arrival_case.recipe(
            ports=[arrival_case.port(security_groups=["sg"])],
            security_groups=[group],
        )
        self.change_member(recipe=recipe)
        network = self.there.network
        bodies: list[Any] = []
        real = network.create_port

        def create_port(body: Any) -> Any:
            bodies.append(body)
            return real(body)

        network.create_port = create_port  # type: ignore[method-assign]
        made = steps.make_ports(self.again())["ports"]
        self.assertEqual(made, steps.make_ports(self.again())["ports"])
        (body,) = bodies
        self.assertEqual("n2", body["network_id"])
        self.assertEqual("fa:16:3e:00:00:01", body["mac_address"])
        self.assertNotIn("dns_name", body)
        # of its own: one that a real move finds would go with the drill
        (own,) = network.groups.values()
        self.assertEqual("web-test", own["name"])
        self.assertEqual([own["id"]], body["security_groups"])
        steps.unmake_ports(self.again())
        self.assertEqual(({}, {}), (network.rows, network.groups))

    def test_a_group_that_is_there_is_used_and_stays(self) -> None:
        group = {"id": "sg", "name": "web", "description": "", "rules": []}
        self.change_member(
            recipe=arrival_case.recipe(
                ports=[arrival_case.port(security_groups=["sg"])],
                security_groups=[group],
            )
        )
        network = self.there.network
        network.create_security_group("web", "the tenant's")
        steps.make_ports(self.again())
        steps.unmake_ports(self.again())
        self.assertEqual(["web"], [g["name"] for g in network.groups.values()])

    def build(self) -> Any:
        steps.make_volumes(self.ctx)
        steps.make_ports(self.again())
        return steps.start(self.again())

    def test_the_server(self) -> None:
        told = self.build()
        self.assertEqual("ACTIVE", told["status"])
        (body,) = self.there.compute.bodies
        self.assertEqual("web-test", body["name"])
        self.assertEqual(
            {
                "protector_drill": self.ctx.operation.id,
                "protector_drill_member": self.member_id,
            },
            body["metadata"],
        )
        self.assertEqual(
            [{"port": i} for i in self.there.network.rows], body["networks"]
        )
        steps.start(self.again())
        self.assertEqual(1, self.there.count("create_server"))
        # the member's rows know nothing of it
        self.assertEqual([], self.copies())
        self.assertEqual([], self.copy().ports)
        self.assertIsNone(self.copy().server_id)

    def test_one_that_does_not_start_is_a_result(self) -> None:
        self.there.compute.births = ["ERROR"]
        told = self.build()
        self.assertEqual("ERROR", told["status"])
        self.assertIn("No valid host", told["fault"])

    def test_all_is_unmade(self) -> None:
        self.build()
        steps.unmake_server(self.again())
        steps.unmake_ports(self.again())
        steps.unmake_volumes(self.again())
        self.assertEqual(
            ({}, {}, {}),
            (
                self.there.compute.rows,
                self.there.network.rows,
                self.there.volume.rows,
            ),
        )
        # the source is as it was
        self.assertEqual([], self.here.changes)

    def test_a_server_that_was_not_recorded_is_unmade(self) -> None:
        steps.make_volumes(self.ctx)
        steps.make_ports(self.again())
        self.there.fail("create_server", LOST, done=True)
        self.assertRaises(type(LOST), steps.start, self.again())
        steps.unmake_server(self.again())
        self.assertEqual({}, self.there.compute.rows)

    def test_a_member_that_the_point_does_not_hold_is_left_out(self) -> None:
        self.ctx.save(left_out=[self.member_id])
        for step in (
            steps.make_volumes,
            steps.clone,
            steps.make_ports,
            steps.start,
        ):
            self.assertIn("left out", step(self.again())["message"])
        self.assertEqual([], self.there.changes)


class SettleTest(drill_case.DrillCase):
    def settle(self, *results: Any, **args: Any) -> models.Drill:
        self.plain.operation.args = args
        with self.runtime.db.writer() as session:
            row = operations.get(session, self.plain.operation.id)
            for number, checks in enumerate(results):
                session.add(
                    models.OperationStep(
                        operation_id=row.id,
                        ordinal=number,
                        id=f"s{number}",
                        name="drills.check",
                        after=[],
                        status="done",
                        attempt=1,
                        weight=1,
                        optional=False,
                        result=checks and {"checks": checks},
                    )
                )
        steps.settle(self.plain)
        return self.drill()

    def test_passed_when_every_check_of_every_member_is(self) -> None:
        row = self.settle([{"ok": True}], [{"ok": True}, {"ok": True}])
        self.assertEqual(("running", "passed"), (row.status, row.verdict))
        lease = self.runtime.conf.engine.drill_lease
        self.clock.advance(lease)
        self.assertEqual(self.clock.now(), row.expires_at)

    def test_failed_when_one_is_not(self) -> None:
        row = self.settle([{"ok": True}], [{"ok": True}, {"ok": False}])
        self.assertEqual("failed", row.verdict)

    def test_failed_when_nothing_was_checked(self) -> None:
        self.assertEqual("failed", self.settle().verdict)

    def test_the_lease_that_was_asked_for(self) -> None:
        row = self.settle([{"ok": True}], lease_minutes=3)
        self.clock.advance(180)
        self.assertEqual(self.clock.now(), row.expires_at)
