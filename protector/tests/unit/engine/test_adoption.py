# SPDX-License-Identifier: Apache-2.0
"""A site that was away takes over what the other one made of its groups."""

from typing import Any

from protector import constants as c
from protector import exception, metadata
from protector.db import models
from protector.db.api import (
    metadata_sync,
    operations,
    protection_groups,
)
from protector.db.api import sites as site_rows
from protector.engine import adoption, push, reading
from protector.engine.steps import peer as peer_steps
from protector.tests.fixtures import site_runtime
from protector.tests.unit.engine import case


class AdoptionTest(case.EngineCase):
    """The group runs here; the other site claims it in epoch 2."""

    def setUp(self) -> None:
        super().setUp()
        self.site.member(self.group_id)
        self.other = self.useFixture(
            site_runtime.SiteRuntime(peer_of=self.site)
        )
        raw = self.settle(self.runtime, self.site.local_id)
        with self.other.runtime.db.writer() as session:
            metadata_sync.receive(
                session,
                self.other.local_id,
                self.site.local_id,
                raw,
                self.clock.now(),
            )

    def settle(self, runtime: Any, site_id: str) -> bytes:
        with runtime.db.writer() as session:
            group = protection_groups.lock(session, self.group_id)
            metadata_sync.settle(session, group, site_id, self.clock.now())
            sync = metadata_sync.find(session, self.group_id)
            return sync.document.encode()

    def claim(self) -> None:
        """The other site claims the group, and has not settled it."""
        with self.other.runtime.db.writer() as session:
            group = protection_groups.lock(session, self.group_id)
            sync = metadata_sync.find(session, self.group_id)
            parent = metadata_sync.triple(sync).as_dict()
            protection_groups.claim(
                group, 2, self.other.local_id, "op", parent
            )
        self.tell()

    def take(self) -> bytes:
        """The group runs there now."""
        self.claim()
        with self.other.runtime.db.writer() as session:
            group = protection_groups.lock(session, self.group_id)
            group.current_primary_site_id = self.other.local_id
            group.status = c.GroupStatus.FAILED_OVER
        raw = self.settle(self.other.runtime, self.other.local_id)
        self.tell()
        return raw

    def tell(self) -> None:
        """What the other site holds can be asked for."""
        with self.other.runtime.db.reader() as session:
            sync = metadata_sync.find(session, self.group_id)
            group = protection_groups.get(session, self.group_id)
            self.peer.held = [
                {
                    "id": self.group_id,
                    **metadata_sync.triple(sync).as_dict(),
                    "document": sync.document,
                    "claimed_epoch": group.epoch,
                }
            ]

    def compare(self) -> None:
        adoption.at_start(self.runtime)

    def held(self) -> metadata.Triple:
        with self.runtime.db.reader() as session:
            sync = metadata_sync.find(session, self.group_id)
            return metadata_sync.triple(sync)

    def test_the_newer_epoch_is_taken_over(self) -> None:
        raw = self.take()
        self.compare()
        self.assertEqual(metadata.triple(raw), self.held())
        group = self.group()
        self.assertEqual(
            ("failed_over", self.site.peer_id, 2),
            (group.status, group.current_primary_site_id, group.epoch),
        )

    def test_what_ran_here_on_the_older_copy_ends(self) -> None:
        old = self.accept(c.Verb.REPLICATE)
        fenced = {"status": True, "reason": "Fenced"}
        self.set_group(conditions={c.Condition.SOURCE_FENCED: fenced})
        self.take()
        self.compare()
        with self.runtime.db.reader() as session:
            row = operations.get(session, old)
        self.assertEqual("cancelled", row.status)
        self.assertIsNone(self.group().operation_id)
        self.assertEqual({}, self.group().conditions)

    def test_a_move_whose_epoch_is_over_ends(self) -> None:
        """The other site has taken the group back, and not settled it."""
        move = self.accept(c.Verb.FAILOVER)
        self.set_group(epoch=3)
        for claimed, status in ((1, "pending"), (4, "cancelled")):
            self.tell()
            self.peer.held[0]["claimed_epoch"] = claimed
            self.compare()
            with self.runtime.db.reader() as session:
                row = operations.get(session, move)
            self.assertEqual(status, row.status)
        self.assertEqual("Superseded", row.error["reason"])
        group = self.group()
        self.assertEqual(("active", None), (group.status, group.operation_id))

    def test_what_was_told_is_not_given_up(self) -> None:
        move = self.accept(c.Verb.FAILOVER)
        self.tell()
        self.peer.held[0]["claimed_epoch"] = 4
        self.compare()
        with self.runtime.db.reader() as session:
            self.assertEqual("pending", operations.get(session, move).status)

    def test_nothing_happens_while_the_other_site_is_away(self) -> None:
        self.take()
        before = self.held()
        self.peer.errors["check"] = exception.PeerUnreachable("away")
        self.compare()
        self.assertEqual(before, self.held())

    def test_the_same_is_left_alone(self) -> None:
        self.tell()
        before = self.held()
        self.compare()
        self.assertIsNone(self.adopt())
        self.assertEqual(before, self.held())

    def adopt(self) -> metadata.Triple | None:
        with self.runtime.db.reader() as session:
            (site,) = site_rows.remote_sites(session)
        return adoption.adopt(self.runtime, site, self.group_id)

    def test_another_history_is_shown_and_not_taken(self) -> None:
        """A change here never got there before the site was lost."""
        self.settle(self.runtime, self.site.local_id)
        before = self.held()
        self.take()
        self.compare()
        self.assertEqual(before, self.held())
        self.assertEqual(
            (True, "TwoHistories"), self.condition(c.Condition.SPLIT)
        )
        self.assertEqual(1, self.group().epoch)

    def test_a_push_that_comes_too_late_takes_over_instead(self) -> None:
        raw = self.take()
        self.peer.errors[self.group_id] = exception.StaleDocument("older")
        held = push.deliver(self.runtime, self.group_id)
        self.assertEqual(metadata.triple(raw), held)
        self.assertEqual(self.site.peer_id, self.primary())

    def primary(self) -> str:
        return self.group().current_primary_site_id

    def test_a_push_into_another_history_is_shown(self) -> None:
        self.peer.errors[self.group_id] = exception.Split("two histories")
        self.assertRaises(
            exception.Split, push.deliver, self.runtime, self.group_id
        )
        self.assertTrue(self.condition(c.Condition.SPLIT)[0])

    def test_a_stale_push_that_finds_nothing_newer_is_told(self) -> None:
        self.tell()
        self.peer.errors[self.group_id] = exception.StaleDocument("other")
        self.assertRaises(
            exception.StaleDocument, push.deliver, self.runtime, self.group_id
        )

    def test_sync_force_by_hand_survives_what_it_finds(self) -> None:
        sync = self.accept(c.Verb.SYNC)
        self.take()
        self.assertIsNotNone(self.adopt())
        with self.runtime.db.reader() as session:
            row = session.get(models.Operation, sync)
        self.assertEqual("pending", row.status)

    # -- changes here

    def test_a_claim_ends_the_changes_here(self) -> None:
        ctx = self.step(self.accept(c.Verb.UPDATE))
        peer_steps.check(ctx)
        self.claim()
        for look in (ctx, reading.Reader.of(self.runtime, self.group_id)):
            error = self.assertRaises(
                exception.NotPrimarySite, adoption.require_newest, look
            )
            self.assertEqual(self.site.peer_id, error.details["site_id"])
        self.assertRaises(exception.NotPrimarySite, peer_steps.check, ctx)

    def test_an_own_claim_is_none(self) -> None:
        self.claim()
        self.set_group(epoch=3)
        adoption.require_newest(reading.Reader.of(self.runtime, self.group_id))

    def test_a_newer_version_is_on_its_way_from_who_makes_them(self) -> None:
        self.tell()
        self.peer.held[0]["version"] += 1
        for primary, kind in (
            (self.site.peer_id, exception.MetadataOutOfSync),
            (self.site.local_id, exception.Split),
        ):
            self.set_group(current_primary_site_id=primary)
            reader = reading.Reader.of(self.runtime, self.group_id)
            self.assertRaises(kind, adoption.require_newest, reader)
