# SPDX-License-Identifier: Apache-2.0
"""A pod that refuses the content of one member: the others go beside it."""

from typing import Any
import uuid

from protector import exception
from protector.clients import types
from protector.db import models
from protector.engine import steps, unreplicated
from protector.engine.steps import copies, networks, volumes
from protector.tests.unit.engine import arrival_case, fakes
from protector.tests.unit.engine import fake_project as fake

BACKEND = {"volume_backend_name": "pure"}
REFUSED = {volumes.OUTSIDE: "The pod takes none."}


class Driver(arrival_case.Driver):
    """``refuses``: volumes that take no overwrite."""

    def __init__(self) -> None:
        super().__init__()
        self.refuses: set[str] = set()
        self.arrivals: list[str] = []

    def overwrite(self, direction: Any, *names: str) -> None:
        self._asked("overwrite", *names)
        target = names[2]
        if target in self.refuses:
            raise exception.PodRefuses("not alone")
        self.arrivals.append(target)


class GatherCase(arrival_case.ArrivalCase):
    def setUp(self) -> None:
        super().setUp()
        self.driver = Driver()
        self.runtime.storage = fakes.Storage(self.driver)
        self.there.volume.types = lambda: [
            types.VolumeType("type", "gold", BACKEND),
            types.VolumeType("t2", "silver", BACKEND),
        ]
        self.set_sides(volume_type_id=("type", "type"))
        self.set_group(replication_type="sync")
        self.end(self.ctx.operation.id)
        self.set_group(status="active")
        self.ctx = self.for_member(args={"type": "unplanned"})
        self.ctx.save(point="p.1")
        copies.build(self.ctx)
        self.again()
        (self.in_pod,) = self.copies()

    def arrive(self) -> None:
        volumes.overwrite(self.again())
        networks.ports(self.again())

    def add_disk(self) -> None:
        with self.runtime.db.writer() as session:
            session.add(
                models.VolumeCopy(
                    member_id=self.member_id,
                    ordinal=1,
                    site_id=self.site.local_id,
                    cinder_id=str(uuid.uuid4()),
                    name="data",
                    size_gb=1,
                    boot_index=-1,
                    array_volume="data",
                )
            )
        both = arrival_case.recipe()["volumes"] * 2
        self.change_member(recipe=arrival_case.recipe(volumes=both))
        copies.build(self.again())

    def add_server(self) -> str:
        server_id = str(uuid.uuid4())
        self.there.compute.rows[server_id] = fake.server(
            server_id, status="SHELVED_OFFLOADED"
        )
        self.set_copy(server_id=server_id)
        return server_id

    def made(self) -> int:
        """How many volumes were made, but for the first."""
        return self.there.count("create_volume") - 1

    def gather(self) -> Any:
        volumes.make_beside(self.again())
        return volumes.gather(self.again())

    def array_name(self, volume_id: str) -> str:
        return self.driver.array_volume_name(volume_id)


class GatherTest(GatherCase):
    def test_nobody_was_refused(self) -> None:
        self.arrive()
        self.assertIsNone(self.gather())
        self.assertEqual([self.array_name(self.in_pod)], self.driver.arrivals)

    def test_who_is_in_the_pod_follows(self) -> None:
        self.arrive()
        self.ctx.save(**REFUSED)
        self.assertEqual({"volumes": 1}, self.gather())
        (beside,) = self.copies()
        self.assertNotEqual(self.in_pod, beside)
        self.assertEqual(self.array_name(beside), self.driver.arrivals[-1])

    def test_who_was_refused_is_beside_and_is_not_asked_again(self) -> None:
        self.driver.refuses.add(self.array_name(self.in_pod))
        self.arrive()
        (beside,) = self.copies()
        self.assertEqual([self.array_name(beside)], self.driver.arrivals)
        # the point ran out
        self.driver.error = exception.ArrayNotFound("no such point")
        self.assertIsNone(self.gather())
        self.assertEqual([beside], self.copies())

    def test_who_came_after_a_refusal_is_beside_at_once(self) -> None:
        self.ctx.save(**REFUSED)
        self.arrive()
        (beside,) = self.copies()
        self.assertNotEqual(self.in_pod, beside)
        self.driver.error = exception.ArrayNotFound("no such point")
        self.assertIsNone(self.gather())

    def test_it_is_done_once(self) -> None:
        self.arrive()
        self.ctx.save(**REFUSED)
        self.gather()
        before = len(self.driver.arrivals)
        self.assertIsNone(self.gather())
        self.assertEqual(before, len(self.driver.arrivals))

    def test_with_no_quota_it_stays_in_the_pod(self) -> None:
        self.add_disk()
        self.arrive()
        before = sorted(self.copies())
        server_id = self.add_server()
        self.ctx.save(**REFUSED)
        self.driver.arrivals.clear()
        # there is some for one of the two
        unreplicated.make(
            self.again(), self.ctx.member.volumes_at(self.ctx.source)[0]
        )
        self.there.fail("create", exception.CloudQuota("no more volumes"))
        self.assertRaises(
            exception.CloudQuota, volumes.make_beside, self.again()
        )
        told = volumes.gather(self.again())
        self.assertIn("stays in its pod", told["message"])
        self.assertEqual(before, sorted(self.copies()))
        self.assertEqual([], self.driver.arrivals)
        self.assertIn(server_id, self.there.compute.rows)
        (unused,) = set(self.there.volume.rows) - set(before)
        self.assertEqual([unused], self.residue())

    def test_that_there_is_no_room_is_no_failure_of_the_move(self) -> None:
        self.assertTrue(steps.STEPS["volumes.make_beside"].optional)
        self.assertFalse(steps.STEPS["volumes.gather"].optional)

    def test_what_fails_on_its_way_does_not_start_empty(self) -> None:
        self.arrive()
        self.ctx.save(**REFUSED)
        volumes.make_beside(self.again())
        self.driver.error = exception.ArrayNotFound("no such point")
        for _ in range(2):
            self.assertRaises(
                exception.ArrayNotFound, volumes.gather, self.again()
            )
        self.driver.error = None
        self.assertEqual({"volumes": 1}, volumes.gather(self.again()))
        self.assertEqual(1, self.made())


class LeftAloneTest(GatherCase):
    """The volume that was in the pod, after its member went beside it."""

    def setUp(self) -> None:
        super().setUp()
        self.ctx.save(**REFUSED)
        self.arrive()

    def come_again(self, volume_id: str) -> None:
        """A later move finds this one in the place of the member's."""
        self.set_volume(volume_id)
        self.there.volume.change(volume_id, group_id="cg")
        copies.build(self.again())

    def test_the_members_own_is_left_alone_at_the_next_move(self) -> None:
        self.come_again(self.in_pod)
        self.assertNotIn(self.in_pod, self.copies())
        self.assertIn(self.in_pod, self.there.volume.rows)

    def test_what_was_made_beside_is_left_alone_at_the_next_move(self) -> None:
        (beside,) = self.copies()
        copies.build(self.again())
        self.assertNotIn(beside, self.copies())

    def test_another_member_that_has_it_now_keeps_it(self) -> None:
        """The tenant protected another server with that volume."""
        for volume_id in (self.in_pod, *self.copies()):
            marks = self.there.volume.get(volume_id).metadata
            marks = {
                key: value.replace(self.member_id, "another")
                for key, value in marks.items()
            }
            self.there.volume.change(volume_id, metadata=marks)
            self.come_again(volume_id)
            self.assertEqual([volume_id], self.copies())
