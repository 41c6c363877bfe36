# SPDX-License-Identifier: Apache-2.0
"""What is refused of a group whose other site was declared lost."""

from typing import Any
import uuid

import sqlalchemy as sa

from protector import constants as c
from protector import context, exception
from protector.clients import types
from protector.db import models
from protector.db.api import (
    metadata_sync,
    protection_groups,
    tenant_mappings,
)
from protector.engine import precheck
from protector.tests.unit.engine import case, fakes


class AloneCase(case.EngineCase):
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


class AloneTest(AloneCase):
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


class Volumes(fakes.Volumes):
    """One replicated type, on one backend."""

    replicated = True

    def types(self) -> list[types.VolumeType]:
        specs = {"volume_backend_name": "pure"}
        if self.replicated:
            specs |= {
                "replication_enabled": "<is> True",
                "replication_type": "<in> async",
            }
        return [types.VolumeType("type", "replicated-ssd", specs)]

    def pools(self) -> list[Any]:
        return [{"name": "c@pure#pure", "volume_backend_name": "pure"}]


class RehomeTest(AloneCase):
    def setUp(self) -> None:
        super().setUp()
        del self.peer.errors["check"]
        clouds = self.boundary.clouds
        clouds.service = clouds
        self.volumes = clouds.volume = Volumes()
        self.new = str(uuid.uuid4())
        with self.runtime.db.writer() as session:
            site = session.get(models.Site, self.site.peer_id)
            site.lost = True
            names = sa.inspect(models.Site).columns.keys()
            values = {name: getattr(site, name) for name in names}
            values |= {"id": self.new, "name": "site-c", "lost": False}
            session.add(models.Site(**values))
            session.flush()
            tenant_mappings.add(
                session,
                self.clock.now(),
                {
                    "local_project_id": "p-here",
                    "remote_site_id": self.new,
                    "remote_project_id": "p-new",
                },
            )

    def ask(self, site_id: str) -> Any:
        return self.check(c.Verb.REHOME, secondary_site_id=site_id)

    def test_what_the_new_site_has_is_found(self) -> None:
        self.assertEqual(
            {
                "secondary_project_id": "p-new",
                "secondary_volume_type_id": "type",
                "secondary_volume_type_name": "replicated-ssd",
                "secondary_backend_name": "c@pure#pure",
            },
            self.ask(self.new),
        )

    def test_only_another_site_that_is_there(self) -> None:
        for site_id in (
            self.site.local_id,
            self.site.peer_id,
            str(uuid.uuid4()),
        ):
            self.assertRaises(exception.InvalidReference, self.ask, site_id)
        with self.runtime.db.writer() as session:
            session.get(models.Site, self.new).lost = True
        self.assertRaises(exception.InvalidReference, self.ask, self.new)

    def test_the_new_site_must_answer_and_replicate(self) -> None:
        self.volumes.replicated = False
        self.assertRaises(
            exception.VolumeTypeNotReplicated, self.ask, self.new
        )
        self.peer.errors["check"] = exception.PeerUnreachable("no route")
        self.assertRaises(exception.PeerUnreachable, self.ask, self.new)

    def test_it_is_for_a_group_that_is_alone(self) -> None:
        self.lost(False)
        self.assertRaises(exception.InvalidStatus, self.ask, self.new)
