# SPDX-License-Identifier: Apache-2.0
"""The engine dies where something is given up on the way: a drill that takes
the room of a real move or goes with its group, and undo copies that their
user discards.

The rounds of all workflows come through those steps with nothing to give up.
"""

from collections.abc import Callable
from typing import Any

from openstack import exceptions as errors
import requests

from protector import constants as c
from protector.sandbox import connect, evidence, workload
from protector.tests.failure import bed, kills, mortal, tour

SERVERS = (
    workload.Plan("web-server-1", "web", 2),
    workload.Plan("app-server-1", "app", 1),
)
DISCARDS = {
    c.Verb.MEMBER_REMOVE: "members.discard_undo",
    c.Verb.SOURCE_CLEANUP: "cleanup.discard_undo",
    c.Verb.DELETE: "volumes.discard_undo",
}


class GivingUp(kills.Kills):
    """Those at the steps of drills, of the cleanup that a move asks for, too,
    and at those that discard undo copies."""

    def ends(self, moment: mortal.Moment) -> bool:
        step = moment.step
        gives_up = step.startswith("drills.") or step.endswith("discard_undo")
        return gives_up and super().ends(moment)


class GivenUpCase(tour.Tour):
    def plan(self, name: str) -> mortal.Plan:
        return GivingUp(*self.kinds)

    def calmly(self, verb: str, at: Any, **args: Any) -> None:
        self.kinds = ()
        self.run_verb(verb, at, **args)

    def met(self, workflow: str, step: str, *kinds: str) -> None:
        """Engines died at these kinds of moments of a step."""
        found = {row[1] for row in self.rows if row[:3:2] == [workflow, step]}
        self.expect(f"died in {step}", found >= set(kinds), self.rows)


class DrillTest(GivenUpCase):
    def make_bed(self) -> Any:
        return self.useFixture(bed.Bed(SERVERS))

    def setUp(self) -> None:
        super().setUp()
        self.protect()
        self.write(self.a)

    def drill(self) -> None:
        self.calmly(c.Verb.TEST_FAILOVER, self.b)
        self.expect("clones run", self.clones())

    def clones(self) -> list[str]:
        cloud = self.bed.clients["site-b"]
        names = [server.name for server in cloud.compute.servers()]
        return [name for name in names if name.endswith("-test")]

    def allow(self, **quota: int) -> None:
        """What the second cloud has room for, of instances."""
        requests.put(
            f"{self.bed.b.place.cloud_url}/control/settings",
            json={"quotas": {"compute": quota}},
            timeout=connect.TIMEOUT,
        ).raise_for_status()

    def test_it_gives_its_room_to_a_move(self) -> None:
        self.drill()
        self.allow(instances=len(SERVERS))
        self.kinds = kills.KINDS
        self.run_verb("failover", self.b, type="planned")
        self.expect("the drill has ended", not self.clones(), self.clones())
        self.expect_content(self.b)
        # which asks an operation of its own to do it
        self.met("failover", "drills.make_room", "after", "recorded")
        self.met("failover", "drills.drop", *kills.KINDS)
        self.calmly("failback", self.a, type="planned")
        once = self.inventory()
        # which has no drill, and makes nothing any more
        self.calmly("failover", self.b, type="planned")
        self.calmly("failback", self.a, type="planned")
        self.expect_unchanged(once)
        self.expect_in_sync()

    def test_it_goes_with_its_group(self) -> None:
        self.drill()
        for member in list(self.a.members(self.group_id)):
            self.carry_out(
                self.a,
                c.Verb.MEMBER_REMOVE,
                lambda m=member: self.a.remove_member(self.group_id, m.id),
            )
        self.kinds = kills.KINDS
        self.delete()
        self.expect("the drill has ended", not self.clones(), self.clones())
        self.met(c.Verb.DELETE, "drills.clear", *kills.KINDS)


class UndoCopiesTest(GivenUpCase):
    """Content that existed nowhere else when a move overwrote it, and that
    its user gives up with the volumes that it is a part of."""

    def test_they_are_discarded(self) -> None:
        self.ask_for_reprotection()
        before = self.shape()
        self.protect()
        self.leave_behind("failover", self.b, "failback", self.a)
        self.calmly("failover", self.b, type="planned")
        self.discard(c.Verb.SOURCE_CLEANUP, self.b, self.a, self.clean_up)
        # to originals that are made anew
        self.calmly("failback", self.a, type="planned")
        self.expect_content(self.a)
        # those at home are the user's, and stay where the member leaves
        self.leave_behind("failover", self.b, "failback", self.a)
        self.calmly("failover", self.b, type="planned")
        self.leave_behind("failback", self.a, "failover", self.b)
        self.calmly("failback", self.a, type="planned")
        self.discard(c.Verb.MEMBER_REMOVE, self.a, self.b, self.let_go)
        self.discard(c.Verb.DELETE, self.a, self.a, self.delete_group)
        self.expect("all is there once", before == self.shape())

    def leave_behind(self, verb: str, at: Any, back: str, home: Any) -> None:
        """What was written at home last is in an undo copy there."""
        self.kinds = ()
        self.write(home)
        self.take_over(at, verb)
        self.write(at)
        self.run_verb(back, home, type="planned")
        self.expect_content(home)

    def undo_copies(self, at: Any) -> list[str]:
        rows, _ = evidence.array_inventory(self.site(at).place)
        return [name for name in rows["snapshots"] if ".undo-" in name]

    def discard(
        self, verb: str, at: Any, where: Any, start: Callable[[bool], Any]
    ) -> None:
        """It is refused as long as nobody gives them up; then they go, at
        whatever moment engines die.

        :param where: the site at whose array they are.
        """
        kept = self.undo_copies(where)
        self.expect("undo copies", kept)
        refused = self.assertRaises(errors.HttpException, start, False)
        self.expect("refused", refused.status_code == 409, refused)
        self.expect("kept", kept == self.undo_copies(where))
        self.kinds = kills.KINDS
        self.carry_out(at, verb, lambda: start(True))
        self.kinds = ()
        left = self.undo_copies(where)
        self.expect("they went", not left, left)
        self.met(verb, DISCARDS[verb], *kills.KINDS)

    def let_go(self, discard: bool) -> Any:
        (member,) = self.a.members(self.group_id)
        return self.a.remove_member(
            self.group_id, member.id, discard_undo=discard
        )

    def clean_up(self, discard: bool) -> Any:
        return self.b.run_protection_group(
            self.group_id, c.Verb.SOURCE_CLEANUP, discard_undo=discard
        )

    def delete_group(self, discard: bool) -> Any:
        return self.a.delete_protection_group(
            self.group_id, discard_undo=discard
        )
