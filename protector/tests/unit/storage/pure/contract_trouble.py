# SPDX-License-Identifier: Apache-2.0
"""What the driver does when arrays refuse, are full or not what they were.

It says nothing of a REST generation: a test module names one by subclassing.
"""

import dataclasses

from protector import exception
from protector.storage import base as storage
from protector.storage.pure import protection
from protector.tests.fixtures import emulated_arrays
from protector.tests.unit.storage.pure import contract

MIB = contract.MIB
HALF_DAY = 12 * 3600


class TroubleContract(contract.ArraysCase):
    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(self.arrays.calm)

    def kept(self, where: emulated_arrays.EmulatedArray) -> list[str]:
        """Names of all volumes of this test, destroyed ones too."""
        rows = where.sdk().list_volumes(pending=True)
        return [row["name"] for row in rows if self.tag in row["name"]]

    # -- schedule and retention

    def test_both_sides_let_go_what_they_kept_long_enough(self) -> None:
        self.protected("v1")
        self.point("e1")
        for array in (self.a, self.b):
            array.tune(clock_offset=contract.SCHEDULE.all_for + 60)
        new = self.point("e1-new")
        none = dataclasses.replace(
            contract.SCHEDULE, all_for=600, per_day=0, days=0
        )
        self.driver.set_schedule(self.direction, False, none)
        emulated_arrays.wait_until(
            lambda: self.complete() == [new], contract.ARRIVAL_SECONDS
        )
        emulated_arrays.wait_until(
            lambda: (
                [
                    row["name"]
                    for row in self.a.sdk().get_pgroup(
                        self.direction.group, snap=True
                    )
                ]
                == [f"{self.direction.group}.e1-new"]
            ),
            contract.ARRIVAL_SECONDS,
        )

    def test_a_blackout_is_told_and_left_alone(self) -> None:
        volumes = self.protected("v1")
        self.assertIsNone(self.driver.status(self.direction).blackout)
        window = {"start": 0, "end": HALF_DAY}
        self.a.sdk().set_pgroup(
            self.direction.group, replicate_blackout=window
        )
        self.driver.ensure_protection(
            self.direction, volumes, contract.SCHEDULE
        )
        told = self.driver.status(self.direction).blackout
        self.assertEqual((0, HALF_DAY), told)
        glanced = self.driver.glance().status(self.direction).blackout
        self.assertEqual(told, glanced)

    def test_on_demand_does_not_wait_for_the_end_of_a_blackout(self) -> None:
        self.protected("v1")
        self.a.sdk().set_pgroup(
            self.direction.group,
            replicate_blackout={"start": 0, "end": 2 * HALF_DAY},
        )
        self.assertIn("e1", self.point("e1"))

    # -- names

    def test_an_array_that_was_renamed_is_told(self) -> None:
        self.protected("v1")
        for each, other in ((self.a, self.b), (self.b, self.a)):
            with self.subTest(each.name):
                each.sdk().rename(f"{each.name}-2")
                self.addCleanup(each.sdk().rename, each.name)
                emulated_arrays.wait_until(
                    lambda other=other, each=each: (
                        other.sdk().list_array_connections()[0]["array_name"]
                        == f"{each.name}-2"
                    ),
                    contract.ARRIVAL_SECONDS,
                )
                for driver in (self.driver, self.driver.glance()):
                    error = self.refused(driver.status, self.direction)
                    self.assertIn(f"Array {each.name}-2 answers", str(error))
                    self.assertIn("[storage] arrays", error.remedy)
                each.sdk().rename(each.name)
                emulated_arrays.wait_until(
                    lambda: (
                        self.driver.link(self.a.array, self.b.array)
                        == "connected"
                    ),
                    contract.ARRIVAL_SECONDS,
                )
        self.assertTrue(self.driver.status(self.direction).allowed)

    def test_a_renamed_array_goes_on_under_its_new_name(self) -> None:
        (volume,) = self.protected("v1")
        self.point("e1")
        self.addCleanup(self.a.sdk().rename, self.a.name)
        self.a.sdk().rename("array-z")
        renamed = dataclasses.replace(
            self.direction,
            source=dataclasses.replace(self.a.array, name="array-z"),
        )
        emulated_arrays.wait_until(
            lambda: self.driver.list_points(renamed), contract.ARRIVAL_SECONDS
        )
        # what a failover is told that finds none under the old name
        told = self.driver.obstacle(self.direction)
        self.assertIn("knows the group of array array-z", told)
        self.assertIsNone(self.driver.obstacle(renamed))
        (point,) = self.driver.list_points(renamed)
        self.assertEqual({volume}, point.volumes)
        self.assertTrue(point.name.startswith("array-z:"))
        self.assertTrue(self.driver.status(renamed).allowed)

    # -- points that go

    def test_a_point_that_expires_while_it_is_copied(self) -> None:
        (source,) = self.protected("v1")
        target = self.volume(self.b, "v1-copy")
        before = self.b.sha256(target)
        point = self.point("e1")
        late = self.make(
            before_change=lambda: self.b.sdk().destroy_pgroup(point)
        )
        error = self.gone(
            late.overwrite,
            self.direction,
            point,
            source,
            target,
            f"{self.staging}1",
        )
        self.assertIn(f"There is no recovery point {point}", str(error))
        self.assertIn("Choose another", error.remedy)
        self.assertEqual(before, self.b.sha256(target))

    # -- SafeMode

    def test_what_cannot_be_eradicated_stays_destroyed(self) -> None:
        (volume,) = self.protected("v1")
        point = self.point("e1")
        staging = f"{self.staging}1"
        self.b.sdk().create_volume(staging, MIB)
        for array in (self.a, self.b):
            array.tune(safemode=True)
        final = self.make(eradicate=True)
        for _ in range(2):
            final.destroy_volumes(self.b.array, self.staging)
            final.destroy_snapshot(self.a.array, point.partition(":")[2])
        self.assertEqual([staging], self.kept(self.b))
        self.gone(self.driver.get_volume, self.b.array, staging)
        for _ in range(2):
            final.remove_protection(self.direction)
        self.assertFalse(self.driver.status(self.direction).group_exists)
        self.assertIn("is left to the array's timer", self.log_output)
        self.assertEqual([volume], self.kept(self.a))

    def test_a_ratcheted_group_lets_nothing_go(self) -> None:
        one, two = self.protected("v1", "v2")
        self.driver.set_schedule(self.direction, True, contract.SCHEDULE)
        self.a.control(
            "PUT",
            f"pgroups/{self.direction.group}",
            json={"retention_lock": "ratcheted"},
        )
        before = self.driver.status(self.direction)
        less = dataclasses.replace(contract.SCHEDULE, days=1)
        for call, *args in (
            (self.driver.remove_volumes, self.direction, [two]),
            (self.driver.set_schedule, self.direction, True, less),
            (self.driver.set_schedule, self.direction, False,
             contract.SCHEDULE),
            (self.driver.remove_protection, self.direction),
        ):  # fmt: skip
            error = self.refused(call, *args)
            self.assertIs(exception.ArrayError, type(error))
            self.assertEqual(protection.SAFEMODE, error.remedy)
            self.assertIn(self.direction.group, str(error))
        self.assertEqual(before, self.driver.status(self.direction))
        # what adds to the protection goes on
        more = dataclasses.replace(contract.SCHEDULE, interval=600, days=9)
        three = self.volume(self.a, "v3")
        self.driver.ensure_protection(self.direction, [three], more)
        self.assertEqual(
            {one, two, three}, self.driver.status(self.direction).volumes
        )

    # -- space

    def test_space(self) -> None:
        found = self.driver.space(self.a.array)
        self.assertEqual(1024**5, found.capacity)
        self.a.tune(capacity=1024**3)
        volume = self.volume(self.a, "v1")
        self.a.write(volume, b"x" * MIB)
        more = self.driver.space(self.a.array)
        self.assertEqual(1024**3, more.capacity)
        self.assertGreaterEqual(more.used, found.used + MIB)

    def test_a_full_source_takes_no_point(self) -> None:
        self.protected("v1")
        self.a.tune(capacity=0)
        error = self.refused(self.driver.replicate_now, self.direction, "e1")
        self.assertIn("out of space", str(error))
        self.assertEqual([], self.driver.list_points(self.direction))
        self.a.tune(capacity=1024**5)
        self.assertIn("e1", self.point("e1"))

    def test_a_full_target_lets_transfers_wait(self) -> None:
        (source,) = self.protected("v1")
        target = self.volume(self.b, "v1-copy")
        ready = self.point("e1")
        self.b.tune(capacity=0)
        name = self.driver.replicate_now(self.direction, "e1-late")
        error = self.refused(
            self.driver.overwrite,
            self.direction,
            ready,
            source,
            target,
            f"{self.staging}1",
        )
        self.assertIn("out of space", str(error))
        self.assertNotIn(name, self.complete())
        found = self.driver.space(self.b.array)
        self.assertIsInstance(found, storage.Space)
        self.assertGreaterEqual(found.used, found.capacity)
        self.b.tune(capacity=1024**5)
        emulated_arrays.wait_until(
            lambda: name in self.complete(), contract.ARRIVAL_SECONDS
        )

    # -- links and permission

    def test_a_link_that_is_down(self) -> None:
        self.protected("v1")
        self.cut(True)
        self.addCleanup(self.cut, False)
        emulated_arrays.wait_until(
            lambda: self.driver.status(self.direction).link != "connected",
            contract.ARRIVAL_SECONDS,
        )
        name = self.driver.replicate_now(self.direction, "e1")
        self.assertEqual([], self.complete())
        self.cut(False)
        emulated_arrays.wait_until(
            lambda: name in self.complete(), contract.ARRIVAL_SECONDS
        )

    def cut(self, cut: bool) -> None:
        for each, other in ((self.a, self.b), (self.b, self.a)):
            each.control("PUT", f"links/{other.name}", json={"cut": cut})

    def test_a_target_that_disallows_takes_no_point(self) -> None:
        self.protected("v1")
        self.driver.set_allowed(self.direction, False)
        error = self.refused(self.driver.replicate_now, self.direction, "e1")
        self.assertIn("not allowed on any target", str(error))
        self.assertEqual([], self.driver.list_points(self.direction))
