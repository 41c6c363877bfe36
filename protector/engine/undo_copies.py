# SPDX-License-Identifier: Apache-2.0
"""The undo copies of a group: found, and removed when their retention is
over.

Each is known by its name and by the operation that the name tells.  The
background work removes only those of operations that ran here, on the array
of this site.
"""

from collections.abc import Collection
import contextlib
import dataclasses
import datetime
import re
from typing import Any

from oslo_log import log as logging
import sqlalchemy as sa
from sqlalchemy import orm

from protector import constants as c
from protector import exception
from protector.db import models
from protector.db.api import protection_groups
from protector.engine import reading

Json = dict[str, Any]
LOG = logging.getLogger(__name__)
# the run name of an operation, see ``context.StepContext.run_name``
_UNDO = re.compile(r".+\.undo-([0-9a-f]{8})-\d+")


def _always() -> None:
    """No lease: what is removed belongs to operations that have ended."""


@dataclasses.dataclass(frozen=True)
class UndoCopy:
    """:ivar known: whether the move is that made it, by its name.
    :ivar members: names of those whose content it keeps, and their ids;
        None: nobody told, as of a move that is not known here.
    """

    known: bool
    created: datetime.datetime
    members: tuple[str, ...] | None = None
    member_ids: frozenset[str] | None = None


Kept = dict[str, Json | None]
"""By the short id of a move, what it recorded of its last undo copy."""


def live(look: Any, site_id: str) -> dict[str, UndoCopy]:
    """Undo copies of a group at a site, by name, also those of moves that
    nobody knows here: another site made them, and mirrors are best effort.

    :param look: the context of a step, or a ``Reader``.
    :raises ArrayError: the array does not tell, and moves are known.
    """
    scene = look.scene
    op = models.Operation
    with look.runtime.db.reader() as session:
        known = _kept(session, scene.group.id, op.target_site_id == site_id)
    try:
        return _found(look, site_id, known)
    except exception.ArrayError:
        if known:
            raise
        return {}


def refusal(
    group_name: str, names: Collection[str]
) -> exception.InvalidStatus:
    """The refusal of a delete that would take them along."""
    return exception.InvalidStatus(
        f"Protection group {group_name} still has undo copies: "
        f"{', '.join(sorted(names))}. They hold what existed nowhere else "
        "when a move overwrote it.",
        remedy="Wait until their retention is over, or delete the group "
        "with discard_undo=true to give them up.",
        undo_copies=sorted(names),
    )


def _kept(
    session: orm.Session, group_id: str, *where: sa.ColumnElement[bool]
) -> Kept:
    """Of the group's moves: the names of undo copies tell theirs by the first
    eight characters of its id."""
    op = models.Operation
    statement = sa.select(op).where(
        op.protection_group_id == group_id,
        op.kind.in_(c.PLACEMENT_VERBS),
        *where,
    )
    return {
        move.id[:8]: move.data.get("undo") or (move.result or {}).get("undo")
        for move in session.scalars(statement)
    }


def _found(look: Any, site_id: str, known: Kept) -> dict[str, UndoCopy]:
    side, array = look.scene.side(site_id), look.array(site_id)
    if not side.array_group:
        return {}
    groups = {side.array_group}
    if look.scene.group.replication_type == c.ReplicationType.SYNC:
        # what was taken while the volumes lay elsewhere
        groups.update(look.driver.groups_of(array, side.cinder_group_id))
    snapshots: dict[str, datetime.datetime] = {}
    for group in sorted(groups):
        # otherwise they went with the array group
        with contextlib.suppress(exception.ArrayNotFound):
            snapshots |= look.driver.list_snapshots(array, group)
    return {
        name: _undo_copy(name, created, known, match.group(1))
        for name, created in snapshots.items()
        for match in [_UNDO.fullmatch(name)]
        if match
    }


def _undo_copy(
    name: str, created: datetime.datetime, known: Kept, move: str
) -> UndoCopy:
    kept = known.get(move)
    if kept is None or kept.get("name") != name:
        # nothing was recorded, or that of another run
        return UndoCopy(move in known, created)
    ids = kept.get("member_ids")
    return UndoCopy(
        True,
        created,
        tuple(kept["members"]),
        None if ids is None else frozenset(ids),
    )


class UndoCopies:
    def __init__(self, runtime: Any) -> None:
        self._runtime = runtime

    def run(self) -> None:
        """Remove what is over in all groups."""
        with self._runtime.db.reader() as session:
            ids = protection_groups.alive_ids(session)
        for group_id in ids:
            try:
                self._clean(group_id)
            except exception.ProtectorError as e:
                LOG.info("Undo copies of group %s: %s", group_id, e)
            except Exception:
                LOG.exception("Undo copies of group %s", group_id)

    def _clean(self, group_id: str) -> None:
        ended = self._ended(group_id)
        if not ended:
            return
        reader = reading.Reader.of(self._runtime, group_id)
        here = reader.scene.local_site_id
        driver = self._runtime.storage.driver(_always)
        oldest = self._runtime.clock.now() - datetime.timedelta(
            days=reader.scene.settings.undo_retention_days
        )
        for name, found in _found(reader, here, ended).items():
            if found.known and found.created <= oldest:
                LOG.info("Undo copy %s is over", name)
                driver.destroy_snapshot(reader.array(here), name)

    def _ended(self, group_id: str) -> Kept:
        """Of the moves that arrived here and have ended."""
        here = self._runtime.local_site_id
        op = models.Operation
        with self._runtime.db.reader() as session:
            return _kept(
                session,
                group_id,
                op.executor_site_id == here,
                op.target_site_id == here,
                op.status.not_in(c.UNFINISHED),
            )
