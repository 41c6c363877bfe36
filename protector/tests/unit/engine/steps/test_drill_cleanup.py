# SPDX-License-Identifier: Apache-2.0
"""What a drill made is removed by its id, and the rest is listed."""

from protector.db.api import operations
from protector.engine.steps import drill_cleanup, drills
from protector.tests.unit.engine import drill_case
from protector.tests.unit.engine import fake_project as fake


class CleanupTest(drill_case.DrillCase):
    def setUp(self) -> None:
        super().setUp()
        drills.begin(self.plain)
        self.volume = drills.make_volumes(self.ctx)["volumes"][0]
        self.array_volume = f"volume-{self.volume}-cinder"
        self.driver.live.add(self.array_volume)
        drills.clone(self.again())
        (self.port,) = drills.make_ports(self.again())["ports"]
        self.server = drills.start(self.again())["server_id"]
        drills.settle(self.plain)
        self.drill_id = self.ctx.operation.id
        self.cleanup()

    def clean(self) -> list[tuple[str, str]]:
        """Kind and id of what is left."""
        drill_cleanup.drop(self.ctx)
        drill_cleanup.drop_shared(self.plain)
        drill_cleanup.audit(self.plain)
        drill_cleanup.end(self.plain)
        left = self.plain.data.get("residue", [])
        self.assertEqual(left, self.drill().residue)
        self.assertEqual("ended", self.drill().status)
        return [(e["kind"], e["id"]) for e in left]

    def test_nothing_is_left(self) -> None:
        self.driver.live.clear()
        self.assertEqual([], self.clean())
        self.assertEqual(
            ({}, {}, {}),
            (
                self.there.compute.rows,
                self.there.network.rows,
                self.there.volume.rows,
            ),
        )
        self.assertIn(
            ("destroy_volumes", f"protector-{self.drill_id}-"),
            self.driver.calls,
        )
        self.assertEqual([], self.here.changes)

    def test_again_does_no_harm(self) -> None:
        self.driver.live.clear()
        drill_cleanup.drop(self.ctx)
        self.assertEqual([], self.clean())

    def test_what_only_bears_a_mark_is_listed_and_stays(self) -> None:
        self.driver.live.clear()
        mark = {"protector_drill": self.drill_id}
        self.there.compute.rows["s9"] = fake.server("s9", metadata=mark)
        self.there.volume.add("v9", metadata=mark, group_id=None)
        self.there.network.rows["p9"] = fake.port(
            "p9", description=f"protector-drill:{self.drill_id}:x:0"
        )
        self.assertEqual(
            [("server", "s9"), ("volume", "v9"), ("port", "p9")],
            self.clean(),
        )
        self.assertEqual(["s9"], list(self.there.compute.rows))

    def test_another_drill_is_none_of_its_business(self) -> None:
        self.driver.live.clear()
        mark = {"protector_drill": "another"}
        self.there.volume.add("v9", metadata=mark, group_id=None)
        self.assertEqual([], self.clean())

    def test_a_volume_that_hangs_elsewhere_is_kept(self) -> None:
        self.there.compute.rows["s9"] = fake.server("s9")
        self.there.compute.disks.clear()
        self.there.compute.attach("s9", self.volume)
        self.assertEqual(
            [("volume", self.volume), ("array_volume", self.array_volume)],
            self.clean(),
        )
        self.assertIn(self.volume, self.there.volume.rows)

    def test_a_port_that_another_server_got_is_kept(self) -> None:
        self.driver.live.clear()
        row = self.there.network.rows[self.port]
        self.there.network.rows[self.port] = fake.port(
            self.port, device_id="s9", description=row.description
        )
        self.assertEqual([("port", self.port)], self.clean())

    def test_what_the_array_still_has_is_listed(self) -> None:
        self.assertEqual([("array_volume", self.array_volume)], self.clean())

    def test_the_report_of_the_drill_tells_it(self) -> None:
        with self.runtime.db.writer() as session:
            operations.get(session, self.drill_id).result = {"verdict": "x"}
        self.clean()
        with self.runtime.db.reader() as session:
            told = operations.get(session, self.drill_id).result
        self.assertEqual(self.array_volume, told["residue"][0]["id"])
        self.assertEqual("x", told["verdict"])
        self.assertTrue(told["cleaned_at"])
