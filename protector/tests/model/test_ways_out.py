# SPDX-License-Identifier: Apache-2.0
"""Ways out of what random scenarios, which end by healing everything, never
stay in."""

from protector import constants as c
from protector.db import models
from protector.db.api import sites
from protector.tests import base
from protector.tests.model import bed, world


class WaysOutTest(base.TestCase):
    DEFAULT_TIMEOUT = 600

    def test_source_that_has_released_to_a_site_that_is_lost(self) -> None:
        place = self.useFixture(bed.Bed())
        place.begin(1)
        place.run(35)
        path = f"/protection-groups/{place.group_id}/action"
        body = {"failover": {"type": "planned"}}
        self.assertEqual(202, place.sites["b"].ask("POST", path, body)[0])
        self.assertTrue(place.sim.run(lambda: _released(place), 300))
        place.lose("b")
        place.run(120)
        self.assertEqual([], bed.Shown(place, "a").allowed)
        _declare_lost(place)
        place.run(120)
        shown = bed.Shown(place, "a")
        self.assertEqual("active", shown.body["status"])
        self.assertEqual(3, shown.body["epoch"])
        self.assertIn(c.Verb.REHOME, shown.allowed)
        (server,) = world.running(place, "a", "web")
        self.assertFalse(server.locked)


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
