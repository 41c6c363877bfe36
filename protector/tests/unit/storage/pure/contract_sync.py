# SPDX-License-Identifier: Apache-2.0
"""What the driver promises of pods that are stretched over both arrays.

It says nothing of a REST generation: a test module names one by subclassing.
"""

import dataclasses
import os
from typing import Any

from protector import exception
from protector.storage import base as storage
from protector.storage.pure import names
from protector.tests.fixtures import emulated_arrays
from protector.tests.unit.storage.pure import contract

MIB = contract.MIB
ONLINE_SECONDS = 30


class PodsCase(contract.ArraysCase):
    """Each array's Cinder backend has a pod of its own; the direction is
    from array a, in its pod, to array b."""

    connection = "sync-replication"

    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(self.arrays.mend)
        self.pod_a, self.pod_b = f"pa-{self.tag}", f"pb-{self.tag}"
        self.stretch(self.a, self.pod_a)
        self.stretch(self.b, self.pod_b)
        group = names.group(self.tag)
        self.direction = storage.Direction(
            self.a.array, self.b.array, f"{self.pod_a}::{group}"
        )
        self.back = self.direction.reversed(f"{self.pod_b}::{group}")

    # -- arranging, with the vendor's SDK

    def stretch(self, where: emulated_arrays.EmulatedArray, pod: str) -> None:
        other = self.b if where is self.a else self.a
        sdk = where.sdk()
        sdk.create_pod(pod)
        sdk.set_pod(pod, failover_preference=[where.name])
        sdk.add_pod(pod, other.name)
        self.online(pod)

    def online(self, pod: str) -> None:
        """Wait until the pod is online on both arrays, as both say."""
        emulated_arrays.wait_until(
            lambda: (
                {
                    (state["name"], state["status"])
                    for each in (self.a, self.b)
                    for state in each.sdk().get_pod(pod)["arrays"]
                }
                == {("array-a", "online"), ("array-b", "online")}
            ),
            ONLINE_SECONDS,
        )

    def inside(
        self, where: emulated_arrays.EmulatedArray, name: str, size: int = 4
    ) -> str:
        """A new volume in the pod of an array's backend; its full name."""
        pod = self.pod_a if where is self.a else self.pod_b
        full = f"{pod}::volume-{self.tag}-{name}"
        where.sdk().create_volume(full, size * MIB)
        return full

    def protected(self, *volumes: str) -> list[str]:
        found = [self.inside(self.a, name) for name in volumes]
        self.driver.ensure_protection(self.direction, found, contract.SCHEDULE)
        return found

    def written(
        self, where: emulated_arrays.EmulatedArray, volume: str
    ) -> str:
        """Random bytes in a volume; their digest."""
        where.write(volume, os.urandom(MIB))
        return where.sha256(volume)

    def isolate(self, pod: str, lost: emulated_arrays.EmulatedArray) -> None:
        """Cut the arrays; the pod stays with the one that is preferred."""
        self.arrays.cut()
        emulated_arrays.wait_until(
            lambda: self.state(lost, pod) == "offline", ONLINE_SECONDS
        )

    def state(self, where: emulated_arrays.EmulatedArray, pod: str) -> str:
        rows = where.sdk().get_pod(pod)["arrays"]
        return str(next(r["status"] for r in rows if r["name"] == where.name))

    def not_online(self, call: Any, *args: Any) -> exception.PodNotOnline:
        return self.assertRaises(exception.PodNotOnline, call, *args)


class SyncContract(PodsCase):
    # -- where a group lies

    def find(self, *volumes: str) -> str | None:
        return self.driver.find_group(
            self.a.array, self.tag, volumes, synchronous=True
        )

    def test_the_pod_is_that_of_the_volumes(self) -> None:
        wanted = f"{self.pod_a}::{names.group(self.tag)}"
        self.assertEqual(
            wanted, self.find(f"{self.pod_a}::v1", f"{self.pod_a}::v2")
        )
        one = f"{self.pod_a}::v1"
        for volumes in (["v1", one], [one, f"{self.pod_b}::v2"]):
            error = self.refused(self.find, *volumes)
            self.assertIn("one pod", str(error))

    def test_without_volumes_it_is_where_cinder_made_the_group(self) -> None:
        self.assertIsNone(self.find())
        wanted = f"{self.pod_a}::{names.group(self.tag)}"
        self.a.sdk().create_pgroup(wanted)
        self.assertEqual(wanted, self.find())

    def test_who_could_replicate_so(self) -> None:
        one, other = self.a.array, self.b.array
        self.assertIsNone(self.driver.asynchronous_only(one, other))
        self.assertIsNone(self.driver.asynchronous_only(other, one))
        third = dataclasses.replace(other, name="array-c")
        self.assertIn(
            "stretched to array array-c",
            str(self.driver.asynchronous_only(one, third)),
        )

    def test_an_old_array_could_not(self) -> None:
        """It refuses the overwrite that each arrival makes."""
        (volume,) = self.protected("v1")
        point = self.driver.replicate_now(self.direction, "e1")
        target = self.inside(self.b, "copy")
        self.assertEqual(
            "", self.driver.check(self.b.array)["asynchronous_only"]
        )
        self.b.tune(purity="6.0.9")
        self.addCleanup(self.b.tune, purity="6.3.13")
        self.refused(self.overwrite, point, volume, target)
        told = self.driver.check(self.b.array)["asynchronous_only"]
        self.assertIn("array-b runs Purity 6.0.9", told)
        for pair in (
            (self.a.array, self.b.array),
            (self.b.array, self.a.array),
        ):
            self.assertEqual(told, self.driver.asynchronous_only(*pair))

    def test_two_backends_have_two_pods(self) -> None:
        self.driver.refuse_shared(self.direction, self.back)
        shared = dataclasses.replace(
            self.back, group=f"{self.pod_a}::pg2-{self.tag}"
        )
        error = self.refused(self.driver.refuse_shared, self.direction, shared)
        self.assertIn(self.pod_a, str(error))
        self.assertIn("pure_replication_pod_name", error.remedy)

    # -- protection

    def test_protection_is_on_both_arrays(self) -> None:
        volumes = self.protected("v1", "v2")
        for enabled in (False, True, False):
            if enabled:
                self.driver.set_schedule(
                    self.direction, True, contract.SCHEDULE
                )
            else:
                # it stays as it is, but for a group that is new
                self.driver.set_schedule(
                    self.direction, False, contract.SCHEDULE
                )
            status = self.driver.status(self.direction)
            self.assertEqual(
                storage.Status(
                    group_exists=True,
                    link="connected",
                    allowed=True,
                    schedule_enabled=enabled,
                    interval=contract.SCHEDULE.interval,
                    volumes=frozenset(volumes),
                    degraded=None,
                    synchronous=True,
                ),
                status,
            )
        for each in (self.a, self.b):
            found = each.sdk().get_pgroup(self.direction.group)
            self.assertEqual(sorted(volumes), sorted(found["volumes"]))

    def test_protection_is_made_once(self) -> None:
        volumes = self.protected("v1")
        asked = self.asked
        self.driver.ensure_protection(
            self.direction, volumes, contract.SCHEDULE
        )
        self.assertEqual(asked, self.asked)

    def test_the_schedule_of_an_adopted_group_stays(self) -> None:
        volume = self.inside(self.a, "v1")
        sdk = self.a.sdk()
        sdk.create_pgroup(self.direction.group, vollist=[volume])
        sdk.set_pgroup(self.direction.group, snap_enabled=True)
        self.driver.ensure_protection(
            self.direction, [volume], contract.SCHEDULE
        )
        self.assertTrue(self.driver.status(self.direction).schedule_enabled)

    def test_volumes_outside_the_pod_are_refused(self) -> None:
        outside = self.volume(self.a, "v1")
        error = self.refused(
            self.driver.ensure_protection,
            self.direction,
            [outside],
            contract.SCHEDULE,
        )
        self.assertIn(outside, str(error))
        self.assertFalse(self.driver.status(self.direction).group_exists)

    def test_a_pod_that_is_not_stretched_is_refused(self) -> None:
        alone = f"alone-{self.tag}"
        self.a.sdk().create_pod(alone)
        direction = dataclasses.replace(
            self.direction, group=f"{alone}::pg-{self.tag}"
        )
        error = self.refused(
            self.driver.ensure_protection, direction, [], contract.SCHEDULE
        )
        self.assertIn("array-b", str(error))
        self.assertFalse(self.driver.status(direction).allowed)

    def test_volumes_leave(self) -> None:
        one, two = self.protected("v1", "v2")
        for _ in range(2):
            self.driver.remove_volumes(self.direction, [two, f"{two}-no"])
            status = self.driver.status(self.direction)
            self.assertEqual({one}, status.volumes)

    def test_a_glance_tells_what_each_look_does(self) -> None:
        self.protected("v1")
        self.driver.replicate_now(self.direction, "e1")
        glance = self.driver.glance()
        for ask in ("list_points", "status"):
            for direction in (self.direction, self.back):
                self.assertEqual(
                    getattr(self.driver, ask)(direction),
                    getattr(glance, ask)(direction),
                )

    def test_cinders_group_stays(self) -> None:
        self.protected("v1")
        self.driver.set_schedule(self.direction, True, contract.SCHEDULE)
        for _ in range(2):
            self.driver.remove_protection(self.direction)
            status = self.driver.status(self.direction)
            self.assertTrue(status.group_exists)
            self.assertFalse(status.schedule_enabled)

    def test_cinders_group_is_not_raised_from_the_dead(self) -> None:
        sdk = self.a.sdk()
        sdk.create_pgroup(self.direction.group)
        sdk.destroy_pgroup(self.direction.group)
        self.driver.remove_protection(self.direction)
        error = self.refused(
            self.driver.ensure_protection,
            self.direction,
            [],
            contract.SCHEDULE,
        )
        self.assertIn("destroyed", str(error))
        self.assertFalse(self.driver.status(self.direction).group_exists)

    # -- points

    def test_a_point_is_complete_when_it_is_taken(self) -> None:
        (volume,) = self.protected("v1")
        for _ in range(2):
            name = self.driver.replicate_now(self.direction, "e1")
        self.assertEqual(f"{self.direction.group}.e1", name)
        (point,) = self.driver.list_points(self.direction)
        self.assertEqual((name, "e1"), (point.name, point.suffix))
        self.assertTrue(point.complete)
        self.assertEqual({volume}, point.volumes)

    def test_undo_copies_and_snapshots_of_users_are_no_points(self) -> None:
        self.protected("v1")
        group = self.direction.group
        undo = self.driver.snapshot(self.a.array, group, "undo-12345678-1")
        self.a.sdk().create_pgroup_snapshot(group, suffix="cgsnapshot-1")
        self.assertEqual([], self.driver.list_points(self.direction))
        self.assertIn(undo, self.driver.list_snapshots(self.b.array, group))

    def test_a_group_that_is_not_there_has_no_points(self) -> None:
        self.assertEqual([], self.driver.list_points(self.direction))

    def test_the_last_point_is_the_survivors(self) -> None:
        """What was written last is in it, and the source is not asked."""
        (volume,) = self.protected("v1")
        digest = self.written(self.a, volume)
        self.a.sdk().set_pod(self.pod_a, failover_preference=[self.b.name])
        self.a.kill()
        self.addCleanup(self.revive)
        emulated_arrays.wait_until(
            lambda: self.driver.obstacle(self.direction) is None,
            ONLINE_SECONDS,
        )
        name = str(self.driver.capture(self.direction, "e1-last"))
        self.assertEqual([name], self.complete())
        target = self.volume(self.b, "plain")
        self.overwrite(name, volume, target)
        self.assertEqual(digest, self.b.sha256(target))

    def revive(self) -> None:
        self.a.start()
        for pod in (self.pod_a, self.pod_b):
            self.online(pod)

    # -- content

    def overwrite(self, point: str, source: str, target: str) -> None:
        self.driver.overwrite(
            self.direction, point, source, target, f"{self.staging}0"
        )

    def test_overwrite_is_on_both_arrays(self) -> None:
        (volume,) = self.protected("v1")
        digest = self.written(self.a, volume)
        target = self.inside(self.b, "copy")
        serial = self.driver.get_volume(self.b.array, target).serial
        self.overwrite(
            self.driver.replicate_now(self.direction, "e1"), volume, target
        )
        for each in (self.a, self.b):
            self.assertEqual(digest, each.sha256(target))
        found = self.driver.get_volume(self.a.array, target)
        self.assertEqual(serial, found.serial)

    def test_overwrite_from_what_is_not_there(self) -> None:
        (volume,) = self.protected("v1")
        target = self.inside(self.b, "copy")
        digest = self.written(self.b, target)
        name = f"{self.direction.group}.e9"
        self.gone(self.overwrite, name, volume, target)
        self.assertEqual(digest, self.b.sha256(target))

    def test_the_smaller_target_grows(self) -> None:
        volume = self.inside(self.a, "v1", 8)
        self.driver.ensure_protection(
            self.direction, [volume], contract.SCHEDULE
        )
        digest = self.written(self.a, volume)
        target = self.inside(self.b, "copy", 4)
        self.overwrite(
            self.driver.replicate_now(self.direction, "e1"), volume, target
        )
        self.assertEqual(digest, self.b.sha256(target))
        found = self.driver.get_volume(self.a.array, target)
        self.assertEqual(8 * MIB, found.size)

    # -- pods that are not online

    def test_what_the_other_array_has_is_not_forced(self) -> None:
        (volume,) = self.protected("v1")
        name = self.driver.replicate_now(self.direction, "e1")
        target = self.volume(self.b, "plain")
        digest = self.written(self.b, target)
        self.isolate(self.pod_a, self.b)
        changes = self.b.changes()
        self.assertIn(
            f"{self.pod_a} is offline on array array-b",
            str(self.driver.obstacle(self.direction)),
        )
        for call, *args in (
            (self.driver.capture, self.direction, "e1-last"),
            (self.overwrite, name, volume, target),
        ):
            error = self.not_online(call, *args)
            self.assertIn("offline", str(error))
        (point,) = self.driver.list_points(self.direction)
        self.assertFalse(point.complete)
        self.assertEqual(changes, self.b.changes())
        self.assertEqual(digest, self.b.sha256(target))

    def test_a_target_that_is_offline_is_not_forced(self) -> None:
        """The point could be read, but its array has lost the other pod."""
        (volume,) = self.protected("v1")
        target = self.inside(self.b, "copy")
        sdk = self.a.sdk()
        sdk.set_pod(self.pod_a, failover_preference=[self.b.name])
        self.b.sdk().set_pod(self.pod_b, failover_preference=[self.a.name])
        name = self.driver.replicate_now(self.direction, "e1")
        self.isolate(self.pod_b, self.b)
        error = self.assertRaises(
            exception.PodRefuses, self.overwrite, name, volume, target
        )
        self.assertIn(self.pod_b, str(error))
        for volumes, why in (([volume], None), ([volume, target], error)):
            found = self.driver.closed(self.b.array, volumes)
            self.assertEqual(why and why.message, found)

    def test_a_survivor_that_takes_no_overwrite_alone(self) -> None:
        (volume,) = self.protected("v1")
        name = self.driver.replicate_now(self.direction, "e1")
        target = self.inside(self.b, "copy")
        digest = self.written(self.b, target)
        self.a.sdk().set_pod(self.pod_a, failover_preference=[self.b.name])
        self.b.tune(overwrite_without_peer=False)
        self.addCleanup(self.b.tune, overwrite_without_peer=True)
        self.isolate(self.pod_b, self.a)
        error = self.assertRaises(
            exception.PodRefuses, self.overwrite, name, volume, target
        )
        self.assertIn(self.pod_b, str(error))
        self.assertEqual(digest, self.b.sha256(target))
        # nobody's fault but the pod's
        host = f"h-{self.tag}"
        sdk = self.b.sdk()
        sdk.create_host(host)
        sdk.connect_host(host, target)
        error = self.refused(self.overwrite, name, volume, target)
        self.assertIs(exception.ArrayError, type(error))
        sdk.disconnect_host(host, target)
        sdk.delete_host(host)

    def test_volumes_that_left_the_pod_have_a_group_of_our_own(self) -> None:
        self.assertEqual(f"protector-{self.tag}", self.find("v1", "v2"))
        error = self.refused(
            self.driver.find_group,
            self.a.array,
            self.tag,
            ["v1"],
            True,
            False,
        )
        self.assertIsInstance(error, exception.VolumesApart)
        self.assertEqual({"": ["v1"]}, error.details["places"])

    def test_all_groups_that_a_cinder_group_has(self) -> None:
        sdk = self.a.sdk()
        wanted = {
            f"{self.pod_a}::{names.group(self.tag)}",
            f"protector-{self.tag}",
        }
        for name in (*wanted, names.group(self.tag)):
            sdk.create_pgroup(name)
        found = self.driver.groups_of(self.a.array, self.tag)
        self.assertEqual(wanted, set(found))

    def test_a_source_that_is_disallowed_takes_no_more_points(self) -> None:
        self.protected("v1")
        self.driver.set_schedule(self.direction, True, contract.SCHEDULE)
        for _ in range(2):
            self.driver.set_allowed(self.direction, False)
            status = self.driver.status(self.direction)
            self.assertFalse(status.schedule_enabled)
        self.driver.set_allowed(self.back, False)

    def test_a_link_that_is_cut_and_mended(self) -> None:
        (volume,) = self.protected("v1")
        self.isolate(self.pod_a, self.b)
        status = self.driver.status(self.direction)
        self.assertNotEqual("connected", status.link)
        self.assertIn(self.pod_a, str(status.degraded))
        digest = self.written(self.a, volume)
        self.arrays.mend()
        self.online(self.pod_a)
        status = self.driver.status(self.direction)
        self.assertEqual(("connected", None), (status.link, status.degraded))
        self.assertEqual(digest, self.b.sha256(volume))
