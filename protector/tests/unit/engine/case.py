# SPDX-License-Identifier: Apache-2.0
"""A site with a group whose directions are named ``here`` and ``there``."""

import threading
from typing import Any

from protector import constants as c
from protector.db import models
from protector.db.api import operations, operations_leases, protection_groups
from protector.engine import context, leases, polls
from protector.tests import base
from protector.tests.fixtures import site_runtime
from protector.tests.unit.engine import fakes


class EngineCase(base.TestCase):
    def connection(self, name: str) -> str | None:
        """URL of an empty database; None for an SQLite file."""
        return None

    def setUp(self) -> None:
        super().setUp()
        self.site = self.useFixture(
            site_runtime.SiteRuntime(connection=self.connection("a"))
        )
        self.runtime = self.site.runtime
        self.boundary = fakes.Boundary(self.runtime)
        self.clock, self.driver = self.boundary.clock, self.boundary.driver
        self.peer = self.boundary.clouds.peer
        self.group_id = self.site.group()
        self.set_sides(array_group=("here", "there"))

    def set_sides(self, **values: tuple[Any, Any]) -> None:
        """Columns of both sides, local first."""
        with self.runtime.db.writer() as session:
            for side in self._sides(session):
                place = 0 if side.site_id == self.site.local_id else 1
                for key, pair in values.items():
                    setattr(side, key, pair[place])

    def _sides(self, session: Any) -> list[models.ConsistencyGroupSide]:
        return (
            session.query(models.ConsistencyGroupSide)
            .join(models.ConsistencyGroup)
            .filter_by(protection_group_id=self.group_id)
            .all()
        )

    def side(self, site_id: str) -> models.ConsistencyGroupSide:
        with self.runtime.db.reader() as session:
            found = self._sides(session)
        return next(s for s in found if s.site_id == site_id)

    def set_group(self, **values: Any) -> None:
        with self.runtime.db.writer() as session:
            group = session.get(models.ProtectionGroup, self.group_id)
            for key, value in values.items():
                setattr(group, key, value)

    def group(self) -> models.ProtectionGroup:
        with self.runtime.db.reader() as session:
            return protection_groups.get(session, self.group_id)

    def condition(self, kind: str) -> tuple[bool | None, str]:
        found = self.group().conditions[kind]
        return found["status"], found["reason"]

    def volume_name(self, member_id: str, site_id: str) -> str:
        with self.runtime.db.reader() as session:
            member = session.get(models.Member, member_id)
            return str(member.volumes_at(site_id)[0].array_volume)

    # -- operations

    def accept(self, verb: str, **values: Any) -> str:
        given = {
            "origin_site_id": self.site.local_id,
            "executor_site_id": self.site.local_id,
            "source_site_id": self.site.local_id,
            "target_site_id": self.site.peer_id,
        }
        with self.runtime.db.writer() as session:
            group = protection_groups.lock(session, self.group_id)
            return operations.accept(
                session, self.clock.now(), group, verb, given | values
            ).id

    def end(self, operation_id: str) -> None:
        with self.runtime.db.writer() as session:
            operations.finish(
                session,
                self.clock.now(),
                operations.get(session, operation_id),
                c.OperationStatus.COMPLETED,
            )

    def step(self, operation_id: str) -> context.StepContext:
        """What a step of the operation gets; claims it."""
        with self.runtime.db.writer() as session:
            token = operations_leases.claim(
                session,
                self.clock.now(),
                operation_id,
                self.site.local_id,
                "engine",
                3600,
                0,
            )
        held = leases.HeldLease(token, self.clock)
        held.extended(self.clock.monotonic(), 3600)
        with self.runtime.db.reader() as session:
            operation = operations.get(session, operation_id)
            list(operation.steps)
        work = context.Work(
            self.runtime,
            held,
            polls.Polls(self.runtime),
            self.site.local_id,
            threading.Event(),
        )
        deadline = self.clock.monotonic() + 600
        return context.StepContext(work, operation, None, deadline)
