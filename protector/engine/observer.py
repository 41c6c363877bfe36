# SPDX-License-Identifier: Apache-2.0
"""Looks at the peer and the arrays, and writes down what they say: sync
state, recovery points, conditions.  Changes nothing outside."""

import datetime
import math
from typing import Any, NamedTuple

from oslo_log import log as logging
import sqlalchemy as sa
from sqlalchemy import orm

from protector import constants as c
from protector import exception, metadata
from protector.db import models
from protector.db.api import (
    drills,
    histories,
    members,
    metadata_sync,
    protection_groups,
    recovery_points,
)
from protector.db.api import sites as site_rows
from protector.engine import (
    access,
    adoption,
    checkups,
    conditions,
    point_rows,
    reading,
    replication,
    rounds,
    split,
)
from protector.engine import scene as scenes
from protector.storage import base

LOG = logging.getLogger(__name__)
Json = dict[str, Any]
Group = models.ProtectionGroup
# clocks of two sites differ a little
LATELY = datetime.timedelta(minutes=2)
# of more groups than that all of an array is listed at once
FEW = 3
# after so many intervals all is written again, whatever it was
KEPT_ROUNDS = 10


class Seen(NamedTuple):
    """What the arrays said of a group; the points by source site."""

    points: dict[str, list[base.Point]]
    status: base.Status | None


class Kept(NamedTuple):
    """What was written down of a group of a version.

    :ivar current: the points of its direction and epoch.
    :ivar until: from then on time alone may have changed a condition.
    """

    reader: reading.Reader
    version: rounds.Version
    seen: Seen
    current: list[base.Point]
    until: datetime.datetime

    def holds(self, version: rounds.Version, now: datetime.datetime) -> bool:
        return version == self.version and now <= self.until


class Observer:
    """Call ``run`` often: it looks at what is due.

    Everything is due at each ``[engine] observe_interval``; in between are
    due the groups of a new version, and those with a transfer under way.
    What is as it was is not written again.
    """

    def __init__(self, runtime: Any) -> None:
        self._runtime = runtime
        self._clock = runtime.clock
        self._rounds = rounds.Rounds(
            runtime, runtime.conf.engine.observe_interval
        )
        self._kept: dict[str, Kept] = {}

    def run(self) -> None:
        if self._rounds.begin():
            self._peers()
        due = self._rounds.due()
        driver = self._runtime.storage.reader(reading.forbid)
        if len(due) > FEW:
            driver = driver.glance()
        for group_id, version in due.items():
            busy = self._group(group_id, version, driver)
            self._rounds.looked(group_id, version, 0 if busy else math.inf)

    # -- the peer

    def _peers(self) -> None:
        with self._runtime.db.reader() as session:
            peers = site_rows.remote_sites(session)
        for site in peers:
            try:
                self._compare(site)
                self._reached(site.id, c.SiteStatus.ACTIVE, None)
            except exception.ServiceUnavailable as e:
                self._reached(site.id, c.SiteStatus.UNREACHABLE, e.message)
            except exception.ProtectorError as e:
                self._reached(site.id, c.SiteStatus.ERROR, e.message)
            except Exception:
                LOG.exception("Site %s could not be compared with", site.id)
                self._reached(
                    site.id,
                    c.SiteStatus.ERROR,
                    "Its answer was not understood.",
                )

    def _compare(self, site: models.Site) -> None:
        """What the peer holds of each group, against what is held here."""
        peer = access.clients(self._runtime, site).peer
        began = self._runtime.clock.now()
        theirs = {held["id"]: held for held in peer.all_groups()}
        told = {
            group_id: split.triple(held) for group_id, held in theirs.items()
        }
        # it tells that itself
        deleted = {i for i, held in theirs.items() if held.get("deleted")}
        adoption.compare(self._runtime, site, list(theirs.values()))
        now = self._runtime.clock.now()
        with self._runtime.db.writer() as session:
            other = [
                group_id
                for group_id in histories.comparable(session, site.id, began)
                if group_id not in deleted
                and not self._held_there(
                    session, group_id, told.get(group_id), now
                )
            ]
            metadata_sync.send_soon(session, theirs, now)
            _claimed(session, theirs)
            self._fenced(session, site.name, theirs, now)
            # a site before this release does not tell
            going = {
                group_id: held["drill_id"]
                for group_id, held in theirs.items()
                if "drill_id" in held
            }
            drills.forgotten(session, going, site.id, now, began - LATELY)
        for group_id in other:
            split.show(self._runtime, site, group_id)

    def _held_there(
        self,
        session: orm.Session,
        group_id: str,
        told: metadata.Triple | None,
        now: datetime.datetime,
    ) -> bool:
        """Keep what the peer holds of a group, if it is of one history with
        what is held here; whether it is."""
        group = protection_groups.find(session, group_id)
        sync = metadata_sync.find(session, group_id)
        if group is None or sync is None:
            return True
        if any(
            histories.divergence(
                group, sync, told, self._runtime.local_site_id
            )
        ):
            return False
        if told is not None:
            metadata_sync.confirm(session, group_id, told, now)
            if told.epoch <= sync.epoch:
                # what is newer there was refused as another history
                histories.joined(session, group, now)
        return True

    def _fenced(
        self,
        session: orm.Session,
        site_name: str,
        theirs: dict[str, Json],
        now: Any,
    ) -> None:
        """The other site tells of what groups left there: whether all of it
        is down."""
        for group_id, held in theirs.items():
            group = protection_groups.find(session, group_id)
            if (
                group is None
                or group.current_primary_site_id != self._runtime.local_site_id
                or held["epoch"] != group.epoch
            ):
                continue
            if held.get("source_fenced"):
                conditions.fenced(group, [], now)
            elif held.get("source_fenced") is False:
                conditions.unfenced_there(group, site_name, now)

    def _reached(self, site_id: str, status: str, reason: str | None) -> None:
        now = self._runtime.clock.now()
        either = sa.or_(
            Group.primary_site_id == site_id,
            Group.secondary_site_id == site_id,
        )
        with self._runtime.db.writer() as session:
            site_rows.reached(session, site_id, status, reason, now)
            groups = session.scalars(
                sa.select(Group)
                .where(Group.deleted == "", either)
                .options(orm.undefer(Group.findings))
            ).all()
            held = metadata_sync.of(session, [g.id for g in groups])
            for group in groups:
                conditions.peer(group, reason, now)
                conditions.sync(group, held.get(group.id), now)
            checkups.ready(session, groups, now)

    # -- the arrays

    def _group(
        self, group_id: str, version: rounds.Version, driver: Any
    ) -> bool:
        """Look at one group; whether a transfer of it is under way."""
        kept = self._kept.pop(group_id, None)
        try:
            if kept is None or not kept.holds(version, self._clock.now()):
                reader = reading.Reader.of(self._runtime, group_id)
                kept = self._written(reader, version, _look(reader, driver))
            elif (seen := _look(kept.reader, driver)) != kept.seen:
                kept = self._written(kept.reader, version, seen)
        except exception.NotFound:
            return False
        except exception.ProtectorError as e:
            self._unhealthy(group_id, e)
            return False
        except Exception:
            LOG.exception("Group %s could not be observed", group_id)
            self._unhealthy(
                group_id,
                exception.ProtectorError("It could not be observed."),
            )
            return False
        self._kept[group_id] = kept
        return _in_transfer(kept)

    def _written(
        self, reader: reading.Reader, version: rounds.Version, seen: Seen
    ) -> Kept:
        scene, found = reader.scene, _found(reader, seen)
        now = self._clock.now()
        for attempt in self._runtime.db.retrying():
            with attempt, self._runtime.db.writer() as session:
                self._keep(session, scene, found, seen.status)
        current = _current(scene.group, found)
        seconds = self._runtime.conf.engine.observe_interval
        until = [now + datetime.timedelta(seconds=seconds * KEPT_ROUNDS)]
        complete = [p.created for p in current if p.complete]
        if complete:
            ages = conditions.ages(scene.settings)
            turns = [
                max(complete) + datetime.timedelta(seconds=a) for a in ages
            ]
            until += [t for t in turns if t > now]
        return Kept(reader, version, seen, current, min(until))

    def _keep(
        self,
        session: orm.Session,
        scene: scenes.Scene,
        found: point_rows.Found,
        status: base.Status | None,
    ) -> None:
        now = self._runtime.clock.now()
        # another engine of the site may look at the same time
        group = protection_groups.lock(session, scene.group.id)
        if protection_groups.moved(scene.group, group):
            # what was read is of a direction that is over
            return
        kept_days = self._runtime.conf.replication.history_days
        point_rows.keep(session, scene, found, kept_days)
        current = _current(group, found)
        _recoverable(session, scene, current)
        group.last_replication_at = max(
            (p.completed for p in current if p.completed), default=None
        )
        primary = group.current_primary_site_id
        volumes = replication.array_volumes(scene.settled_members, primary)
        conditions.replication(group, status, now, volumes)
        self._follow(session, group, now)

    def _unhealthy(
        self, group_id: str, error: exception.ProtectorError
    ) -> None:
        now = self._runtime.clock.now()
        with self._runtime.db.writer() as session:
            group = protection_groups.find(session, group_id)
            if group is not None:
                conditions.replication_unknown(group, error, now)
                self._follow(session, group, now)

    def _follow(self, session: orm.Session, group: Group, now: Any) -> None:
        """The conditions that follow from others."""
        settings = scenes.settings(session, self._runtime.conf, group.id)
        empty = not members.counts(session, [group.id]).get(group.id)
        points = recovery_points.newest_complete(session, [group.id])
        newest = points.get(group.id)
        conditions.rpo(group, newest, empty, settings.rpo_seconds, now)
        interval = settings.schedule.interval
        conditions.on_time(group, newest, empty, interval, now)
        checkups.ready(session, [group], now)


def _claimed(session: orm.Session, theirs: dict[str, Json]) -> None:
    """What the other site claims is seen before its first document comes,
    if one ever does."""
    for group_id, held in theirs.items():
        # a site before this release does not tell
        epoch = held.get("claimed_epoch", 0)
        group = protection_groups.find(session, group_id)
        if group is not None and group.epoch_seen < epoch:
            protection_groups.see_epoch(
                protection_groups.lock(session, group_id), epoch
            )


def _look(reader: reading.Reader, driver: Any) -> Seen:
    """:param driver: the reader's own, or its glance at many groups."""
    scene, points = reader.scene, {}
    for site_id in (scene.local_site_id, scene.peer_site_id):
        if scene.side(site_id).array_group:
            points[site_id] = driver.list_points(reader.direction(site_id))
    source, status = scene.group.current_primary_site_id, None
    if scene.side(source).array_group:
        status = driver.status(reader.direction(source))
    return Seen(points, status)


def _in_transfer(kept: Kept) -> bool:
    """Whether a point is under way, and soon to be looked at again.  Where
    nothing is sent it only cannot be used now."""
    status = kept.seen.status
    if status is not None and status.synchronous:
        return False
    return any(not point.complete for point in kept.current)


def _found(reader: reading.Reader, seen: Seen) -> point_rows.Found:
    """With the epoch of each point."""
    known, found = reader.known_epochs(), []
    for site_id, points in seen.points.items():
        epochs = replication.epochs(points, known)
        found += [(site_id, p, epochs[p.name]) for p in points]
    return found


def _current(group: Group, found: point_rows.Found) -> list[base.Point]:
    """The points of today's direction and epoch."""
    return [
        point
        for site_id, point, epoch in found
        if site_id == group.current_primary_site_id and epoch == group.epoch
    ]


def _recoverable(
    session: orm.Session, scene: scenes.Scene, current: list[base.Point]
) -> None:
    """A member is recoverable since its first complete point of today's
    direction and epoch; if the newest ones lack a volume of it, as of the
    newest that has all."""
    source = scene.group.current_primary_site_id
    complete = sorted(
        (p for p in current if p.complete), key=lambda p: p.created
    )
    for member in scene.settled_members:
        wanted = {v.array_volume for v in member.volumes_at(source)}
        whole = [p for p in complete if wanted and wanted <= p.volumes]
        row = session.get(models.Member, member.id)
        if row is None:
            continue
        if not whole:
            row.recoverable_at = None
        elif whole[-1] is not complete[-1]:
            row.recoverable_at = whole[-1].completed
        elif row.recoverable_at is None:
            row.recoverable_at = whole[0].completed
