# SPDX-License-Identifier: Apache-2.0
"""One of two histories is kept, and the other site takes it."""

from typing import Any

from protector import constants as c
from protector import exception, metadata
from protector.db import models
from protector.db.api import histories, metadata_sync, protection_groups
from protector.engine import adoption, context, fencing, split
from protector.engine.steps import split as steps
from protector.tests.fixtures import site_runtime
from protector.tests.unit.engine import case, fake_cloud, fake_project


class SplitTest(case.EngineCase):
    """The group ran here in epoch 1 and was changed; the other site took it
    in epoch 2, and this one never knew its server there."""

    def setUp(self) -> None:
        super().setUp()
        self.web = self.site.member(self.group_id)
        self.other = self.useFixture(
            site_runtime.SiteRuntime(peer_of=self.site)
        )
        self.settle(self.site)
        self.receive(self.other, self.site)
        self.late = self.site.member(self.group_id, "late")
        self.settle(self.site)
        self.take()
        self.tell()
        adoption.at_start(self.runtime)

    def settle(self, site: Any) -> None:
        with site.runtime.db.writer() as session:
            group = protection_groups.lock(session, self.group_id)
            metadata_sync.settle(
                session, group, site.local_id, self.clock.now()
            )

    def receive(self, at: Any, sender: Any) -> None:
        with sender.runtime.db.reader() as session:
            raw = metadata_sync.find(session, self.group_id).document.encode()
        with at.runtime.db.writer() as session:
            metadata_sync.receive(
                session, at.local_id, sender.local_id, raw, self.clock.now()
            )

    def take(self) -> None:
        """The other site moves the group to itself."""
        with self.other.runtime.db.writer() as session:
            group = protection_groups.lock(session, self.group_id)
            parent = metadata_sync.triple(
                metadata_sync.find(session, self.group_id)
            ).as_dict()
            protection_groups.claim(
                group, 2, self.other.local_id, "op", parent
            )
            group.current_primary_site_id = self.other.local_id
            group.status = c.GroupStatus.FAILED_OVER
            copy = session.get(
                models.MemberCopy, (self.web, self.other.local_id)
            )
            copy.role, copy.server_id = c.CopyRole.LIVE, "made-there"
        self.settle(self.other)

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
                    "made_at": "2026-11-24T03:11:15Z",
                    "claimed_epoch": group.epoch,
                }
            ]

    def held(self, site: Any) -> metadata.Triple:
        with site.runtime.db.reader() as session:
            return metadata_sync.triple(
                metadata_sync.find(session, self.group_id)
            )

    def choose(self, site_id: str) -> context.StepContext:
        ends = {
            "source_site_id": self.site.peer_id,
            "target_site_id": self.site.local_id,
        }
        return self.step(
            self.accept(
                c.Verb.RESOLVE_SPLIT, args={"keep_site_id": site_id}, **ends
            )
        )

    def copy(self, site: Any, member_id: str) -> models.MemberCopy:
        """The member's copy at the other site, as a site knows it."""
        with site.runtime.db.reader() as session:
            key = (member_id, self.other.local_id)
            return session.get(models.MemberCopy, key)

    def test_both_histories_are_noted(self) -> None:
        with self.runtime.db.reader() as session:
            sync = metadata_sync.find(session, self.group_id)
        self.assertEqual(
            {
                "site_id": self.other.local_id,
                **self.held(self.other).as_dict(),
                "origin_site_id": self.other.local_id,
                "made_at": "2026-11-24T03:11:15Z",
                "running": [self.web],
            },
            sync.other,
        )
        # and nothing is sent by itself
        self.assertEqual(
            ("failed", None), (sync.remote_status, sync.next_attempt_at)
        )

    def test_the_other_site_takes_what_is_kept_here(self) -> None:
        given_up = self.held(self.other)
        ctx = self.choose(self.site.local_id)
        told = steps.keep(ctx)
        self.assertEqual(given_up.as_dict(), told["given_up"])
        self.assertEqual([], told["dropped"])
        self.receive(self.other, self.site)
        mine = self.held(self.site)
        self.assertEqual(mine, self.held(self.other))
        self.assertEqual((3, 3), (mine.epoch, mine.version))
        for site in (self.site, self.other):
            with site.runtime.db.reader() as session:
                group = protection_groups.get(session, self.group_id)
            self.assertEqual(
                ("active", self.site.local_id),
                (group.status, group.current_primary_site_id),
            )
            self.assertFalse(histories.is_split(group))
            # the server that was made there is not forgotten
            copy = self.copy(site, self.web)
            self.assertEqual(
                ("made-there", "live", True),
                (copy.server_id, copy.role, copy.content_unique),
            )

    def test_done_again_it_claims_nothing_more(self) -> None:
        ctx = self.choose(self.site.local_id)
        first = steps.keep(ctx)
        self.assertEqual(first, steps.keep(ctx))
        self.assertEqual(3, self.group().epoch)

    def test_the_copy_of_the_other_site_can_be_kept_here(self) -> None:
        """Of two documents of this site, the one that only the other has."""
        held = self.peer.held[0]
        lost = self.lost_version(held)
        ctx = self.choose(self.site.peer_id)
        told = steps.keep(ctx)
        self.assertEqual(
            [self.late], [member["id"] for member in told["dropped"]]
        )
        self.assertEqual("written there", self.group().description)
        self.assertEqual(ctx.operation.id, self.group().operation_id)
        self.assertEqual((3, 10), self.numbers())
        with self.runtime.db.reader() as session:
            claim = protection_groups.get(session, self.group_id).claim
        self.assertEqual(lost.as_dict(), claim["parent"])

    def numbers(self) -> tuple[int, int]:
        mine = self.held(self.site)
        return mine.epoch, mine.version

    def lost_version(self, held: dict[str, Any]) -> metadata.Triple:
        """One that this site made and does not have any more."""
        with self.other.runtime.db.writer() as session:
            group = protection_groups.lock(session, self.group_id)
            group.epoch, group.claim, group.metadata_version = 1, None, 8
            group.current_primary_site_id = self.site.local_id
            group.description = "written there"
            metadata_sync.settle(
                session, group, self.site.local_id, self.clock.now()
            )
        self.tell()
        with self.runtime.db.reader() as session:
            site = session.get(models.Site, self.site.peer_id)
        split.show(self.runtime, site, self.group_id)
        self.assertEqual(
            (True, "PeerIsAhead"), self.condition(c.Condition.SPLIT)
        )
        return self.held(self.other)

    def test_a_member_that_was_removed_here_runs_once(self) -> None:
        """The other site took it before it heard so: what was locked here is
        its owner's again, and the copy there is stopped and told."""
        clouds = fake_cloud.Clouds(self.site.local_id, self.site.peer_id)
        clouds.there.peer = self.peer
        self.runtime.clouds = clouds
        here, there = clouds.here.compute.rows, clouds.there.compute.rows
        original = self.remove()
        held = fencing.reason("taken", "ACTIVE")
        here[original] = fake_project.server(
            original, status="SHUTOFF", locked=True, locked_reason=held
        )
        there["made-there"] = fake_project.server("made-there")
        clouds.there.volume.add("volume-there")
        clouds.there.compute.attach("made-there", "volume-there")
        clouds.there.network.rows["port-there"] = fake_project.port(
            "port-there", device_id="made-there"
        )
        ctx = self.choose(self.site.local_id)
        steps.keep(ctx)
        steps.fence(ctx)
        steps.start(ctx)
        for server, status in (
            (there["made-there"], "SHUTOFF"),
            (here[original], "ACTIVE"),
        ):
            self.assertEqual((status, False), (server.status, server.locked))
        self.assertEqual(
            [
                ("server", "made-there"),
                ("port", "port-there"),
                ("volume", "volume-there"),
            ],
            [(left["kind"], left["id"]) for left in ctx.data["residue"]],
        )

    def remove(self) -> str:
        """The member is removed here; the id of its server."""
        with self.runtime.db.writer() as session:
            member = session.get(models.Member, self.web)
            server_id = str(member.copy(self.site.local_id).server_id)
            session.delete(member)
        self.settle(self.site)
        return server_id

    def test_a_group_that_is_moved_meanwhile_is_left_alone(self) -> None:
        ctx = self.choose(self.site.peer_id)
        self.assertRaises(exception.UnexpectedState, steps.keep, ctx)
        self.assertEqual(1, self.group().epoch)

    def test_nothing_there_is_no_history(self) -> None:
        self.peer.held[0]["document"] = None
        ctx = self.choose(self.site.local_id)
        self.assertRaises(exception.UnexpectedState, steps.keep, ctx)
        self.assertEqual(1, self.group().epoch)

    def test_who_makes_the_documents_of_the_kept_one_executes(self) -> None:
        with self.runtime.db.reader() as session:
            group = protection_groups.get(session, self.group_id)
            for site_id in (self.site.local_id, self.site.peer_id):
                self.assertEqual(
                    site_id,
                    histories.executor(
                        session, group, site_id, self.site.local_id
                    ),
                )
            self.assertRaises(
                exception.InvalidReference,
                histories.executor,
                session,
                group,
                "elsewhere",
                self.site.local_id,
            )
