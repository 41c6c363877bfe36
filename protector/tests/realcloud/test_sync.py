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
        self.go_there_and_back()

    @loss.needs_bed
    def test_a_site_is_lost_and_returns(self) -> None:
        self.lose_and_return()
