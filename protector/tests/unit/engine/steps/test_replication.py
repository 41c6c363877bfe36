# SPDX-License-Identifier: Apache-2.0
"""Both directions configured, the first point of an epoch, the policy."""

import dataclasses
import json
from typing import Any

from protector import exception, times
from protector.db import models
from protector.db.api import metadata_sync
from protector.engine import workflows
from protector.engine.steps import STEPS
from protector.engine.steps import replication as steps
from protector.tests.unit.engine import case, fake_cloud, fakes


class ReplicationTest(case.EngineCase):
    def setUp(self) -> None:
        super().setUp()
        self.set_sides(cinder_group_id=("1", "2"), array_group=(None, None))
        self.here, self.there = (f"consisgroup-{n}-cinder" for n in ("1", "2"))

    def changes(self) -> list[tuple[Any, ...]]:
        reads = ("check", "list_points", "status")
        return [c for c in self.driver.calls if c[0] not in reads]

    def run_all(self, verb: str, **args: Any) -> str:
        """The steps of a verb one after the other, as the runner would."""
        operation_id = self.accept(verb, args=args)
        ctx = self.step(operation_id)
        for stage in workflows.WORKFLOWS[verb]:
            STEPS[stage.step].run(ctx)
            ctx.refresh()
        self.end(operation_id)
        return operation_id


class ConfigureTest(ReplicationTest):
    def test_names_both_and_turns_the_primarys_on(self) -> None:
        steps.configure(self.step(self.accept("policy_set")))
        for site_id, name, on in (
            (self.site.local_id, self.here, True),
            (self.site.peer_id, self.there, False),
        ):
            side = self.side(site_id)
            self.assertEqual(
                (name, on), (side.array_group, side.schedule_enabled)
            )
        self.assertEqual([], self.driver.named("replicate_now"))

    def test_the_first_point_comes_before_the_schedule(self) -> None:
        self.site.member(self.group_id)
        self.set_group(epoch=3)
        ctx = self.step(self.accept("policy_set"))
        steps.configure(ctx)
        self.assertEqual(
            [
                ("ensure_protection", self.here, 900),
                ("replicate_now", self.here, f"e3-{ctx.run_name}"),
                ("set_schedule", self.here, True),
            ],
            self.changes()[-3:],
        )

    def test_an_epoch_has_one_first_point(self) -> None:
        self.site.member(self.group_id)
        self.driver.points[self.here] = [fakes.point(self.here, "e1-x", 1)]
        steps.configure(self.step(self.accept("policy_set")))
        self.assertEqual([], self.driver.named("replicate_now"))


class ApartTest(ReplicationTest):
    """One member arrived in its pod, for want of quota, and another beside
    it."""

    def setUp(self) -> None:
        super().setUp()
        self.set_group(replication_type="sync")
        for name in ("web", "db"):
            self.site.member(self.group_id, name)
        places: dict[str, list[str]] = {"pod-b": [], "": []}
        with self.runtime.db.writer() as session:
            for row in session.query(models.VolumeCopy).filter_by(
                site_id=self.site.local_id
            ):
                member = session.get_one(models.Member, row.member_id)
                inside = member.instance_name == "db"
                row.array_volume = f"{inside}-{row.cinder_id}"
                places["pod-b" if inside else ""].append(row.array_volume)

        def apart(*args: Any, **kwargs: Any) -> Any:
            raise exception.VolumesApart(
                "apart", remedy="as it is", places=places
            )

        self.driver.find_group = apart  # type: ignore

    def test_the_members_and_the_way_out_are_named(self) -> None:
        ctx = self.step(self.accept("reprotect"))
        error = self.assertRaises(exception.VolumesApart, steps.configure, ctx)
        self.assertIn("in pod pod-b: db; in no pod: web", error.message)
        self.assertIn("Remove db, or web, from the group", error.remedy)

    def test_one_that_would_join_is_refused_as_it_is(self) -> None:
        ctx = self.step(self.accept("reprotect"))
        joining = self.site.member(self.group_id, "new")
        ctx.refresh()
        error = self.assertRaises(
            exception.VolumesApart,
            steps.name_group,
            ctx,
            self.site.local_id,
            ctx.scene.member(joining),
        )
        self.assertEqual("as it is", error.remedy)


class ConfigureSyncTest(ReplicationTest):
    """The groups lie in the pods of their backends."""

    def setUp(self) -> None:
        super().setUp()
        self.set_group(replication_type="sync")
        arrays = self.runtime.storage.arrays()
        self.driver.pods = {a.name: f"pod-{a.name}" for a in arrays}

    def configure(self) -> Any:
        return steps.configure(self.step(self.accept("policy_set")))

    def groups(self) -> list[str | None]:
        ids = (self.site.local_id, self.site.peer_id)
        return [self.side(i).array_group for i in ids]

    def test_names_tell_the_pods(self) -> None:
        self.configure()
        found = self.groups()
        pods = set(self.driver.pods.values())
        self.assertEqual(pods, {n.partition("::")[0] for n in found})
        self.assertEqual(
            [self.here, self.there], [n.partition("::")[2] for n in found]
        )

    def test_a_pod_of_both_is_refused_before_a_change(self) -> None:
        def refuse(*groups: Any) -> None:
            raise exception.PodShared("the same")

        self.driver.refuse_shared = refuse
        self.assertRaises(exception.PodShared, self.configure)
        self.assertEqual([], self.driver.named("ensure_protection"))
        self.assertEqual([], self.driver.named("set_schedule"))

    def test_without_volumes_nothing_may_tell_it_yet(self) -> None:
        self.driver.pods = {}
        self.assertIn("pod", self.configure()["message"])
        self.assertEqual([None, None], self.groups())
        self.assertEqual([], self.driver.named("ensure_protection"))


class PolicyTest(ReplicationTest):
    def test_a_policy_configures_what_creation_could_not(self) -> None:
        self.run_all("policy_set", replication_interval_minutes=5)
        self.assertEqual((self.here, 300), self.last_protection())
        with self.runtime.db.reader() as session:
            sync = metadata_sync.find(session, self.group_id)
        sides = json.loads(sync.document)["consistency_group"]["sides"]
        told = {s["array_group"]: s["schedule_enabled"] for s in sides}
        self.assertEqual({self.here: True, self.there: False}, told)
        self.assertEqual([self.group_id], self.peer.pushed)

    def last_protection(self) -> tuple[Any, ...]:
        return self.driver.named("ensure_protection")[-1][1:]

    def test_reprotect_tells_the_peer_too(self) -> None:
        self.run_all("reprotect")
        self.assertEqual(self.here, self.side(self.site.local_id).array_group)
        self.assertEqual([self.group_id], self.peer.pushed)

    def test_reprotect_fails_where_a_policy_only_warns(self) -> None:
        self.assertTrue(STEPS["replication.configure"].optional)
        self.assertFalse(STEPS["replication.restore"].optional)
        self.driver.error = exception.ArrayError("no")
        self.assertRaises(exception.ArrayError, self.run_all, "reprotect")


class PointTest(ReplicationTest):
    def test_what_a_step_tells_of_a_point(self) -> None:
        """In the form that users see."""
        self.set_sides(array_group=("here", "there"))
        ctx = self.step(self.accept("replicate"))
        epoch = self.group().epoch
        suffix = f"e{epoch}-now-{ctx.run_name}"
        self.driver.points["here"] = [fakes.point("here", suffix, 5)]
        found = steps.replicate(ctx)
        self.assertEqual(times.iso(fakes.at(5)), found["created_at"])

    def deleted(self) -> str:
        """What the array calls a volume that its user deleted."""
        member_id = self.site.member(self.group_id)
        name = self.volume_name(member_id, self.site.local_id)
        protect = self.driver.ensure_protection

        def ensure(direction: Any, volumes: Any, *args: Any) -> None:
            if name in volumes:
                raise exception.ArrayNotFound(f"There is no volume {name}.")
            protect(direction, volumes, *args)

        self.driver.ensure_protection = ensure
        return name

    def test_a_volume_that_its_user_deleted_stops_nothing(self) -> None:
        self.set_sides(array_group=("here", "there"))
        name = self.deleted()
        ctx = self.step(self.accept("replicate"))
        suffix = f"e{self.group().epoch}-now-{ctx.run_name}"
        self.driver.points["here"] = [fakes.point("here", suffix, 5)]
        cloud = fake_cloud.Clouds(self.site.local_id, self.site.peer_id)
        self.runtime.clouds = cloud
        self.assertIn(name, steps.replicate(ctx)["message"])

    def test_one_that_only_the_array_lacks_does(self) -> None:
        self.set_sides(array_group=("here", "there"))
        self.deleted()
        cloud = fake_cloud.Clouds(self.site.local_id, self.site.peer_id)
        self.runtime.clouds = cloud
        with self.runtime.db.reader() as session:
            for row in session.query(models.VolumeCopy):
                cloud.here.volume.add(row.cinder_id)
        ctx = self.step(self.accept("replicate"))
        self.assertRaises(exception.ArrayNotFound, steps.replicate, ctx)

    def test_who_moves_tells_the_target_nothing(self) -> None:
        """It may be superseded while it hangs at the source."""
        self.set_sides(array_group=("here", "there"))
        ctx = self.step(self.accept("failover"))
        for word, step in (("warm", steps.warm), ("final", steps.final)):
            suffix = f"e{self.group().epoch}-{word}-{ctx.run_name}"
            self.driver.points["here"] = [fakes.point("here", suffix, 5)]
            step(ctx)
            ctx.refresh()
        self.assertEqual(2, len(self.driver.named("ensure_protection")))
        self.assertEqual([], self.driver.allowing)

    def test_a_target_that_disallows_ends_the_wait(self) -> None:
        self.set_sides(array_group=("here", "there"))
        ctx = self.step(self.accept("replicate"))
        self.driver.allowed = False
        error = self.assertRaises(exception.ArrayError, steps.replicate, ctx)
        self.assertIn("does not take transfers of group here", str(error))
        self.assertIn("Allow the array group", error.remedy)

    def test_a_transfer_that_is_too_slow_tells_what_it_waits_for(self) -> None:
        self.set_sides(array_group=("here", "there"))
        ctx = self.step(self.accept("replicate"))
        suffix = f"e{self.group().epoch}-now-{ctx.run_name}"
        point = fakes.point("here", suffix, 5, complete=False)
        self.driver.points["here"] = [
            dataclasses.replace(point, progress=0.35)
        ]
        self.driver.link = "connecting"
        error = self.assertRaises(
            exception.DeadlineExceeded, steps.replicate, ctx
        )
        self.assertIn("shows 35% of the recovery point", str(error))
        self.assertIn("the link is connecting", str(error))
        self.assertIn("array has room", str(error))
