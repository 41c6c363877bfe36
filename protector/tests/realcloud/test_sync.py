# SPDX-License-Identifier: Apache-2.0
"""The story with synchronously replicated volumes, in stretched pods."""

import dataclasses
import unittest

from protector.tests.realcloud import (
    backend,
    loss,
    residue,
    settings,
    story,
    tenancy,
)


def setUpModule() -> None:
    given = settings.read()
    names = dataclasses.replace(given.names, volume_type=backend.SYNC)
    found = tenancy.Tenancy(dataclasses.replace(given, names=names))
    found.setUp()
    unittest.addModuleCleanup(found.cleanUp)
    residue.PairTestCase.tenancy = found


class SyncStoryTest(story.StoryTestCase):
    """A group in pods goes to the other cloud and comes back."""

    def test_there_and_back(self) -> None:
        with self.timed("create group"):
            group_id = self.create_group()
        with self.timed("add three members"):
            self.add_members(group_id)
        written = self.write(self.a, self.seen(self.a, group_id))
        self.drill(group_id, written)

        with self.timed("failover"):
            # asked of the site that will not be primary: it is handed on
            key = self.at_a.begin(group_id, "failover", {"type": "planned"})
            self.at_b.finish(key, story.MOVE_SECONDS)
        there = self.seen(self.b, group_id)
        self.check_running(self.b, there)
        self.assertEqual(written, self.read(self.b, there))
        self.check_no_staging()
        moved = self.group(self.at_b, group_id)
        self.assertEqual("failed_over", moved["status"])
        self.assertEqual(self.b.id, moved["current_primary_site_id"])
        written = self.write(self.b, there)

        with self.timed("failback"):
            key = self.at_b.begin(group_id, "failback", {"type": "planned"})
            self.at_a.finish(key, story.MOVE_SECONDS)
        back = self.seen(self.a, group_id)
        self.check_running(self.a, back)
        self.check_originals(back)
        self.assertEqual(written, self.read(self.a, back))
        self.assertEqual("active", self.group(self.at_a, group_id)["status"])

        with self.timed("remove members and group"):
            self.delete_group(group_id)
        self.check_no_residue()

    @loss.needs_bed
    def test_a_site_is_lost_and_returns(self) -> None:
        self.lose_and_return()
