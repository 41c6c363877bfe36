# SPDX-License-Identifier: Apache-2.0
"""What the driver promises of protection and points, on emulated arrays.

It says nothing of a REST generation: a test module names one by subclassing.
"""

import dataclasses
import datetime
from typing import Any, ClassVar
import uuid

import purestorage

from protector import exception
from protector.storage import base as storage
from protector.storage.pure import driver, names, poll
from protector.tests import base
from protector.tests.fixtures import emulated_arrays

MIB = 1024**2
SCHEDULE = storage.Schedule(interval=900, all_for=7200, per_day=3, days=5)
ARRIVAL_SECONDS = 30


class ArraysCase(base.TestCase):
    """Both arrays are shared by a class's tests; names are each test's.

    :cvar rest: the generations of REST that they speak; the driver takes
        the newest.
    """

    rest: ClassVar[tuple[str, ...]] = ("1", "2")
    connection: ClassVar[str] = "async-replication"
    arrays: ClassVar[emulated_arrays.EmulatedArrays]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.arrays = emulated_arrays.EmulatedArrays(cls.rest, cls.connection)
        cls.arrays.setUp()
        cls.addClassCleanup(cls.arrays.cleanUp)

    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(self.arrays.calm)
        self.a, self.b = self.arrays.a, self.arrays.b
        self.tag = uuid.uuid4().hex[:12]
        self.asked = 0
        self.direction = storage.Direction(
            self.a.array, self.b.array, f"pg-{self.tag}"
        )
        self.staging = f"protector-{self.tag}-1-"
        self.driver = self.make()

    def make(self, **options: Any) -> storage.ReplicationDriver:
        values = {
            "before_change": self.before_change,
            "connect_timeout": 5,
            "read_timeout": 20,
            "eradicate": False,
            "poll": poll.Poll(interval=0.1, deadline=20),
        }
        return driver.PureDriver(**(values | options))

    def before_change(self) -> None:
        self.asked += 1

    # -- arranging, with the vendor's SDK

    def volume(
        self, where: emulated_arrays.EmulatedArray, name: str, size: int = 4
    ) -> str:
        """A new volume of ``size`` MiB; its full name."""
        full = f"volume-{self.tag}-{name}"
        where.sdk().create_volume(full, size * MIB)
        return full

    def protected(self, *volumes: str) -> list[str]:
        names = [self.volume(self.a, name) for name in volumes]
        self.driver.ensure_protection(self.direction, names, SCHEDULE)
        return names

    def point(self, suffix: str) -> str:
        """A point that has arrived."""
        name = self.driver.replicate_now(self.direction, suffix)
        emulated_arrays.wait_until(
            lambda: name in self.complete(), ARRIVAL_SECONDS
        )
        return name

    def complete(self) -> list[str]:
        points = self.driver.list_points(self.direction)
        return [point.name for point in points if point.complete]

    def listed(self, name: str) -> storage.Point:
        points = self.driver.list_points(self.direction)
        return next(point for point in points if point.name == name)

    def refused(self, call: Any, *args: Any) -> exception.ArrayError:
        return self.assertRaises(exception.ArrayError, call, *args)

    def gone(self, call: Any, *args: Any) -> exception.ArrayError:
        return self.assertRaises(exception.ArrayNotFound, call, *args)


class DriverContract(ArraysCase):
    """:cvar sends_later: whether a snapshot that was taken without being
    replicated can be sent."""

    sends_later: ClassVar[bool] = True

    # -- looking

    def test_check(self) -> None:
        found = self.driver.check(self.a.array)
        self.assertEqual("array-a", found["name"])
        self.assertEqual(
            {"name", "version", "rest", "asynchronous_only"}, set(found)
        )

    def test_check_of_another_array(self) -> None:
        wrong = dataclasses.replace(
            self.b.array,
            management_address=self.a.array.management_address,
            api_token=self.a.array.api_token,
            ca_file=self.a.array.ca_file,
        )
        error = self.refused(self.driver.check, wrong)
        self.assertIn("array-a", str(error))

    def test_get_volume(self) -> None:
        name = self.volume(self.a, "v", 3)
        found = self.driver.get_volume(self.a.array, name)
        self.assertEqual((name, 3 * MIB), (found.name, found.size))
        self.assertTrue(found.serial)
        self.gone(self.driver.get_volume, self.a.array, f"{name}-no")
        self.a.sdk().destroy_volume(name)
        self.gone(self.driver.get_volume, self.a.array, name)

    def test_volumes_in_a_pod_are_refused(self) -> None:
        error = self.refused(
            self.driver.ensure_protection,
            self.direction,
            ["pod::v"],
            SCHEDULE,
        )
        self.assertIn("asynchronously", str(error))
        self.assertFalse(self.driver.status(self.direction).group_exists)

    def test_a_glance_tells_what_each_look_does(self) -> None:
        (volume,) = self.protected("v1")
        self.point("e1")
        # what lies on the source alone is no recovery point
        self.driver.snapshot(self.a.array, self.direction.group, "undo")
        unknown = dataclasses.replace(
            self.direction, group=f"{self.direction.group}-no"
        )
        glance = self.driver.glance()
        for direction in (self.direction, unknown):
            for ask in ("list_points", "status"):
                self.assertEqual(
                    getattr(self.driver, ask)(direction),
                    getattr(glance, ask)(direction),
                )
        (point,) = glance.list_points(self.direction)
        self.assertEqual((True, {volume}), (point.complete, point.volumes))
        self.assertEqual(900, glance.status(self.direction).interval)
        self.assertFalse(glance.status(unknown).group_exists)

    # -- protection

    def test_protection_is_made(self) -> None:
        volumes = self.protected("v1", "v2")
        status = self.driver.status(self.direction)
        self.assertEqual(
            storage.Status(
                group_exists=True,
                link="connected",
                allowed=True,
                schedule_enabled=False,
                interval=900,
                volumes=frozenset(volumes),
            ),
            status,
        )
        kept = self.a.sdk().get_pgroup(self.direction.group, retention=True)
        self.assertEqual(
            [7200, 3, 5] * 2,
            [
                kept[f"{side}{key}"]
                for side in ("", "target_")
                for key in ("all_for", "per_day", "days")
            ],
        )

    def test_protection_twice_changes_nothing(self) -> None:
        volumes = self.protected("v1")
        before = self.asked
        self.driver.ensure_protection(self.direction, volumes, SCHEDULE)
        self.assertEqual(before, self.asked)

    def test_every_change_is_asked_for(self) -> None:
        name = self.volume(self.a, "v1")
        before = len(self.a.changes()) + len(self.b.changes())
        self.driver.ensure_protection(self.direction, [name], SCHEDULE)
        after = len(self.a.changes()) + len(self.b.changes())
        self.assertEqual(self.asked, after - before)

    def test_cinders_group_is_adopted(self) -> None:
        group = names.group(self.tag)
        direction = dataclasses.replace(self.direction, group=group)
        other, ours = self.volume(self.a, "v1"), self.volume(self.a, "v2")
        sdk = self.a.sdk()
        sdk.create_pgroup(group, vollist=[other])
        sdk.enable_pgroup_replication(group)
        self.driver.ensure_protection(direction, [ours], SCHEDULE)
        status = self.driver.status(direction)
        self.assertTrue(status.schedule_enabled)
        self.assertTrue(status.allowed)
        self.assertEqual(frozenset((other, ours)), status.volumes)
        self.driver.remove_protection(direction)
        status = self.driver.status(direction)
        self.assertTrue(status.group_exists)
        self.assertFalse(status.schedule_enabled)
        self.assertIsNone(sdk.get_pgroup(group)["targets"])
        replicas = self.b.sdk().list_pgroups()
        self.assertNotIn(
            f"{self.a.name}:{group}", [g["name"] for g in replicas]
        )

    def test_cinders_group_is_not_raised_from_the_dead(self) -> None:
        group = names.group(self.tag)
        sdk = self.a.sdk()
        sdk.create_pgroup(group)
        sdk.destroy_pgroup(group)
        direction = dataclasses.replace(self.direction, group=group)
        error = self.refused(
            self.driver.ensure_protection, direction, [], SCHEDULE
        )
        self.assertIn("destroyed", str(error))

    def test_volumes_that_are_not_named_stay(self) -> None:
        one, two = self.protected("v1", "v2")
        self.driver.ensure_protection(self.direction, [one], SCHEDULE)
        self.assertEqual(
            {one, two}, self.driver.status(self.direction).volumes
        )

    def test_remove_volumes(self) -> None:
        one, two = self.protected("v1", "v2")
        for _ in range(2):
            self.driver.remove_volumes(self.direction, [two, "volume-none"])
            status = self.driver.status(self.direction)
            self.assertEqual({one}, status.volumes)

    def test_volume_that_is_not_there(self) -> None:
        self.gone(
            self.driver.ensure_protection,
            self.direction,
            [f"volume-{self.tag}-none"],
            SCHEDULE,
        )

    def test_target_learns_late(self) -> None:
        self.a.tune(announce_delay=1)
        self.protected("v1")
        self.assertTrue(self.driver.status(self.direction).allowed)

    def test_target_learns_too_late(self) -> None:
        self.a.tune(announce_delay=60)
        hasty = self.make(poll=poll.Poll(interval=0.1, deadline=0.5))
        name = self.volume(self.a, "v1")
        error = self.refused(
            hasty.ensure_protection, self.direction, [name], SCHEDULE
        )
        self.assertIn(f"array-a:{self.direction.group}", str(error))
        self.a.tune(announce_delay=0)
        self.driver.ensure_protection(self.direction, [name], SCHEDULE)
        self.assertTrue(self.driver.status(self.direction).allowed)

    def test_what_the_target_was_told_stays(self) -> None:
        volumes = self.protected("v1")
        for allowed in (False, True):
            self.driver.set_allowed(self.direction, allowed)
            self.driver.ensure_protection(
                self.direction, volumes, SCHEDULE, allow=False
            )
            status = self.driver.status(self.direction)
            self.assertEqual(allowed, status.allowed)

    def test_removed_and_made_again(self) -> None:
        volumes = self.protected("v1")
        for _ in range(2):
            self.driver.remove_protection(self.direction)
            status = self.driver.status(self.direction)
            self.assertFalse(status.group_exists)
            self.assertFalse(status.allowed)
        self.driver.ensure_protection(self.direction, volumes, SCHEDULE)
        status = self.driver.status(self.direction)
        self.assertTrue(status.allowed)
        self.assertFalse(status.schedule_enabled)
        self.assertEqual(frozenset(volumes), status.volumes)

    def test_removed_for_good(self) -> None:
        self.protected("v1")
        final = self.make(eradicate=True)
        for _ in range(2):
            final.remove_protection(self.direction)
        self.assertRaises(
            purestorage.PureHTTPError,
            self.a.sdk().get_pgroup,
            self.direction.group,
            pending=True,
        )

    def test_schedule(self) -> None:
        self.protected("v1")
        other = dataclasses.replace(SCHEDULE, interval=1800)
        for enabled in (True, True, False, False):
            self.driver.set_schedule(self.direction, enabled, other)
            status = self.driver.status(self.direction)
            self.assertEqual(
                (enabled, 1800), (status.schedule_enabled, status.interval)
            )
        none = dataclasses.replace(self.direction, group="none")
        self.gone(self.driver.set_schedule, none, True, other)

    def test_allowed(self) -> None:
        self.protected("v1")
        for allowed in (False, False, True, True):
            self.driver.set_allowed(self.direction, allowed)
            self.assertEqual(
                allowed, self.driver.status(self.direction).allowed
            )
        none = dataclasses.replace(self.direction, group="none")
        self.driver.set_allowed(none, False)
        self.gone(self.driver.set_allowed, none, True)

    def test_status_of_nothing(self) -> None:
        status = self.driver.status(self.direction)
        self.assertFalse(status.group_exists)
        self.assertFalse(status.allowed)
        self.assertIsNone(status.interval)

    # -- points

    def test_points(self) -> None:
        volumes = self.protected("v1", "v2")
        self.assertEqual([], self.driver.list_points(self.direction))
        first, second = self.point("e1"), self.point("op-2")
        self.assertEqual(f"array-a:{self.direction.group}.e1", first)
        points = self.driver.list_points(self.direction)
        self.assertEqual({first, second}, {point.name for point in points})
        times = [point.created for point in points]
        self.assertEqual(sorted(times, reverse=True), times)
        point = self.listed(second)
        self.assertEqual("op-2", point.suffix)
        self.assertEqual(frozenset(volumes), point.volumes)
        self.assertEqual(0, point.created.utcoffset().total_seconds())
        self.b.sdk().destroy_pgroup(first)
        self.assertEqual(
            [second],
            [point.name for point in self.driver.list_points(self.direction)],
        )

    def test_points_are_the_targets(self) -> None:
        """The source array is not asked, nor by what a disaster needs."""
        (source,) = self.protected("v1")
        target = self.volume(self.b, "v1")
        point = self.point("e1")
        lost = dataclasses.replace(
            self.direction,
            source=dataclasses.replace(
                self.a.array, management_address="127.0.0.1:1"
            ),
        )
        self.assertEqual(1, len(self.driver.list_points(lost)))
        self.driver.set_allowed(lost, False)
        self.driver.overwrite(lost, point, source, target, f"{self.staging}1")

    def test_same_suffix_is_one_point(self) -> None:
        self.protected("v1")
        name = self.point("e1")
        before = self.asked
        self.assertEqual(name, self.driver.replicate_now(self.direction, "e1"))
        self.assertEqual(before, self.asked)

    def test_snapshot_that_was_never_sent(self) -> None:
        self.protected("v1")
        sdk = self.a.sdk()
        sdk.create_pgroup_snapshot(self.direction.group, suffix="e1")
        self.assertEqual([], self.driver.list_points(self.direction))
        if self.sends_later:
            self.assertIn("v1", str(self.listed(self.point("e1")).volumes))
            return
        error = self.refused(self.driver.replicate_now, self.direction, "e1")
        self.assertIn("cannot send it later", str(error))
        self.assertIn("takes another snapshot", error.remedy)

    def test_snapshot_that_was_destroyed(self) -> None:
        self.protected("v1")
        sdk = self.a.sdk()
        sdk.create_pgroup_snapshot(self.direction.group, suffix="e1")
        sdk.destroy_pgroup(f"{self.direction.group}.e1")
        error = self.refused(self.driver.replicate_now, self.direction, "e1")
        self.assertIn("destroyed", str(error))

    def test_incomplete_is_not_complete(self) -> None:
        (source,) = self.protected("v1")
        target = self.volume(self.b, "v1")
        self.a.tune(transfer_seconds=60)
        name = self.driver.replicate_now(self.direction, "e1")
        emulated_arrays.wait_until(
            lambda: self.driver.list_points(self.direction), ARRIVAL_SECONDS
        )
        point = self.listed(name)
        self.assertFalse(point.complete)
        self.assertLess(point.progress, 1)
        error = self.refused(
            self.driver.overwrite,
            self.direction,
            name,
            source,
            target,
            f"{self.staging}1",
        )
        self.assertIn("has not arrived completely", str(error))
        self.gone(self.driver.get_volume, self.b.array, f"{self.staging}1")
        self.driver.set_allowed(self.direction, False)
        self.assertEqual([], self.driver.list_points(self.direction))

    def test_local_snapshot(self) -> None:
        self.protected("v1")
        name = f"{self.direction.group}.undo-1"
        for _ in range(2):
            self.assertEqual(
                name,
                self.driver.snapshot(
                    self.a.array, self.direction.group, "undo-1"
                ),
            )
        self.assertEqual([], self.driver.list_points(self.direction))
        sdk = self.a.sdk()
        self.assertEqual(
            [name],
            [
                s["name"]
                for s in sdk.get_pgroup(self.direction.group, snap=True)
            ],
        )
        listed = self.driver.list_snapshots(self.a.array, self.direction.group)
        self.assertEqual([name], list(listed))
        age = datetime.datetime.now(datetime.UTC) - listed[name]
        self.assertLess(abs(age.total_seconds()), 60)
        for _ in range(2):
            self.driver.destroy_snapshot(self.a.array, name)
            self.assertEqual(
                {},
                self.driver.list_snapshots(self.a.array, self.direction.group),
            )
            self.assertEqual(
                [], sdk.get_pgroup(self.direction.group, snap=True)
            )
        self.driver.destroy_snapshot(self.a.array, "none.undo-1")
