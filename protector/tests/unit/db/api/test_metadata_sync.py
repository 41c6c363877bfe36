# SPDX-License-Identifier: Apache-2.0
"""Which document wins, and what the peer is known to hold."""

import datetime
import json
import threading
from typing import Any

from protector import constants as c
from protector import exception, metadata
from protector.db import models
from protector.db.api import metadata_sync, protection_groups, source_locks
from protector.tests.fixtures import site_runtime
from protector.tests.unit.db.api import database

NOW = database.NOW


def after(seconds: float) -> datetime.datetime:
    return NOW + datetime.timedelta(seconds=seconds)


class MetadataSyncTest(database.DatabaseTest):
    def setUp(self) -> None:
        super().setUp()
        self.group_id = self.site.group()

    def settle(
        self, site: site_runtime.SiteRuntime | None = None, **values: Any
    ) -> bytes:
        """A settled change at the primary; the document's bytes."""
        site = site or self.site
        with site.runtime.db.writer() as session:
            group = protection_groups.lock(session, self.group_id)
            for name, value in values.items():
                setattr(group, name, value)
            metadata_sync.settle(session, group, site.local_id, NOW)
            sync = metadata_sync.find(session, self.group_id)
            return sync.document.encode()

    def sync(
        self, site: site_runtime.SiteRuntime | None = None
    ) -> models.MetadataSync:
        with (site or self.site).runtime.db.reader() as session:
            return metadata_sync.find(session, self.group_id)


class SettleTest(MetadataSyncTest):
    def test_versions_count_up_from_one_over_the_exact_bytes(self) -> None:
        for version in (1, 2, 3):
            raw = self.settle(description=f"ä{version}")
            sync = self.sync()
            self.assertEqual((1, version), (sync.epoch, sync.version))
            self.assertEqual(metadata.checksum(raw), sync.checksum)
            self.assertEqual(version, json.loads(raw)["version"])
            self.assertEqual("pending", sync.remote_status)
        self.assertEqual(3, self.group_row(self.group_id).metadata_version)

    def test_what_was_changed_in_the_transaction_is_in_it(self) -> None:
        member_id = self.site.member(self.group_id)
        with self.db.writer() as session:
            group = protection_groups.lock(session, self.group_id)
            member = session.get(models.Member, member_id)
            member.volumes[0].size_gb = 77
            metadata_sync.settle(session, group, self.site.local_id, NOW)
        document = json.loads(self.sync().document)
        self.assertEqual(77, document["members"][0]["volumes"][0]["size_gb"])


class ReceiveTest(MetadataSyncTest):
    def setUp(self) -> None:
        super().setUp()
        self.other = self.peer()

    def receive(
        self, raw: bytes, site: site_runtime.SiteRuntime | None = None
    ) -> metadata.Triple:
        site = site or self.other
        with site.runtime.db.writer() as session:
            return metadata_sync.receive(
                session, site.local_id, site.peer_id, raw, NOW
            )

    def there(self) -> models.ProtectionGroup:
        with self.other.runtime.db.reader() as session:
            return session.get(models.ProtectionGroup, self.group_id)

    def set_there(self, **values: Any) -> None:
        with self.other.runtime.db.writer() as session:
            group = session.get(models.ProtectionGroup, self.group_id)
            for name, value in values.items():
                setattr(group, name, value)

    def claimed(self, epoch: int, parent: Any) -> bytes:
        """The other site claims on ``parent`` and settles there."""
        with self.other.runtime.db.writer() as session:
            group = protection_groups.lock(session, self.group_id)
            protection_groups.claim(
                group, epoch, self.other.local_id, database.new_id(), parent
            )
            group.current_primary_site_id = self.other.local_id
            group.status = c.GroupStatus.FAILED_OVER
        return self.settle(self.other)

    def held(self, site: site_runtime.SiteRuntime) -> metadata.Triple:
        found = metadata_sync.triple(self.sync(site))
        assert found is not None
        return found

    def test_stored_verbatim_and_known_to_be_in_sync(self) -> None:
        # other white space and order than this release would write
        document = json.loads(self.settle())
        raw = json.dumps(dict(reversed(document.items())), indent=1).encode()
        self.assertEqual(metadata.triple(raw), self.receive(raw))
        sync = self.sync(self.other)
        self.assertEqual(raw.decode(), sync.document)
        self.assertEqual(metadata.checksum(raw), sync.checksum)
        self.assertEqual("synced", sync.remote_status)
        self.assertEqual(sync.checksum, sync.remote_checksum)
        self.assertIsNone(sync.next_attempt_at)

    def test_the_same_again_changes_nothing(self) -> None:
        raw = self.settle()
        first = self.receive(raw)
        self.set_there(status="error", error_verb="failover")
        self.assertEqual(first, self.receive(raw))
        self.assertEqual("error", self.there().status)

    def test_older_is_refused_with_what_is_held_here(self) -> None:
        old, new = self.settle(), self.settle(description="new")
        held = self.receive(new)
        error = self.assertRaises(exception.StaleDocument, self.receive, old)
        self.assertEqual(held.as_dict(), error.details)
        self.assertEqual("new", self.there().description)
        self.assertEqual(held, self.held(self.other))

    def test_the_same_version_with_other_bytes_is_refused(self) -> None:
        raw = self.settle()
        held = self.receive(raw)
        other = raw.replace(b'"description":""', b'"description":"x"')
        self.assertNotEqual(raw, other)
        error = self.assertRaises(exception.StaleDocument, self.receive, other)
        self.assertEqual(held.as_dict(), error.details)
        self.assertEqual("", self.there().description)

    def test_what_is_no_document_is_refused(self) -> None:
        for raw in (b"", b"\xff", b"{", b"[]", b'{"epoch":"x","version":1}'):
            self.assertRaises(exception.BadRequest, self.receive, raw)

    def test_a_claim_on_what_this_site_holds_is_taken(self) -> None:
        """A planned move: the source answered its own triple."""
        self.receive(self.settle())
        parent = self.held(self.site).as_dict()
        raw = self.claimed(2, parent)
        with self.db.writer() as session:
            source_locks.take(
                session, self.group_id, "op", self.other.local_id, 120
            )
            source_locks.release(session, self.group_id, "op", 2)
        self.set_group(self.group_id, operation_id="op", error_verb="failover")
        self.receive(raw, self.site)
        group = self.group_row(self.group_id)
        self.assertEqual(
            (2, 2, 2, "failed_over", self.other.local_id, None, None),
            (
                group.epoch,
                group.epoch_seen,
                group.metadata_version,
                group.status,
                group.current_primary_site_id,
                group.operation_id,
                group.error_verb,
            ),
        )
        self.assertEqual(parent, group.claim["parent"])
        with self.db.reader() as session:
            self.assertIsNone(source_locks.find(session, self.group_id))

    def test_what_comes_later_in_an_epoch_is_fenced_anew(self) -> None:
        """Its server runs here yet, as nothing ran in its place there."""
        member_id = self.site.member(self.group_id)
        self.receive(self.settle())
        raw = self.claimed(2, self.held(self.other).as_dict())
        self.receive(raw, self.site)
        fenced = {"status": True, "reason": "Fenced", "message": ""}
        with self.site.runtime.db.writer() as session:
            group = session.get(models.ProtectionGroup, self.group_id)
            group.conditions = {c.Condition.SOURCE_FENCED: fenced}
        self.receive(self.settle(self.other, description="x"), self.site)
        kept = self.group_row(self.group_id).conditions
        self.assertEqual({c.Condition.SOURCE_FENCED: fenced}, kept)
        with self.other.runtime.db.writer() as session:
            copy = session.get(models.Member, member_id).copy(
                self.other.local_id
            )
            copy.role, copy.server_id = c.CopyRole.LIVE, database.new_id()
        self.receive(self.settle(self.other), self.site)
        self.assertEqual({}, self.group_row(self.group_id).conditions)

    def test_a_claim_on_an_older_history_is_a_split(self) -> None:
        self.receive(self.settle())
        parent = self.held(self.site).as_dict()
        raw = self.claimed(2, parent)
        self.settle(description="only here")
        held = self.held(self.site)
        error = self.assertRaises(
            exception.Split, self.receive, raw, self.site
        )
        self.assertEqual(held.as_dict(), error.details["mine"])
        self.assertEqual(parent, error.details["parent"])
        group = self.group_row(self.group_id)
        self.assertEqual((1, "only here"), (group.epoch, group.description))
        self.assertEqual(held, self.held(self.site))

    def test_the_parent_has_to_match_by_its_checksum_too(self) -> None:
        self.receive(self.settle())
        parent = self.held(self.site).as_dict() | {"checksum": "0" * 64}
        raw = self.claimed(2, parent)
        self.assertRaises(exception.Split, self.receive, raw, self.site)

    def test_an_epoch_without_a_claim_is_a_split(self) -> None:
        self.receive(self.settle())
        document = json.loads(self.claimed(2, {}))
        document["claim"] = None
        self.assertRaises(
            exception.Split,
            self.receive,
            json.dumps(document).encode(),
            self.site,
        )

    def test_a_lower_epoch_with_a_higher_version_is_refused(self) -> None:
        self.receive(self.settle())
        parent = self.held(self.site).as_dict()
        self.receive(self.claimed(2, parent), self.site)
        self.set_group(
            self.group_id,
            epoch=1,
            metadata_version=9,
            current_primary_site_id=self.site.local_id,
        )
        raw = self.settle()
        self.assertRaises(exception.StaleDocument, self.receive, raw)
        self.assertEqual(2, self.there().epoch)

    def test_a_move_that_runs_here_keeps_slot_and_status(self) -> None:
        """A change at the source ends while the move waits for it."""
        self.receive(self.settle())
        self.set_there(status="failing_over", operation_id="move")
        self.receive(self.settle(description="new"))
        group = self.there()
        self.assertEqual(
            ("failing_over", "move", "new"),
            (group.status, group.operation_id, group.description),
        )

    def test_a_newer_epoch_ends_what_ran_here(self) -> None:
        self.receive(self.settle())
        raw = self.claimed(2, self.held(self.site).as_dict())
        self.set_group(self.group_id, status="error", operation_id="change")
        self.receive(raw, self.site)
        group = self.group_row(self.group_id)
        self.assertEqual("failed_over", group.status)
        self.assertIsNone(group.operation_id)

    def test_a_tombstone_does_not_come_back(self) -> None:
        self.receive(self.settle())
        raw = self.settle()
        with self.other.runtime.db.writer() as session:
            group = protection_groups.get(session, self.group_id)
            protection_groups.bury(session, group)
        error = self.assertRaises(exception.NotFound, self.receive, raw)
        self.assertEqual(self.group_id, error.details["id"])
        self.assertEqual(self.group_id, self.there().deleted)

    def test_a_late_older_document_never_wins_the_race(self) -> None:
        """It comes in while the newer one is being applied."""
        self.receive(self.settle())
        second, third = self.settle(), self.settle(description="third")
        found: list[Any] = []
        late_comes = threading.Event()

        def late() -> None:
            late_comes.set()
            try:
                found.append(self.receive(second))
            except exception.ProtectorError as e:
                found.append(e)

        thread = threading.Thread(target=late)
        with self.other.runtime.db.writer() as session:
            metadata_sync.receive(
                session, self.other.local_id, self.other.peer_id, third, NOW
            )
            session.flush()
            thread.start()
            self.assertTrue(late_comes.wait(10))
            # let it come as far as it can before this transaction ends
            thread.join(0.3)
        thread.join(20)
        self.assertIsInstance(found[0], exception.StaleDocument)
        self.assertEqual(
            ("third", 3),
            (self.there().description, self.there().metadata_version),
        )

    def test_the_same_document_twice_at_once(self) -> None:
        """The sender's time ran out and it sent again."""
        for raw in (self.settle(), self.settle(description="second")):
            found = database.race(*[lambda r=raw: self.receive(r)] * 2)
            self.assertEqual([metadata.triple(raw)] * 2, found)


class AcknowledgementTest(MetadataSyncTest):
    def unsent(self, seconds: float) -> list[str]:
        with self.db.reader() as session:
            return metadata_sync.unsent(
                session, after(seconds), self.site.local_id
            )

    def fail(self, seconds: float) -> None:
        with self.db.writer() as session:
            metadata_sync.fail(
                session, self.group_id, "no route", after(seconds), 10
            )

    def confirm(self, theirs: metadata.Triple) -> None:
        with self.db.writer() as session:
            metadata_sync.confirm(session, self.group_id, theirs, NOW)

    def test_the_maker_has_a_minute_to_send_it_itself(self) -> None:
        self.settle()
        self.assertEqual([], self.unsent(59))
        self.assertEqual([self.group_id], self.unsent(60))

    def test_only_the_primary_repeats_and_no_tombstone(self) -> None:
        self.settle()
        self.set_group(
            self.group_id, current_primary_site_id=self.site.peer_id
        )
        self.assertEqual([], self.unsent(60))
        self.set_group(
            self.group_id,
            current_primary_site_id=self.site.local_id,
            deleted=self.group_id,
        )
        self.assertEqual([], self.unsent(60))

    def test_a_group_that_is_not_made_or_goes_away_is_not_sent(self) -> None:
        self.settle()
        for status, verb, sent in (
            ("creating", None, False),
            ("deleting", None, False),
            ("error", "create", False),
            ("error", "delete", True),
            ("error", None, True),
            ("failed_over", None, True),
        ):
            self.set_group(self.group_id, status=status, error_verb=verb)
            self.assertEqual(sent, bool(self.unsent(60)), (status, verb))

    def test_pauses_double_up_to_the_bound(self) -> None:
        self.settle()
        for pause in (2, 4, 8, 10, 10):
            self.fail(0)
            self.assertEqual([], self.unsent(pause - 0.001))
            self.assertEqual([self.group_id], self.unsent(pause))
        sync = self.sync()
        self.assertEqual(
            ("failed", "no route", 5),
            (sync.remote_status, sync.error, sync.attempts),
        )

    def test_many_failures_do_not_overflow(self) -> None:
        self.settle()
        with self.db.writer() as session:
            metadata_sync.find(session, self.group_id).attempts = 5000
        self.fail(0)
        self.assertEqual([self.group_id], self.unsent(10))

    def test_a_new_version_starts_from_the_beginning(self) -> None:
        self.settle()
        self.fail(0)
        self.settle()
        sync = self.sync()
        self.assertEqual(
            ("pending", None, 0),
            (sync.remote_status, sync.error, sync.attempts),
        )

    def test_only_the_very_triple_confirms(self) -> None:
        old = metadata.triple(self.settle())
        mine = metadata.triple(self.settle(description="new"))
        self.fail(0)
        self.confirm(old)
        sync = self.sync()
        self.assertEqual(
            ("failed", 1), (sync.remote_status, sync.remote_version)
        )
        self.confirm(metadata.Triple(1, 2, old.checksum))
        self.assertEqual("failed", self.sync().remote_status)
        self.confirm(mine)
        sync = self.sync()
        self.assertEqual(
            ("synced", NOW, None, 0, None),
            (
                sync.remote_status,
                sync.last_sync_at,
                sync.error,
                sync.attempts,
                sync.next_attempt_at,
            ),
        )
        self.assertEqual([], self.unsent(9999))

    def test_a_newer_one_of_the_peer_did_not_arrive(self) -> None:
        mine = metadata.triple(self.settle())
        self.confirm(mine)
        self.confirm(metadata.Triple(1, 2, "theirs"))
        sync = self.sync()
        self.assertEqual(
            ("pending", 2, NOW),
            (sync.remote_status, sync.remote_version, sync.last_sync_at),
        )
        self.assertEqual([], self.unsent(9999))
        # what it held before says nothing
        self.confirm(mine)
        self.confirm(metadata.Triple(1, 0, "theirs"))
        self.assertEqual("synced", self.sync().remote_status)

    def test_out_of_sync_names_both_versions(self) -> None:
        def require() -> None:
            with self.db.reader() as session:
                group = protection_groups.get(session, self.group_id)
                metadata_sync.require_in_sync(session, group)

        require()
        first = metadata.triple(self.settle())
        self.confirm(first)
        require()
        self.settle(description="new")
        error = self.assertRaises(exception.MetadataOutOfSync, require)
        self.assertEqual(
            {"local_version": 2, "remote_version": 1}, error.details
        )
        self.assertIn("sync-force", error.remedy)
