# SPDX-License-Identifier: Apache-2.0
"""Rows of tenant mappings: which project here is which at a peer."""

import datetime
from typing import Any
import uuid

import sqlalchemy as sa
from sqlalchemy import orm

from protector import exception
from protector.db import models
from protector.db.api import listing

Mapping = models.TenantMapping


def get(session: orm.Session, mapping_id: str) -> Mapping:
    """:raises NotFound: there is no such mapping."""
    mapping = session.get(Mapping, mapping_id)
    if mapping is None:
        raise exception.NotFound(
            f"There is no tenant mapping {mapping_id}.", id=mapping_id
        )
    return mapping


def remote_project(
    session: orm.Session, project_id: str, site_id: str
) -> str | None:
    """The project at a peer that a project here is mapped to."""
    return session.scalars(
        sa.select(Mapping.remote_project_id).where(
            Mapping.local_project_id == project_id,
            Mapping.remote_site_id == site_id,
        )
    ).one_or_none()


def local_project(
    session: orm.Session, remote_project_id: str, site_id: str
) -> str | None:
    """The project here that a project at a peer is mapped to."""
    return session.scalars(
        sa.select(Mapping.local_project_id).where(
            Mapping.remote_project_id == remote_project_id,
            Mapping.remote_site_id == site_id,
        )
    ).one_or_none()


def page(session: orm.Session, wanted: listing.Wanted) -> listing.Page:
    return listing.page(session, sa.select(Mapping), Mapping, wanted)


def add(
    session: orm.Session, now: datetime.datetime, values: dict[str, Any]
) -> Mapping:
    """A new mapping.

    :param values: local_project_id, remote_site_id, remote_project_id.
    :raises NameTaken: one of the projects is mapped already.
    """
    taken = session.scalars(
        sa.select(Mapping).where(
            Mapping.remote_site_id == values["remote_site_id"],
            sa.or_(
                Mapping.local_project_id == values["local_project_id"],
                Mapping.remote_project_id == values["remote_project_id"],
            ),
        )
    ).first()
    if taken is not None:
        raise exception.NameTaken(
            f"Tenant mapping {taken.id} maps project "
            f"{taken.local_project_id} to {taken.remote_project_id} at that "
            "site already.",
            remedy="Delete that mapping first.",
            id=taken.id,
        )
    mapping = Mapping(id=str(uuid.uuid4()), created_at=now, **values)
    session.add(mapping)
    session.flush()
    return mapping


def remove(session: orm.Session, mapping: Mapping) -> None:
    """Groups that exist are not touched: they keep their projects."""
    session.delete(mapping)
    session.flush()
