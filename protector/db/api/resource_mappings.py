# SPDX-License-Identifier: Apache-2.0
"""Rows of resource mappings: read here, written by the engine's settling."""

from typing import Any

from sqlalchemy import orm

from protector.db import models

KINDS = (
    "networks",
    "flavors",
    "security_groups",
    "keypairs",
    "availability_zones",
    "boot_tiers",
)


def get(session: orm.Session, group_id: str) -> dict[str, list[Any]]:
    """The mappings of a group, every kind present."""
    row = session.get(models.ResourceMapping, group_id)
    found = row.mappings if row is not None else {}
    return {kind: [] for kind in KINDS} | found
