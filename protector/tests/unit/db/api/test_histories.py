# SPDX-License-Identifier: Apache-2.0
"""When what two sites hold of a group is no longer one history."""

from protector import metadata
from protector.db import models
from protector.db.api import histories
from protector.tests import base

HERE, THERE = "site-here", "site-there"
FIRST = metadata.Triple(1, 3, "c-1")


class DivergenceTest(base.TestCase):
    """This site runs the group by what it holds."""

    def split(self, epoch: int, theirs: metadata.Triple) -> str | None:
        group = models.ProtectionGroup(
            epoch=epoch,
            primary_site_id=HERE,
            secondary_site_id=THERE,
            current_primary_site_id=HERE,
            claim={"parent": FIRST.as_dict()},
        )
        sync = models.MetadataSync(**FIRST.as_dict())
        return histories.divergence(group, sync, theirs, HERE).split

    def test_a_claim_above_what_it_never_heard_of(self) -> None:
        """The other site settled an epoch after this one claimed above it:
        neither grows out of the other."""
        settled = metadata.Triple(2, 4, "c-2")
        self.assertEqual("TwoHistories", self.split(3, settled))

    def test_a_claim_whose_settling_it_has_forgotten(self) -> None:
        """Nobody but this site settles an epoch of its own first."""
        settled = metadata.Triple(3, 4, "c-2")
        self.assertEqual("PeerIsAhead", self.split(3, settled))

    def test_what_goes_on_elsewhere_is_none(self) -> None:
        self.assertIsNone(self.split(1, metadata.Triple(2, 4, "c-2")))
        self.assertIsNone(self.split(3, FIRST))
