# SPDX-License-Identifier: Apache-2.0
"""Ways out of what random scenarios, which end by healing everything, never
stay in."""

from typing import Any

from protector import constants as c
from protector.db import models
from protector.db.api import sites
from protector.tests import base
from protector.tests.model import bed, endings, links, world


class WaysOutTest(base.TestCase):
    DEFAULT_TIMEOUT = 600

    def test_source_that_has_released_to_a_site_that_is_lost(self) -> None:
        place = self._released_to_a_lost_site()
        allowed = bed.Shown(place, "a").allowed
        self.assertEqual(["unplanned_failback"], allowed)
        _declare_lost(place)
        place.run(120)
        self._is_back(place)
        self.assertIn(c.Verb.REHOME, bed.Shown(place, "a").allowed)

    def test_source_that_takes_back_what_it_has_released(self) -> None:
        place = self._released_to_a_lost_site()
        path = f"/protection-groups/{place.group_id}/action"
        body = {"failback": {"type": "unplanned"}}
        self.assertEqual(202, place.sites["a"].ask("POST", path, body)[0])
        place.until("it runs at a", lambda: _is_active(place), 600)
        self._is_back(place)

    def test_source_that_has_released_to_a_site_that_forgot_it(self) -> None:
        """What the group offers there brings it back."""
        place = self.useFixture(bed.Bed())
        place.begin(1)
        place.run(35)
        place.sites["b"].back_up()
        path = f"/protection-groups/{place.group_id}/action"
        body: dict[str, Any] = {"failover": {"type": "planned"}}
        self.assertEqual(202, place.sites["b"].ask("POST", path, body)[0])
        self.assertTrue(place.sim.run(lambda: _released(place), 300))
        self.assertTrue(place.restore("b"))
        place.run(900)
        allowed = bed.Shown(place, "a").allowed
        self.assertEqual(["unplanned_failback"], allowed)
        body = {"failback": {"type": "unplanned", "confirm": True}}
        self.assertEqual(202, place.sites["a"].ask("POST", path, body)[0])
        place.until("it runs at a", lambda: _is_active(place), 600)
        place.run(300)
        for letter in "ab":
            shown = bed.Shown(place, letter)
            self.assertTrue(shown.holds(c.Condition.METADATA_IN_SYNC))
            self.assertFalse(shown.holds(c.Condition.SPLIT))
            held = world.held(place, letter)
            self.assertEqual([], held.running)
        self._is_back(place)
        self.assertEqual([], world.running(place, "b", "web"))

    def test_drill_that_its_own_site_has_forgotten(self) -> None:
        place = self.useFixture(bed.Bed())
        place.begin(1)
        place.run(35)
        place.sites["b"].back_up()
        path = f"/protection-groups/{place.group_id}/action"
        body = {"test_failover": {}}
        self.assertEqual(202, place.sites["a"].ask("POST", path, body)[0])
        place.until("the drill is told of", lambda: _drill(place) == "running")
        self.assertTrue(place.restore("b"))
        place.run(300)
        self.assertEqual("ended", _drill(place))
        body = {"test_failover": {}}
        self.assertEqual(202, place.sites["a"].ask("POST", path, body)[0])

    def test_addition_that_the_other_site_never_heard_of(self) -> None:
        """Its copies are told of where it is known that they were made."""
        place = self.useFixture(bed.Bed())
        place.begin(1)
        place.run(35)
        self._add(place)
        self.assertTrue(place.sim.run(lambda: self._copies(place), 60))
        place.lose("a")
        self._take_over(place)
        place.find()
        place.start()
        place.run(900)
        (own,) = place.clouds["a"].compute.disks[place.servers["db"]]
        left = {own.volume_id, *self._copies(place)}
        for letter in "ab":
            told = endings.residue(world.held(place, letter))
            self.assertLessEqual(left, told)

    def test_addition_that_goes_on_after_the_other_site_took_over(
        self,
    ) -> None:
        """It makes no second history, and what it leaves is told of."""
        place = self.useFixture(bed.Bed())
        place.begin(1)
        place.run(35)
        self._add(place)
        self.assertTrue(place.sim.run(lambda: self._copies(place), 60))
        place.cut(*links.KINDS)
        self._take_over(place)
        place.cut()
        place.run(900)
        for letter in "ab":
            shown = bed.Shown(place, letter)
            self.assertFalse(shown.holds(c.Condition.SPLIT))
            self.assertEqual(2, shown.body["epoch"])
            told = endings.residue(world.held(place, letter))
            self.assertLessEqual(set(self._copies(place)), told)

    def _add(self, place: bed.Bed) -> None:
        path = f"/protection-groups/{place.group_id}/members"
        body = {"member": {"instance_id": place.servers["db"]}}
        self.assertEqual(202, place.sites["a"].ask("POST", path, body)[0])

    def _copies(self, place: bed.Bed) -> list[str]:
        """Ids of the volumes that were made for it."""
        rows = place.clouds["b"].volume.rows.values()
        return [v.id for v in rows if v.name.startswith("db")]

    def _take_over(self, place: bed.Bed) -> None:
        path = f"/protection-groups/{place.group_id}/action"
        body = {"failover": {"type": "unplanned", "confirm": True}}
        self.assertEqual(202, place.sites["b"].ask("POST", path, body)[0])
        place.run(300)

    def test_member_that_was_left_behind_and_is_removed(self) -> None:
        place = self._left_behind()
        (copy,) = self._copies(place)
        held = world.held(place, "b")
        (db,) = (m for m in held.members if m.instance_name == "db")
        path = f"/protection-groups/{place.group_id}/members/{db.id}"
        self.assertIn(place.sites["b"].ask("DELETE", path)[0], (202, 204))
        place.run(300)
        self.assertNotIn(copy, place.clouds["b"].volume.rows)
        self.assertFalse(bed.Shown(place, "b").holds(c.Condition.PARTIAL))
        (server,) = world.running(place, "a", "db")
        self.assertFalse(server.locked)

    def test_member_that_was_left_behind_and_is_gone_back_to(self) -> None:
        place = self._left_behind()
        path = f"/protection-groups/{place.group_id}/action"
        body = {"failback": {"type": "planned"}}
        self.assertEqual(202, place.sites["b"].ask("POST", path, body)[0])
        place.until("it runs at a", lambda: _is_active(place), 600)
        place.run(300)
        for letter in "ab":
            shown = bed.Shown(place, letter)
            self.assertFalse(shown.holds(c.Condition.PARTIAL))

    def _left_behind(self) -> bed.Bed:
        """The site was lost before the first point with the member came."""
        place = self.useFixture(bed.Bed())
        place.begin(1)
        place.run(35)
        self._add(place)
        held = lambda: len(world.held(place, "b").members) == 2  # noqa: E731
        self.assertTrue(place.sim.run(held, 60))
        place.lose("a")
        self._take_over(place)
        place.find()
        place.start()
        place.run(900)
        shown = bed.Shown(place, "b")
        self.assertTrue(shown.holds(c.Condition.PARTIAL))
        return place

    def _released_to_a_lost_site(self) -> bed.Bed:
        place = self.useFixture(bed.Bed())
        place.begin(1)
        place.run(35)
        path = f"/protection-groups/{place.group_id}/action"
        body = {"failover": {"type": "planned"}}
        self.assertEqual(202, place.sites["b"].ask("POST", path, body)[0])
        self.assertTrue(place.sim.run(lambda: _released(place), 300))
        place.lose("b")
        place.run(120)
        return place

    def _is_back(self, place: bed.Bed) -> None:
        shown = bed.Shown(place, "a")
        self.assertEqual("active", shown.body["status"])
        self.assertEqual(3, shown.body["epoch"])
        (server,) = world.running(place, "a", "web")
        self.assertFalse(server.locked)


def _drill(place: bed.Bed) -> str | None:
    """Its status, as the site shows it that did not start it."""
    found = bed.Shown(place, "a").body["drill"] or {}
    return found.get("status")


def _is_active(place: bed.Bed) -> bool:
    return bool(bed.Shown(place, "a").body["status"] == "active")


def _released(place: bed.Bed) -> bool:
    with place.sites["a"].runtime.db.reader() as session:
        return any(
            lock.released_epoch for lock in session.query(models.SourceLock)
        )


def _declare_lost(place: bed.Bed) -> None:
    site, lost = place.sites["a"], place.sites["b"].site_id
    now = site.runtime.clock.now()
    with site.runtime.db.writer() as session:
        sites.declare_lost(session, now, sites.get(session, lost), "u-1")
