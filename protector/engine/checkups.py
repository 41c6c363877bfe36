# SPDX-License-Identifier: Apache-2.0
"""Preflight of every group from time to time, so that what is in the way of
a move is known before somebody needs it.  Changes nothing outside.

Apart from the observer: a cloud that does not answer costs a preflight some
timeouts, and must not hold up the look at the recovery points.
"""

import collections
from collections.abc import Sequence
import datetime
import math
from typing import Any

from oslo_log import log as logging
import sqlalchemy as sa
from sqlalchemy import orm

from protector import constants as c
from protector import exception
from protector.db import models
from protector.db.api import histories, protection_groups
from protector.engine import (
    conditions,
    preflight,
    quarantine,
    reading,
    rounds,
)
from protector.engine import scene as scenes
from protector.engine.finding import Code, Finding

LOG = logging.getLogger(__name__)
Group = models.ProtectionGroup
# what is told of a server left behind that was looked at
SEEN = frozenset(
    {
        Code.PARKED_SERVER_GONE,
        Code.PARKED_SERVER_UNUSABLE,
        Code.PARKED_SERVER_RUNS,
    }
)


class Checkups:
    """Call ``run`` often: it looks at what is due, by ``[engine]
    preflight_interval``, and not while an operation changes the group.  What
    stops a move is looked at again by ``observe_interval``: most of it is
    over soon, and nobody should be told of it for longer.

    :param runtime: with ``clock``, ``conf`` and ``db``.
    """

    def __init__(self, runtime: Any) -> None:
        self._runtime = runtime
        self._rounds = rounds.Rounds(
            runtime,
            runtime.conf.engine.preflight_interval,
            Group.operation_id.is_(None),
        )

    def run(self) -> None:
        self._rounds.begin()
        soon = self._runtime.conf.engine.observe_interval
        silence: preflight.Silence = {}
        for group_id, version in self._rounds.due().items():
            stopped = self._group(group_id, silence)
            self._rounds.looked(
                group_id, version, soon if stopped else math.inf
            )

    def _group(self, group_id: str, silence: preflight.Silence) -> bool:
        """Look at one group; whether something stops its move."""
        try:
            reader = reading.Reader.of(self._runtime, group_id)
            scene = reader.scene
            source = scene.group.current_primary_site_id
            found = preflight.check(
                reader,
                source,
                scene.other(source),
                preflight.HEALTH,
                silence,
            )
            self._store(scene, found)
            return bool(preflight.errors(found))
        except exception.ProtectorError as e:
            LOG.info("Group %s was not checked: %s", group_id, e)
        except Exception:
            LOG.exception("Group %s could not be checked", group_id)
        return False

    def _store(self, scene: scenes.Scene, found: list[Finding]) -> None:
        now = self._runtime.clock.now()
        with self._runtime.db.writer() as session:
            group = protection_groups.find(session, scene.group.id)
            if group is None or protection_groups.moved(scene.group, group):
                return
            group.findings = {
                "at": now.isoformat(),
                "findings": [f.as_dict() for f in found],
            }
            _fenced(scene, group, found, now)
            ready(session, [group], now)


def _is_there(group: Group, local_site_id: str) -> bool:
    """Whether the group runs at the other site and is not being moved, by
    records that nobody disputes."""
    return (
        group.current_primary_site_id != local_site_id
        and group.operation_id is None
        and not histories.is_split(group)
    )


def _fenced(
    scene: scenes.Scene,
    group: Group,
    found: list[Finding],
    now: datetime.datetime,
) -> None:
    """Say anew whether what the group left at this site is down, if that was
    seen.

    What an unplanned move left running here is the quarantine's, which comes
    first: later it is shown like what was parked, and stopped no more.
    """
    here = scene.local_site_id
    if not _is_there(group, here):
        return
    if c.Condition.SOURCE_FENCED not in group.conditions:
        if quarantine.stale(scene, here) or not _parked(scene, here):
            return
    told = [f for f in found if f.check == preflight.PARKED_SERVERS]
    runs = [f for f in told if f.code == Code.PARKED_SERVER_RUNS]
    if runs and group.status != protection_groups.resting_status(group):
        # a move that did not come to its end may have started it
        return
    if runs or _all_down(scene, told, here):
        conditions.parked_runs(group, [(f.message, f.fix) for f in runs], now)


def _all_down(scene: scenes.Scene, told: list[Finding], site_id: str) -> bool:
    """Whether all that waits at the site was looked at, and none of it runs
    by what was told."""
    # what was fenced has its live copy where a move begins, and always is
    looked_at = scene.movable(scene.other(site_id))
    return all(f.code in SEEN for f in told) and all(
        m in looked_at for m in _parked(scene, site_id)
    )


def _parked(scene: scenes.Scene, site_id: str) -> list[models.Member]:
    found = []
    for member in scene.members:
        copy = member.copy(site_id)
        if copy and copy.server_id and copy.role == c.CopyRole.PARKED:
            found.append(member)
    return found


def ready(
    session: orm.Session, groups: Sequence[Group], now: datetime.datetime
) -> None:
    """Say anew whether the groups can be failed over."""
    statement = sa.select(models.Member).where(
        models.Member.protection_group_id.in_([g.id for g in groups])
    )
    members = collections.defaultdict(list)
    for member in session.scalars(statement):
        members[member.protection_group_id].append(member)
    for group in groups:
        conditions.failover_ready(group, members[group.id], now)
