# SPDX-License-Identifier: Apache-2.0
"""Which groups a periodic look takes up, and when.  Looks at nothing."""

import math
from typing import Any

import sqlalchemy as sa

from protector import constants as c
from protector.db import models

Group = models.ProtectionGroup
Version = tuple[int, int]


class Rounds:
    """All groups are due at each interval; in between are due those of a new
    version, and those that are to be looked at again sooner.

    :param seconds: the interval.
    :param where: what else a group must be; without it everyone that is made.
    """

    def __init__(self, runtime: Any, seconds: float, *where: Any) -> None:
        self._runtime = runtime
        self._seconds = seconds
        self._where = where
        self._next = 0.0
        # version of the group at the last look, and when it is due again
        self._seen: dict[str, tuple[Version, float]] = {}

    def begin(self) -> bool:
        """Whether the interval has passed; then all groups are due."""
        now = self._runtime.clock.monotonic()
        if now < self._next:
            return False
        self._next = now + self._seconds
        self._seen = {}
        return True

    def due(self) -> dict[str, Version]:
        """The versions of the groups that are due, by id."""
        statement = sa.select(
            Group.id, Group.epoch, Group.metadata_version
        ).where(
            Group.deleted == "",
            Group.status != c.GroupStatus.CREATING,
            *self._where,
        )
        with self._runtime.db.reader() as session:
            found = {i: (e, v) for i, e, v in session.execute(statement)}
        self._seen = {k: v for k, v in self._seen.items() if k in found}
        now = self._runtime.clock.monotonic()
        return {
            group_id: version
            for group_id, version in found.items()
            if not self._over(group_id, version, now)
        }

    def _over(self, group_id: str, version: Version, now: float) -> bool:
        """Whether this version was looked at, and long enough."""
        seen, due = self._seen.get(group_id, (None, now))
        return seen == version and now < due

    def looked(
        self, group_id: str, version: Version, again: float = math.inf
    ) -> None:
        """:param again: seconds until it is due, if not for another reason."""
        due = self._runtime.clock.monotonic() + again
        self._seen[group_id] = (version, due)
