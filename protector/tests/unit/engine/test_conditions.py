# SPDX-License-Identifier: Apache-2.0
"""What a group that replicates synchronously is told to be in."""

import dataclasses
import datetime

from protector import constants as c
from protector import exception
from protector.db import models
from protector.engine import conditions
from protector.storage import base as storage
from protector.tests import base

K = c.Condition
NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
ONE = storage.Status(
    True, "connected", True, True, 900, frozenset(), synchronous=True
)
RESYNCING = storage.Status(
    True,
    "resyncing",
    True,
    True,
    900,
    frozenset(),
    degraded="Pod p is resyncing.",
    synchronous=True,
)
NO_MEDIATOR = storage.Status(
    True,
    "connected",
    True,
    True,
    900,
    frozenset(),
    degraded="The mediator is away.",
    synchronous=True,
)


class SynchronousTest(base.TestCase):
    def group(self, kind: str = "sync") -> models.ProtectionGroup:
        return models.ProtectionGroup(replication_type=kind, conditions={})

    def said(
        self, group: models.ProtectionGroup, status: storage.Status | None
    ) -> dict[str, bool | None]:
        conditions.replication(group, status, NOW)
        conditions.rpo(group, None, False, 60, NOW)
        return {k: v["status"] for k, v in group.conditions.items()}

    def test_all_well_needs_no_point(self) -> None:
        group = self.group()
        found = self.said(group, ONE)
        self.assertFalse(found[K.DEGRADED])
        self.assertTrue(found[K.WITHIN_RPO])
        self.assertEqual(
            "Synchronous", group.conditions[K.WITHIN_RPO]["reason"]
        )

    def test_a_pod_that_is_not_online(self) -> None:
        group = self.group()
        found = self.said(group, RESYNCING)
        self.assertTrue(found[K.DEGRADED])
        self.assertFalse(found[K.REPLICATION_HEALTHY])
        self.assertFalse(found[K.WITHIN_RPO])
        for kind in (K.DEGRADED, K.REPLICATION_HEALTHY):
            message = group.conditions[kind]["message"]
            self.assertEqual(RESYNCING.degraded, message)

    def test_a_mediator_that_is_away(self) -> None:
        """No write is lost, but the survivor may not go on."""
        found = self.said(self.group(), NO_MEDIATOR)
        self.assertTrue(found[K.DEGRADED])
        self.assertTrue(found[K.REPLICATION_HEALTHY])

    def test_volumes_that_left_their_pod(self) -> None:
        group = self.group()
        asynchronous = dataclasses.replace(ONE, synchronous=False)
        found = self.said(group, asynchronous)
        self.assertTrue(found[K.DEGRADED])
        self.assertFalse(found[K.WITHIN_RPO])
        self.assertIn("Fail it back", group.conditions[K.DEGRADED]["message"])

    def test_volumes_that_are_not_in_the_group(self) -> None:
        group = self.group()
        inside = dataclasses.replace(ONE, volumes=frozenset({"p::v1"}))
        conditions.replication(group, inside, NOW, ["p::v1"])
        self.assertFalse(group.conditions[K.DEGRADED]["status"])
        conditions.replication(group, inside, NOW, ["p::v1", "v2"])
        self.assertTrue(group.conditions[K.DEGRADED]["status"])
        self.assertIn("v2", group.conditions[K.DEGRADED]["message"])

    def test_what_is_not_there(self) -> None:
        self.assertTrue(self.said(self.group(), None)[K.DEGRADED])

    def test_what_is_not_known(self) -> None:
        group = self.group()
        self.said(group, ONE)
        error = exception.ArrayUnavailable("no answer")
        conditions.replication_unknown(group, error, NOW)
        self.assertTrue(group.conditions[K.DEGRADED]["status"])

    def test_asynchronous_groups_are_never_degraded(self) -> None:
        group = self.group("async")
        found = self.said(group, RESYNCING)
        self.assertNotIn(K.DEGRADED, found)
        self.assertFalse(found[K.WITHIN_RPO])
