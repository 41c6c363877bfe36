# SPDX-License-Identifier: Apache-2.0
"""What is refused of a group whose other site was declared lost."""

from typing import Any

from protector import constants as c
from protector import context, exception
from protector.db import models
from protector.db.api import metadata_sync, protection_groups
from protector.engine import precheck
from protector.tests.unit.engine import case


class AloneTest(case.EngineCase):
    def setUp(self) -> None:
        super().setUp()
        self.web = self.site.member(self.group_id)
        with self.runtime.db.writer() as session:
            group = protection_groups.lock(session, self.group_id)
            metadata_sync.settle(
                session, group, self.site.local_id, self.clock.now()
            )
        self.peer.errors["check"] = exception.PeerUnreachable("no route")
        self.lost(True)

    def lost(self, status: bool) -> None:
        self.set_group(
            conditions={c.Condition.UNPROTECTED: {"status": status}}
        )

    def check(self, verb: str, **args: Any) -> Any:
        return precheck.check(
            self.runtime,
            context.RequestContext(),
            verb,
            self.group_id,
            args,
        )

    def runs_there(self, server_id: str | None) -> None:
        """As far as this site knows."""
        with self.runtime.db.writer() as session:
            key = (self.web, self.site.peer_id)
            copy = session.get(models.MemberCopy, key)
            copy.role, copy.server_id = c.CopyRole.LIVE, server_id

    def test_the_lost_site_is_not_asked(self) -> None:
        self.check(c.Verb.UPDATE, description="new")
        self.check(c.Verb.MEMBER_REMOVE, member_id=self.web)
        self.lost(False)
        for verb in (c.Verb.UPDATE, c.Verb.MEMBER_REMOVE):
            self.assertRaises(
                exception.MetadataOutOfSync,
                self.check,
                verb,
                member_id=self.web,
            )

    def test_what_must_be_stopped_there_is_not_forgotten(self) -> None:
        self.runs_there(self.web)
        error = self.assertRaises(
            exception.InvalidStatus,
            self.check,
            c.Verb.MEMBER_REMOVE,
            member_id=self.web,
        )
        self.assertIn("delete the group", error.remedy)

    def test_it_is_deleted_with_its_members(self) -> None:
        self.check(c.Verb.DELETE)
        self.lost(False)
        self.assertRaises(exception.GroupNotEmpty, self.check, c.Verb.DELETE)
