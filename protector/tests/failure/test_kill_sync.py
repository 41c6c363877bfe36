# SPDX-License-Identifier: Apache-2.0
"""The engine dies where a synchronous group goes other ways than another.

Engines die at every moment of the steps that drive the storage, in all moves
there are: planned, also one that is undone, unplanned with both arrays there,
and by the survivor alone, into its pod or beside it; and where groups and
members come and go.

In CI they die after each call, before it is recorded, where most is at stake;
``PROTECTOR_SYNC_KILLS=all`` has them die at every moment.

Left out are the steps of servers, networks, placement and metadata, which do
not know how a group replicates, the policy and the drills of such a group,
and the way home from beside a pod: the asynchronous rounds have all of those.
"""

import collections
import os
from typing import Any

from protector import constants as c
from protector.db import models
from protector.sandbox import connect, workload
from protector.tests.failure import bed, kill_case, kills, mortal

STEPS = ("copies.", "groups.", "members.", "replication.", "volumes.")
"""How the names of those that drive the storage begin."""
KINDS = (
    kills.KINDS
    if os.environ.get("PROTECTOR_SYNC_KILLS") == "all"
    else ("after",)
)
SERVERS = (workload.Plan("web-server-1", "web", 2),)
SYNC = "sync"
IN_POD, BESIDE = "pod-b::volume-#-cinder", "volume-#-cinder"
LEFT = collections.Counter(
    {
        ("site-b volume.volumes", "web-server-1-boot"): 2,
        ("site-b volume.volumes", "web-server-1-data-1"): 2,
        ("array-a volumes", IN_POD): 2,
        ("array-b volumes", IN_POD): 2,
        ("array-b volumes", BESIDE): 2,
    }
)
"""Of each disk the one in the pod, and the one beside it."""


class StorageKills(kills.Kills):
    """Those at the steps that drive the storage."""

    def ends(self, moment: mortal.Moment) -> bool:
        return _at_storage(moment) and super().ends(moment)


class StorageUndoKills(kills.UndoKills):
    """The same while a step is undone."""

    def ends(self, moment: mortal.Moment) -> bool:
        return _at_storage(moment) and super().ends(moment)


def _at_storage(moment: mortal.Moment) -> bool:
    return moment.step.removeprefix("undo ").startswith(STEPS)


class SyncCase(kill_case.KillCase):
    REPLICATION_TYPE = c.ReplicationType.SYNC
    VOLUME_TYPE = SYNC

    def make_bed(self) -> Any:
        return self.useFixture(bed.Bed(SERVERS, volume_type=SYNC, pods=True))

    def plan(self, name: str) -> mortal.Plan:
        return StorageKills(*self.kinds)

    def move(self, verb: str, at: Any, *kinds: str) -> None:
        """Planned: nothing of what was written is missing."""
        source = self.b if at is self.a else self.a
        self.write(source)
        self.kinds = kinds
        self.run_verb(verb, at, type="planned")
        self.kinds = ()
        self.arrived(at)

    def arrived(self, at: Any) -> None:
        self.expect_content(at)
        self.on_both_arrays(at)

    def expect_no_loss(self, ended: models.Operation) -> None:
        lost = (ended.result or {}).get("rpo_seconds")
        self.expect("no write is lost", lost == 0, lost)

    def on_both_arrays(self, at: Any) -> None:
        """What the servers of a site have, the other array has, too."""
        self.until("whole", lambda: self.whole(at))
        held = self.held(at)
        for other in (self.a, self.b):
            self.expect_on_array(other, held)

    def whole(self, at: Any) -> bool:
        """Nothing is degraded, and the RPO is kept."""
        return (
            self.condition(at, "Degraded") is False
            and self.condition(at, "WithinRPO") is True
        )

    def held(self, at: Any) -> dict[str, str]:
        pod = self.site(at).place.pod
        return {
            f"{pod}::{name}": digest
            for name, digest in super().held(at).items()
        }


class SyncMovesTest(SyncCase):
    """There and back, planned and with both arrays there."""

    COVERS = frozenset(
        {
            c.Verb.CREATE,
            c.Verb.MEMBER_ADD,
            c.Verb.FAILOVER,
            c.Verb.FAILBACK,
            c.Verb.MEMBER_REMOVE,
            c.Verb.DELETE,
        }
    )

    def test_moves_in_pods(self) -> None:
        before = self.inventory()
        self.kinds = KINDS
        self.create()
        self.set_mappings()
        self.add_member()
        # what a move makes and leaves in place, it finds the next time
        self._round()
        calm = self.inventory()
        self._round(*KINDS)
        self.expect_unchanged(calm)
        self.expect_in_sync()
        self._goes_back()
        self.expect_unchanged(calm)
        self.kinds = KINDS
        self.remove_member()
        self.delete()
        self.expect_unchanged(before)

    def _goes_back(self) -> None:
        """A move that fails as late as it can."""
        self.write(self.a)
        plan = StorageUndoKills("placement.release")
        ended = self.attempt(
            self.b,
            "failover",
            lambda: self.b.run_protection_group(
                self.group_id, "failover", type="planned"
            ),
            "undo of failover",
            plan,
        )
        self.expect("fails", ended.status == "failed", ended.status)
        self.expect("engines died", len(plan.dealt) > 1, plan.dealt)
        self.arrived(self.a)

    def _round(self, *kinds: str) -> None:
        self.move("failover", self.b, *kinds)
        self.move("failback", self.a, *kinds)


class SyncDisastersTest(SyncCase):
    """Taken from a site that is well, and taken back."""

    COVERS = frozenset(
        {"unplanned failover", "unplanned failback", c.Verb.REPROTECT}
    )

    def test_disasters_in_pods(self) -> None:
        self.ask_for_reprotection()
        self.protect()
        self._round()
        calm = self.inventory()
        self._round(*KINDS)
        self.expect_unchanged(calm)
        self.expect_in_sync()

    def _round(self, *kinds: str) -> None:
        for verb, source, target in (
            ("failover", self.a, self.b),
            ("failback", self.b, self.a),
        ):
            # no point has been taken since
            self.write(source)
            self.kinds = kinds
            ended = self.take_over(target, verb)
            self.kinds = ()
            self.expect_no_loss(ended)
            self.arrived(target)


class Survivor(SyncCase):
    """The site and its array are gone, and come back."""

    def protect(self) -> None:
        """Also there and back, so that both sites have their copies."""
        super().protect()
        self.move("failover", self.b)
        self.move("failback", self.a)

    def lose(self) -> None:
        # no point has been taken since
        self.write(self.a)
        self.bed.a.close()
        place = self.bed.a.place
        for name in (place.cloud, place.array):
            self.bed.fleet.kill(name)
        self.until("missed", self._is_missed)
        self.kinds = KINDS
        ended = self.run_verb(
            "failover", self.b, "unplanned failover", type="unplanned"
        )
        self.kinds = ()
        self.expect_no_loss(ended)
        self.expect_content(self.b)

    def _is_missed(self) -> bool:
        return self.condition(self.b, "PeerReachable") is not True

    def come_back(self) -> None:
        place = self.bed.a.place
        for name in (place.array, place.cloud):
            self.bed.fleet.start(name)
        self.bed.a.serve()
        self.expect_in_sync()
        self.until(
            "the other side gave in",
            lambda: self.condition(self.b, "SourceFenced"),
        )


class InPodTest(Survivor):
    COVERS = frozenset({"unplanned failover", c.Verb.FAILBACK})

    def test_survivor_in_its_pod(self) -> None:
        self.protect()
        calm = self.inventory()
        self.lose()
        self.come_back()
        self.arrived(self.b)
        self.move("failback", self.a, *KINDS)
        self.expect_unchanged(calm)
        self.expect_in_sync()


class BesidePodTest(Survivor):
    """A survivor that takes no overwrite alone: each move there is into
    other volumes, and the old ones are left alone."""

    COVERS = frozenset({"unplanned failover", c.Verb.FAILOVER})

    def test_survivor_beside_its_pod(self) -> None:
        before = self.shape()
        self.protect()
        connect.control(
            self.bed.b.place,
            "PUT",
            "settings",
            overwrite_without_peer=False,
        )
        self.lose()
        self.come_back()
        self.until("ready", lambda: self.condition(self.b, "FailoverReady"))
        # asynchronously, as others do
        self.move("failback", self.a)
        self.move("failover", self.b, *KINDS)
        self.move("failback", self.a)
        self.expect_in_sync()
        self.remove_member()
        self.delete(discard_undo=True)
        now = self.shape()
        self.expect("nothing is gone", not before - now, before - now)
        self.expect("only they are left", now - before == LEFT, now - before)
