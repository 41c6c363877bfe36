# SPDX-License-Identifier: Apache-2.0
"""What may be asked of the world at any moment: both databases, clouds and
arrays, without a call to anything."""

import dataclasses
from typing import Any

from protector import constants as c
from protector.db import models
from protector.db.api import metadata_sync
from protector.tests.model import bed as beds

RUNNING = "ACTIVE"
OTHER = {"a": "b", "b": "a"}


@dataclasses.dataclass(frozen=True)
class Held:
    """What a site holds of the group; ``steps`` are those that run here."""

    group: models.ProtectionGroup
    triple: Any
    operations: list[models.Operation]
    members: list[models.Member]
    lock: models.SourceLock | None
    drill: models.Drill | None
    steps: list[models.OperationStep]

    def current(self, site_id: str) -> bool:
        return self.group.current_primary_site_id == site_id

    def condition(self, kind: str) -> bool | None:
        found = self.group.conditions.get(kind)
        return None if found is None else found["status"]

    def reason(self, kind: str) -> str | None:
        """Of a condition, if there is one."""
        found = self.group.conditions.get(kind)
        return None if found is None else found["reason"]

    @property
    def running(self) -> list[models.Operation]:
        return [o for o in self.operations if o.status in c.UNFINISHED]

    def generation(self, operation_id: str) -> int:
        """How often an operation was taken."""
        return next(
            o.generation for o in self.operations if o.id == operation_id
        )


def held(bed: beds.Bed, letter: str) -> Held | None:
    """None: the site has no such group, or its tombstone."""
    changes = bed.sites[letter].changes
    known, found = bed.held.get(letter, (-1, None))
    if known != changes:
        found = _read(bed, letter)
        bed.held[letter] = changes, found
    return found


def _read(bed: beds.Bed, letter: str) -> Held | None:
    with bed.sites[letter].runtime.db.reader() as session:
        group = session.get(models.ProtectionGroup, bed.group_id)
        if group is None or group.deleted:
            return None
        op = models.Operation
        operations = (
            session.query(op)
            .filter_by(protection_group_id=group.id)
            .order_by(op.created_at, op.id)
            .all()
        )
        members = (
            session.query(models.Member)
            .filter_by(protection_group_id=group.id)
            .all()
        )
        sync = metadata_sync.find(session, group.id)
        return Held(
            group,
            metadata_sync.triple(sync),
            operations,
            list(members),
            session.get(models.SourceLock, group.id),
            session.get(models.Drill, group.id),
            _running(session, operations, bed.sites[letter].site_id),
        )


def _running(
    session: Any, operations: list[models.Operation], site_id: str
) -> list[models.OperationStep]:
    ids = [
        operation.id
        for operation in operations
        if operation.status == c.OperationStatus.RUNNING
        and operation.executor_site_id == site_id
    ]
    if not ids:
        return []
    step = models.OperationStep
    return list(
        session.query(step).filter(
            step.operation_id.in_(ids), step.status == c.StepStatus.RUNNING
        )
    )


def contents(bed: beds.Bed, letter: str, server_id: str) -> set[int]:
    """All that the disks of a server hold."""
    cloud = bed.clouds[letter]
    found: set[int] = set()
    for disk in cloud.compute.disks.get(server_id, ()):
        found |= cloud.volume.on_array(disk.volume_id).content
    return found


@dataclasses.dataclass(frozen=True)
class Beginning:
    """A server that is about to run, and what its disks hold."""

    name: str
    content: set[int]


def about_to_run(
    bed: beds.Bed, letter: str, args: tuple[Any, ...]
) -> Beginning:
    """:param args: of the call to Nova: the id of a server, or the body of
    a new one."""
    if isinstance(args[0], str):
        server = bed.clouds[letter].compute.rows[args[0]]
        return Beginning(server.name, contents(bed, letter, server.id))
    found: set[int] = set()
    for disk in args[0]["block_device_mapping_v2"]:
        found |= bed.clouds[letter].volume.on_array(disk["uuid"]).content
    return Beginning(args[0]["name"], found)


def running(bed: beds.Bed, letter: str, name: str) -> list[Any]:
    """Servers of a name that run at a site."""
    return [
        server
        for server in bed.clouds[letter].compute.rows.values()
        if server.name == name and server.status == RUNNING
    ]
