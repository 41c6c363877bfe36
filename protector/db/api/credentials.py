# SPDX-License-Identifier: Apache-2.0
"""Every column that holds a sealed credential, for changing the key."""

from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy import orm

from protector.db import models

SEALED = (
    (models.Site, "sealed_password"),
    (models.ReplicationPolicy, "sealed_primary_fa_api_token"),
    (models.ReplicationPolicy, "sealed_secondary_fa_api_token"),
)


def reseal(session: orm.Session, seal: Callable[[str], str]) -> int:
    """Pass each sealed value through ``seal``; how many there were."""
    count = 0
    for model, name in SEALED:
        column = getattr(model, name)
        rows = session.scalars(sa.select(model).where(column.is_not(None)))
        for row in rows:
            setattr(row, name, seal(getattr(row, name)))
            count += 1
    return count
