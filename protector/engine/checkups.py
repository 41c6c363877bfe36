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

from protector import exception
from protector.db import models
from protector.db.api import protection_groups
from protector.engine import conditions, preflight, reading, rounds
from protector.engine.finding import Finding

LOG = logging.getLogger(__name__)
Group = models.ProtectionGroup


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
            self._store(scene.group, found)
            return bool(preflight.errors(found))
        except exception.ProtectorError as e:
            LOG.info("Group %s was not checked: %s", group_id, e)
        except Exception:
            LOG.exception("Group %s could not be checked", group_id)
        return False

    def _store(self, seen: Group, found: list[Finding]) -> None:
        now = self._runtime.clock.now()
        with self._runtime.db.writer() as session:
            group = protection_groups.find(session, seen.id)
            if group is None or protection_groups.moved(seen, group):
                return
            group.findings = {
                "at": now.isoformat(),
                "findings": [f.as_dict() for f in found],
            }
            ready(session, [group], now)


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
