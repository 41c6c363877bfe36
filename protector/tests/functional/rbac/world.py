# SPDX-License-Identifier: Apache-2.0
"""What the rows of the matrix are about: fresh things for each request.

A thing is made when a path or a body first names it; all but the foreign
ones are the tenant's.
"""

import re
import sqlite3
from typing import Any
import uuid

import sqlalchemy as sa

from protector import constants as c
from protector import exception
from protector.db import models
from protector.db.api import (
    metadata_sync,
    operations,
    protection_groups,
    replication_policies,
    tenant_mappings,
)
from protector.tests.fixtures import site_runtime

_NAME = re.compile(r"\{(\w+)\}")
_STEP = {
    "ordinal": 0,
    "name": "boot",
    "after": [],
    "weight": 1,
    "optional": True,
}


class World:
    """The rows of one site; ``reset`` it before each request.

    :param site: whose API is asked.
    :param other: the peer's database, where its documents are made.
    :param project: the tenant's id.
    """

    def __init__(
        self,
        site: site_runtime.SiteRuntime,
        other: site_runtime.SiteRuntime,
        project: str,
    ) -> None:
        self._site = site
        self._other = other
        self._db = site.runtime.db
        self._project = project
        self._made: dict[str, str] = {}
        self._aliases: dict[str, str] = {}
        # sees what others commit; nothing is written by it
        self._look = sqlite3.connect(str(self._db.engine.url.database))
        self._look.row_factory = sqlite3.Row
        self._version: Any = None
        self._content: dict[str, list[sqlite3.Row]] = {}

    def close(self) -> None:
        self._look.close()

    def reset(self, aliases: dict[str, str]) -> None:
        """Forget all but the two sites.

        :param aliases: which thing stands for a name from now on.
        """
        self._made, self._aliases = {}, aliases
        pair = (self._site.local_id, self._site.peer_id)
        with self._db.writer() as session:
            for table in reversed(models.Base.metadata.sorted_tables):
                if table.name != "sites":
                    session.execute(table.delete())
            session.execute(
                sa.delete(models.Site).where(models.Site.id.not_in(pair))
            )

    def content(self) -> dict[str, list[sqlite3.Row]]:
        """All rows of all tables; only what was committed since the last
        time makes it read them again."""
        version = tuple(self._look.execute("pragma data_version").fetchone())
        if version != self._version:
            self._version = version
            self._content = {
                name: self._rows(name) for name in models.Base.metadata.tables
            }
        return self._content

    def _rows(self, table: str) -> list[sqlite3.Row]:
        query = f"select * from {table}"  # noqa: S608
        return self._look.execute(query).fetchall()

    def fill(self, given: Any) -> Any:
        """Put ids in the place of the names in braces."""
        if isinstance(given, dict):
            return {key: self.fill(value) for key, value in given.items()}
        if isinstance(given, str):
            return _NAME.sub(lambda match: self.thing(match[1]), given)
        return given

    def thing(self, name: str) -> str:
        """The id of a thing: each is a method of this class."""
        kind = self._aliases.get(name, name)
        if kind not in self._made:
            self._made[kind] = getattr(self, kind)()
        return self._made[kind]

    def tenant(self) -> str:
        return self._project

    def site(self) -> str:
        return self._site.peer_id

    def local_site(self) -> str:
        return self._site.local_id

    def new(self) -> str:
        return str(uuid.uuid4())

    def unused_site(self) -> str:
        """A third site."""
        site_id = str(uuid.uuid4())
        with self._db.writer() as session:
            peer = session.get_one(models.Site, self._site.peer_id)
            names = sa.inspect(models.Site).columns.keys()
            values = {name: getattr(peer, name) for name in names}
            values |= {"id": site_id, "name": f"site-{site_id[:8]}"}
            session.add(models.Site(**values))
        return site_id

    def dead_site(self) -> str:
        """One that does not answer."""
        site_id = self.unused_site()
        with self._db.writer() as session:
            site = session.get_one(models.Site, site_id)
            site.status = c.SiteStatus.UNREACHABLE
        return site_id

    def tenant_mapping(self) -> str:
        values = {
            "local_project_id": self._project,
            "remote_site_id": self._site.peer_id,
            "remote_project_id": "p-there",
        }
        with self._db.writer() as session:
            now = self._site.runtime.clock.now()
            return tenant_mappings.add(session, now, values).id

    # -- groups

    def empty_group(self, **values: Any) -> str:
        given = {"project_id": self._project, **values}
        return self._site.group(**given)

    def group(self, **values: Any) -> str:
        """An active group with a member, a point and a policy."""
        group_id = self.empty_group(**values)
        self._site.member(group_id)
        self._site.configure(group_id)
        self._site.point(group_id)
        runtime = self._site.runtime
        defaults = replication_policies.defaults(runtime.conf.replication)
        with self._db.writer() as session:
            session.add(
                models.ReplicationPolicy(
                    id=self.new(),
                    protection_group_id=group_id,
                    created_at=runtime.clock.now(),
                    **defaults,
                )
            )
        return group_id

    def guest_group(self, **values: Any) -> str:
        """Created at the peer, where it runs."""
        return self.group(
            primary_site_id=self._site.peer_id,
            secondary_site_id=self._site.local_id,
            **values,
        )

    def absent_group(self) -> str:
        """Created here; it runs at the peer."""
        group_id = self.group(status=c.GroupStatus.FAILED_OVER)
        with self._db.writer() as session:
            row = protection_groups.get(session, group_id)
            row.current_primary_site_id = self._site.peer_id
        return group_id

    def returned_group(self) -> str:
        """It came back: its servers at the peer are parked."""
        group_id = self.group()
        with self._db.writer() as session:
            key = (self._only(models.Member, group_id), self._site.peer_id)
            copy = session.get_one(models.MemberCopy, key)
            copy.role, copy.server_id = c.CopyRole.PARKED, self.new()
        return group_id

    def split_group(self) -> str:
        """The sites hold two histories of it."""
        group_id = self.group()
        now = self._site.runtime.clock.now()
        with self._db.writer() as session:
            row = protection_groups.get(session, group_id)
            protection_groups.set_condition(
                row, c.Condition.SPLIT, True, "TwoHistories", "1 and 2", now
            )
        return group_id

    def lonely_group(self) -> str:
        """Its other site was declared lost."""
        group_id = self.group()
        now = self._site.runtime.clock.now()
        with self._db.writer() as session:
            row = protection_groups.get(session, group_id)
            protection_groups.set_condition(
                row, c.Condition.UNPROTECTED, True, "SiteLost", "Lost.", now
            )
        return group_id

    def foreign_group(self) -> str:
        """Of this site and a third one."""
        return self.group(secondary_site_id=self.unused_site())

    def member(self) -> str:
        """That of the group."""
        return self._only(models.Member)

    def _only(self, model: Any, group_id: str | None = None) -> str:
        """The id of the group's one row."""
        statement = sa.select(model.id).where(
            model.protection_group_id == (group_id or self.thing("group"))
        )
        with self._db.reader() as session:
            return str(session.scalars(statement).one())

    def point(self) -> str:
        """The recovery point of the group."""
        return self._only(models.RecoveryPoint)

    # -- operations

    def operation(self) -> str:
        """A pending one of the group."""
        return self._accepted(self.thing("group"), self._site.local_id)

    def mirrored_operation(self) -> str:
        """One that the peer executes."""
        return self._accepted(self.thing("group"), self._site.peer_id)

    def foreign_operation(self) -> str:
        return self._accepted(self.thing("foreign_group"), self.site())

    def failed_operation(self) -> str:
        """One whose optional step failed."""
        operation_id = self.operation()
        now = self._site.runtime.clock.now()
        error = exception.DeadlineExceeded("The array was slow.").as_dict()
        with self._db.writer() as session:
            row = operations.get(session, operation_id)
            row.steps[0].status = c.StepStatus.FAILED
            status = c.OperationStatus.FAILED
            operations.finish(session, now, row, status, error=error)
        return operation_id

    def step(self) -> str:
        """The step of the one operation there is."""
        with self._db.reader() as session:
            step = sa.select(models.OperationStep.id)
            return session.scalars(step).one()

    def _accepted(self, group_id: str, executor: str) -> str:
        ends = {
            "origin_site_id": executor,
            "executor_site_id": executor,
            "source_site_id": self._site.local_id,
            "target_site_id": self._site.peer_id,
        }
        now = self._site.runtime.clock.now()
        with self._db.writer() as session:
            group = protection_groups.lock(session, group_id)
            verb = c.Verb.REPLICATE
            made = operations.accept(session, now, group, verb, ends)
            operations.add_steps(session, made, [_STEP])
            return made.id

    # -- what the peer pushes

    def pushed_group(self) -> str:
        """Created at the peer and unknown here."""
        return self._other.group()

    def foreign_pushed_group(self) -> str:
        """Of the peer and a third site."""
        return self._other.group(secondary_site_id=self.new())

    def document(self) -> bytes:
        """The next of the pushed group."""
        group_id = self.thing("group")
        now = self._site.runtime.clock.now()
        with self._other.runtime.db.writer() as session:
            group = protection_groups.get(session, group_id)
            metadata_sync.settle(session, group, self.site(), now)
            found = metadata_sync.find(session, group_id)
            assert found is not None
            return found.document.encode()
