# SPDX-License-Identifier: Apache-2.0
"""A site whose database went back to before it took its group back: the
server runs there that its records call parked.  Nothing guesses which copy is
the right one; it is shown at both sites, and each choice leads out."""

from typing import Any

from protector import constants as c
from protector.db.api import protection_groups
from protector.engine import conditions
from protector.tests import base
from protector.tests.model import bed, endings, invariants, links, world

TOKEN = 1
# both sites have looked at each other by then
SHOWN_SECONDS = 120


class ParkedRunsTest(base.TestCase):
    DEFAULT_TIMEOUT = 600

    def test_it_is_shown_at_both_sites(self) -> None:
        self._forgotten()
        own = self._told("a")
        self.assertEqual((False, "ParkedServerRuns"), own[:2])
        for word in (self.original, "site-a", "shelve", "failback", "parked"):
            self.assertIn(word, own[2])
        other = self._told("b")
        self.assertIs(False, other[0])
        self.assertIn("site-a", other[2])
        # both run on
        for letter in "ab":
            self.assertEqual(1, len(world.running(self.place, letter, "web")))

    def test_only_told_so_it_is_excused(self) -> None:
        """By both sites, each with its own reason."""
        self._forgotten()
        self.place.run(invariants.CONTACT_SECONDS)
        self.watch.check()
        for letter in "ab":
            db = self.place.sites[letter].runtime.db
            with db.writer() as session:
                group = protection_groups.lock(session, self.place.group_id)
                told = group.conditions
                now = self.place.sites[letter].runtime.clock.now()
                conditions.fenced(group, ["web"], now)
            self.assertRaises(invariants.Violation, self.watch.check)
            with db.writer() as session:
                group = protection_groups.lock(session, self.place.group_id)
                group.conditions = told
            self.watch.check()

    def test_its_owner_stops_it(self) -> None:
        self._forgotten()
        self.place.clouds["a"].compute.stop(self.original)
        self.place.run(SHOWN_SECONDS)
        self._is_fenced()

    def test_its_owner_shelves_it_and_moves_back(self) -> None:
        """What it wrote meanwhile is in an undo copy."""
        self._forgotten()
        self._write()
        self.place.clouds["a"].compute.shelve(self.original)
        self.place.run(SHOWN_SECONDS)
        self._is_fenced()
        last = self._move({"type": "planned"})
        self.assertEqual("completed", last.status, last.error)
        self._runs_at_a()
        self.assertNotIn(TOKEN, world.contents(self.place, "a", self.original))
        self.assertEqual(["web"], last.data["undo"]["members"])
        self.watch.check()

    def test_it_is_the_one_that_is_kept(self) -> None:
        """The group is taken as it is, without a break."""
        self._forgotten()
        self._keep()

    def _keep(self) -> None:
        self._write()
        parked = {"recovery_point": c.PARKED_POINT}
        last = self._move({"type": "unplanned", "confirm": True, **parked})
        self.assertEqual("completed", last.status, last.error)
        self._runs_at_a()
        held = world.contents(self.place, "a", self.original)
        self.assertIn(TOKEN, held)
        self.assertIs(True, self._told("a")[0])

    def _write(self) -> None:
        """By the guest of the original."""
        cloud = self.place.clouds["a"]
        (disk, *_) = cloud.compute.disks[self.original]
        cloud.volume.on_array(disk.volume_id).content |= {TOKEN}
        self.watch.written.add(TOKEN)

    def test_a_move_from_a_point_refuses_it(self) -> None:
        self._forgotten()
        self._is_refused({"type": "unplanned", "confirm": True})

    def test_a_planned_move_refuses_it(self) -> None:
        self._forgotten()
        self._is_refused({"type": "planned"})

    def _is_refused(self, args: Any) -> None:
        """By name and with a remedy, which leads on."""
        last = self._move(args)
        self.assertEqual("failed", last.status)
        self.assertIn(self.original, last.error["message"])
        self.assertIn("shelve", last.error["remedy"].lower())
        self.place.clouds["a"].compute.shelve(self.original)
        self.place.run(SHOWN_SECONDS)
        self.assertIs(True, self._told("a")[0])
        path = f"/operations/{last.id}/action"
        answer = self.place.sites["a"].ask("POST", path, {"retry": {}})
        self.assertLess(answer[0], 300, answer)
        self.place.settle()
        self._runs_at_a()

    def test_it_comes_to_a_good_end(self) -> None:
        self._forgotten()
        endings.end_well(self.place, self.watch)

    def test_what_was_fenced_is_shown_when_it_runs_again(self) -> None:
        self._unlocked()
        own = self._told("a")
        self.assertEqual((False, "ParkedServerRuns"), own[:2])
        self.assertEqual((False, "NotFencedThere"), self._told("b")[:2])
        for letter in "ab":
            self.assertEqual(1, len(world.running(self.place, letter, "web")))
        self.place.clouds["a"].compute.stop(self.original)
        self.place.run(SHOWN_SECONDS)
        self._is_fenced()

    def test_what_was_fenced_is_kept(self) -> None:
        self._unlocked()
        self._keep()

    def test_the_other_copy_that_it_stopped_is_shown(self) -> None:
        """What is forgotten had reached the other cloud."""
        copy = self._stopped()
        for letter in "ab":
            (found,) = self._findings(letter, "LiveServerHeld")
            for word in (copy.id, "site-b", "site-a", "failback", "unlock"):
                self.assertIn(word, found["message"] + found["fix"])

    def test_the_other_copy_is_started_as_it_is_said(self) -> None:
        copy = self._stopped()
        self.place.clouds["a"].compute.shelve(self.original)
        compute = self.place.clouds["b"].compute
        compute.unlock(copy.id)
        compute.start(copy.id)
        self.place.run(SHOWN_SECONDS)
        self._is_fenced()
        for letter in "ab":
            self.assertEqual([], self._findings(letter, "LiveServerHeld"))
        (server,) = world.running(self.place, "b", "web")
        self.assertEqual((copy.id, False), (server.id, server.locked))
        last = self._move({"type": "planned"})
        self.assertEqual("completed", last.status, last.error)
        self._runs_at_a()

    def test_the_group_is_taken_as_it_is_said(self) -> None:
        self._stopped()
        self._keep()

    def _stopped(self) -> Any:
        """The copy at site b, which a's forgotten move stopped."""
        self._forgotten(links.PEER)
        self.assertEqual([], world.running(self.place, "b", "web"))
        servers = self.place.clouds["b"].compute.rows.values()
        (copy,) = (s for s in servers if s.locked)
        return copy

    def _findings(self, letter: str, code: str) -> list[Any]:
        """As the health of the group shows them at a site."""
        path = f"/protection-groups/{self.place.group_id}/health"
        status, body = self.place.sites[letter].ask("GET", path)
        self.assertEqual(200, status, body)
        found = body["health"]["findings"]
        return [f for f in found if f["code"] == code]

    def _begin(self) -> None:
        self.place = self.useFixture(bed.Bed())
        self.place.begin(1)
        self.watch = invariants.Watch(self.place)
        self.place.run(35)
        self.original = self.place.servers["web"]

    def _unlocked(self) -> None:
        """Site b takes the group while it is alone; somebody at a starts
        what was fenced there since."""
        self._begin()
        self.place.run(300)
        self.place.cut(*links.KINDS)
        unplanned = {"type": "unplanned", "confirm": True}
        self._ask("b", c.Verb.FAILOVER, unplanned)
        self.place.run(300)
        self.place.cut()
        self.place.run(300)
        self._is_fenced()
        compute = self.place.clouds["a"].compute
        self.assertTrue(compute.get_server(self.original).locked)
        compute.unlock(self.original)
        compute.start(self.original)
        self.place.run(SHOWN_SECONDS)

    def _forgotten(self, *cut: str) -> None:
        """Site a takes the group back while it is alone, and forgets it.

        :param cut: what leads nowhere meanwhile; all.
        """
        self._begin()
        self._ask("b", c.Verb.FAILOVER, {"type": "planned"})
        self.place.settle()
        self.place.run(60)
        self.place.sites["a"].back_up()
        self.place.cut(*cut or links.KINDS)
        back = {"type": "unplanned", "confirm": True}
        self._ask("a", c.Verb.FAILBACK, back | {"recovery_point": "parked"})
        self.place.run(300)
        self.assertEqual("active", bed.Shown(self.place, "a").body["status"])
        self.place.restore("a")
        self.watch.restored("a")
        self.place.cut()
        self.place.run(SHOWN_SECONDS)
        self.watch.check()

    def _ask(self, letter: str, verb: str, args: Any) -> None:
        path = f"/protection-groups/{self.place.group_id}/action"
        answer = self.place.sites[letter].ask("POST", path, {str(verb): args})
        self.assertEqual(202, answer[0], answer)

    def _move(self, args: Any) -> Any:
        self._ask("a", c.Verb.FAILBACK, args)
        self.place.settle()
        return world.held(self.place, "a").operations[-1]

    def _told(self, letter: str) -> tuple[bool | None, str, str]:
        (found,) = (
            found
            for found in bed.Shown(self.place, letter).body["conditions"]
            if found["type"] == c.Condition.SOURCE_FENCED
        )
        return found["status"], found["reason"], found["message"]

    def _is_fenced(self) -> None:
        for letter in "ab":
            self.assertEqual((True, "Fenced"), self._told(letter)[:2])

    def _runs_at_a(self) -> None:
        self.place.run(300)
        shown = bed.Shown(self.place, "a")
        self.assertEqual("active", shown.body["status"])
        (server,) = world.running(self.place, "a", "web")
        self.assertEqual((self.original, False), (server.id, server.locked))
        self.assertEqual([], world.running(self.place, "b", "web"))
