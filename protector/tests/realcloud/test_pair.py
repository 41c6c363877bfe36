# SPDX-License-Identifier: Apache-2.0
"""What is tested on the pair of clouds: the story, and the documented page.

One module, as the pair is made once for all of it.
"""

import unittest

from protector.tests.page import examples, issues, usage
from protector.tests.realcloud import (
    loss,
    page_bed,
    processes,
    residue,
    settings,
    story,
    tenancy,
)

SLOW_MS = 700
"""Makes a step that works on an array long enough to be met in it."""
STEP_SECONDS = 240
RECOVERY_SECONDS = 600


def setUpModule() -> None:
    found = tenancy.Tenancy(settings.read())
    found.setUp()
    unittest.addModuleCleanup(found.cleanUp)
    residue.PairTestCase.tenancy = found


class StoryTest(story.StoryTestCase):
    """A group of servers goes to the other cloud and comes back."""

    @loss.needs_bed
    def test_a_site_is_lost_and_returns(self) -> None:
        self.lose_and_return()

    def test_the_engine_is_killed_while_it_overwrites(self) -> None:
        group_id = self.create_group()
        self.add_members(group_id)
        written = self.write(self.a, self.seen(self.a, group_id))
        self.drill(group_id, written)
        array = self.pair.arrays.b
        array.tune(latency_ms=SLOW_MS)
        self.addCleanup(array.tune, latency_ms=0)

        key = self.at_b.begin(group_id, "failover", {"type": "planned"})
        processes.wait_until(
            lambda: self.at_b.running(key, "volumes.overwrite"),
            STEP_SECONDS,
            pause=0.2,
        )
        self.b.kill_engine()
        array.tune(latency_ms=0)
        self.assertEqual("running", self.at_b.operation(key)["status"])
        with self.timed("recovery after SIGKILL"):
            self.b.start_engine()
            self.b.wait()
            done = self.at_b.finish(key, RECOVERY_SECONDS)
        attempts = [
            row["attempt"]
            for row in done["steps"]
            if row["name"] == "volumes.overwrite"
        ]
        self.assertGreater(max(attempts), 1, "it was not met while it ran")

        there = self.seen(self.b, group_id)
        self.check_running(self.b, there)
        self.assertEqual(written, self.read(self.b, there))
        self.check_no_staging()
        key = self.at_b.begin(group_id, "failback", {"type": "planned"})
        self.at_a.finish(key, story.MOVE_SECONDS)
        back = self.seen(self.a, group_id)
        self.check_running(self.a, back)
        self.check_originals(back)
        self.assertEqual(written, self.read(self.a, back))
        self.delete_group(group_id)
        self.check_no_residue()


class PageTest(
    residue.PairTestCase, usage.Usage, examples.Examples, issues.Issues
):
    """The documented page, walked from top to bottom."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.begin(page_bed.RealBed(cls.tenancy))

    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(self.check_no_residue)

    def test_nothing_is_left_out(self) -> None:
        self.check_nothing_left_out()
