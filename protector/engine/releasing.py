# SPDX-License-Identifier: Apache-2.0
"""The source's part of a planned move: release, and coming back by itself
when the lock ran out."""

from collections.abc import Sequence
import contextlib
import datetime
import itertools
from typing import Any

from oslo_log import log as logging

from protector import constants as c
from protector import exception
from protector.clients import types
from protector.context import RequestContext
from protector.db import models
from protector.db.api import (
    claims,
    metadata_sync,
    mirrors,
    protection_groups,
    source_locks,
)
from protector.engine import access, adoption, fencing, power, reading

LOG = logging.getLogger(__name__)
Json = dict[str, Any]
# that may fail, one after the other, before a server stays down
STARTS = 3
NOT_BACK = "NotBroughtBack"


def release(
    runtime: Any,
    context: RequestContext,
    group_id: str,
    operation_id: str,
    epoch: int,
) -> Json:
    """Give the group away to ``epoch``, committed in one transaction;
    again with the same arguments is the same answer.

    :returns: (epoch, version, checksum) of the document given away.
    :raises LockLost: the lock expired, was replaced, or a source server was
        started since it was stopped.
    """
    reader = reading.Reader.of(runtime, group_id, context)
    if not _given_away(runtime, group_id, operation_id, epoch):
        _check_quiet(reader, operation_id)
    with runtime.db.writer() as session:
        group = protection_groups.lock(session, group_id)
        source_locks.release(session, group_id, operation_id, epoch)
        protection_groups.see_epoch(group, epoch)
        mine = metadata_sync.triple(metadata_sync.find(session, group_id))
    if mine is None:
        raise exception.UnexpectedState(
            f"Protection group {group_id} has no document to give away."
        )
    LOG.info("Group %s is released to epoch %d", group_id, epoch)
    return mine.as_dict()


def _given_away(
    runtime: Any, group_id: str, operation_id: str, epoch: int
) -> bool:
    """Whether an earlier answer got lost: then nothing is checked again."""
    with runtime.db.reader() as session:
        held = source_locks.find(session, group_id)
        return (
            held is not None
            and held.operation_id == operation_id
            and held.released_epoch == epoch
        )


def _check_quiet(reader: reading.Reader, operation_id: str) -> None:
    """Every server of the group is down, by our fence, and nobody touched
    it since."""
    site_id = reader.scene.local_site_id
    compute = reader.tenant(site_id).compute
    for member in reader.scene.movable(site_id):
        copy = member.copy(site_id)
        server = compute.get_server(copy.server_id)
        ours = fencing.parse(server.locked_reason) if server.locked else None
        if (
            ours is None
            or ours[0] != operation_id
            or server.status not in ("SHUTOFF", "SHELVED_OFFLOADED")
            or _was_touched(compute.instance_actions(server.id), ours[1])
        ):
            raise exception.LockLost(
                f"Server {server.name} ({server.id}) is {server.status} and "
                "no longer held by the operation.",
                operation_id=operation_id,
            )


def _was_touched(actions: Sequence[types.InstanceAction], state: str) -> bool:
    """Whether something but our stop may have let a server run since our
    fence, which is the newest lock.

    :param actions: newest first; where no lock is recorded, the newest of
        them must do.
    :param state: that the fence found it in.
    """
    names = [found.action for found in actions]
    ran = state == power.RUNNING
    since = names[: names.index("lock") if "lock" in names else int(ran)]
    if ran and "stop" in since:
        # until then it ran anyway
        last = len(since) - since[::-1].index("stop")
        since = since[:last]
    return not power.QUIET_ACTIONS.issuperset(since)


class SourceReturn:
    """Ends locks that ran out: the source is its own again.

    Works without the site that took the lock; all of it may be repeated.
    """

    def __init__(self, runtime: Any) -> None:
        self._runtime = runtime

    def run(self) -> None:
        self._reclaim()
        with self._runtime.db.reader() as session:
            expired = source_locks.expired(session)
        for lock in expired:
            try:
                self._return(lock)
            except Exception:
                # the lock stays, and with it the next attempt
                LOG.exception(
                    "Group %s could not be brought back",
                    lock.protection_group_id,
                )

    def _reclaim(self) -> None:
        """What went to a site that is lost for good comes back."""
        here = self._runtime.local_site_id
        with self._runtime.db.reader() as session:
            abandoned = source_locks.abandoned(session, here)
        for group_id in abandoned:
            LOG.warning(
                "Group %s, which went to a site that is lost, is taken back",
                group_id,
            )
            with self._runtime.db.writer() as session:
                claims.reclaim(session, group_id, here)

    def _return(self, lock: models.SourceLock) -> None:
        LOG.warning(
            "The lock of operation %s on group %s ran out",
            lock.operation_id,
            lock.protection_group_id,
        )
        reader = WritingReader.of(self._runtime, lock.protection_group_id)
        with contextlib.suppress(exception.PeerUnreachable):
            # the other site may have taken the group without this one
            adoption.require_newest(reader)
        site_id, scene = reader.scene.local_site_id, reader.scene
        # what was claimed above all epochs is held by no other operation
        reclaimed = scene.sync and scene.sync.epoch < scene.group.epoch
        holder = None if reclaimed else lock.operation_id
        copies = [m.copy(site_id) for m in reader.scene.settled_members]
        left = [
            told
            for copy in copies
            if copy is not None and copy.server_id
            for told in [
                bring_back(reader, site_id, str(copy.server_id), holder)
            ]
            if told
        ]
        try:
            # it is on at the primary whatever stopped the move
            reader.driver.set_schedule(
                reader.direction(site_id), True, scene.settings.schedule
            )
        except exception.ArrayError as e:
            left.append(e.message)
        self._show(lock, left)
        if not left:
            self._end(lock)

    def _show(self, lock: models.SourceLock, left: list[str]) -> None:
        """What takes longer than a lock of a move lasts is told."""
        seconds = self._runtime.conf.engine.lock_seconds
        with self._runtime.db.writer() as session:
            group = protection_groups.lock(session, lock.protection_group_id)
            if source_locks.find(session, group.id) is None or (
                left and not source_locks.is_long_over(session, lock, seconds)
            ):
                # the group went elsewhere meanwhile, or it is too early
                return
            _tell(group, left, self._runtime.clock.now())

    def _end(self, lock: models.SourceLock) -> None:
        with self._runtime.db.writer() as session:
            if not source_locks.drop(
                session, lock.protection_group_id, lock.operation_id
            ):
                return
            group = protection_groups.lock(session, lock.protection_group_id)
            protection_groups.free_slot(session, group, lock.operation_id)
            protection_groups.set_status(
                group, protection_groups.resting_status(group)
            )
            now = self._runtime.clock.now()
            mirrors.end(session, now, lock.operation_id, _over(group))
            held = metadata_sync.find(session, group.id)
            if held is not None and held.epoch < group.epoch:
                # it was reclaimed
                here = self._runtime.local_site_id
                metadata_sync.settle(session, group, here, now)


def _over(group: models.ProtectionGroup) -> exception.Superseded:
    """Why the move that had the lock cannot go on."""
    return exception.Superseded(
        f"The source of protection group {group.name} is its own again: the "
        "lock of the move ran out, or the group was taken back."
    )


def _tell(
    group: models.ProtectionGroup, left: Sequence[str], now: datetime.datetime
) -> None:
    """The source is its own again, and goes on until its servers run.

    :param left: what keeps each of the others, as sentences.
    """
    found = group.conditions.get(c.Condition.PARTIAL) or {}
    if left or found.get("reason") == NOT_BACK:
        protection_groups.set_condition(
            group,
            c.Condition.PARTIAL,
            bool(left),
            NOT_BACK if left else "AllMembersRun",
            f"A move has ended here, and not all runs again: "
            f"{' '.join(left)} Mend it in Nova or at the array; Protector "
            "goes on by itself."
            if left
            else "Every member runs.",
            now,
        )


class WritingReader(reading.Reader):
    """The same, with clients that may change this site."""

    def site(self, site_id: str) -> Any:
        return access.clients(self.runtime, self.scene.sites[site_id])

    @property
    def driver(self) -> Any:  # type: ignore[override]
        return self.runtime.storage.driver(lambda: None)


def bring_back(
    reader: reading.Reader,
    site_id: str,
    server_id: str,
    operation_id: str | None,
) -> str | None:
    """Start a server that the move stopped and, once it is seen to run, lift
    its lock; what keeps it, None when nothing is left to do.

    One that cannot be started keeps the lock: preflight names it, and a move
    knows by it what the server was.

    :param operation_id: of the move; None for whichever it was.
    """
    try:
        compute = reader.tenant(site_id).compute
        server = compute.get_server(server_id)
        ours = fencing.parse(server.locked_reason) if server.locked else None
        if ours is None or operation_id not in (None, ours[0]):
            return None
        name = f"Server {server.name} ({server_id})"
        if server.task_state:
            return f"{name} is {server.status}, {server.task_state}."
        if ours[1] == power.RUNNING and server.status == power.STOPPED:
            if _failed_starts(compute, server_id) >= STARTS:
                LOG.error("Server %s cannot be started", server_id)
                return None
            compute.start(server_id)
            return f"{name} is started."
        reader.site(site_id).service.compute.unlock(server_id)
    except exception.CloudNotFound:
        return None
    except exception.ProtectorError as e:
        LOG.warning("Server %s was not brought back: %s", server_id, e)
        return f"Server {server_id}: {e.message}"
    return None


def _failed_starts(compute: Any, server_id: str) -> int:
    """The last ones, one after the other; only the actions tell."""
    failed = itertools.takewhile(
        lambda last: last.action == "start" and last.message,
        compute.instance_actions(server_id),
    )
    return sum(1 for _ in failed)
