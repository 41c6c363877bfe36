# SPDX-License-Identifier: Apache-2.0
"""Rows of sites: this one and those registered here.

The only writer of a site's status.  Credentials arrive here sealed.
"""

import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from protector import constants as c
from protector import exception
from protector.db import models
from protector.db.api import protection_groups

Site = models.Site
Group = models.ProtectionGroup


def local(session: orm.Session) -> Site:
    """The record of the site that this database belongs to.

    :raises ProtectorError: ``protector-manage site init`` was not run.
    """
    site = find_local(session)
    if site is None:
        raise exception.ProtectorError(
            "This site has no record of itself.",
            remedy="Run 'protector-manage site init --name <name>'.",
        )
    return site


def find_local(session: orm.Session) -> Site | None:
    return session.scalars(
        sa.select(Site).where(Site.is_local.is_(True))
    ).one_or_none()


def get(session: orm.Session, site_id: str) -> Site:
    """:raises NotFound: no such site is registered."""
    site = session.get(Site, site_id)
    if site is None:
        raise exception.NotFound(
            f"There is no site {site_id}.",
            remedy="List the sites and use one of those.",
            id=site_id,
        )
    return site


def find(session: orm.Session, id_or_name: str) -> Site | None:
    """By id, else by name."""
    return (
        session.get(Site, id_or_name)
        or session.scalars(
            sa.select(Site).where(Site.name == id_or_name)
        ).one_or_none()
    )


def remote_sites(session: orm.Session) -> list[Site]:
    """The registered peers, by name."""
    statement = sa.select(Site).where(Site.is_local.is_(False))
    return list(session.scalars(statement.order_by(Site.name)))


def projects(session: orm.Session, site: Site, limit: int) -> list[str]:
    """Some of the tenants' projects at a site: of its groups, and mapped
    ones."""
    mapping = models.TenantMapping
    mapped = (
        sa.select(mapping.local_project_id)
        if site.is_local
        else sa.select(mapping.remote_project_id).where(
            mapping.remote_site_id == site.id
        )
    )
    statement = sa.union(
        sa.select(Group.primary_project_id).where(
            Group.primary_site_id == site.id, Group.deleted == ""
        ),
        sa.select(Group.secondary_project_id).where(
            Group.secondary_site_id == site.id, Group.deleted == ""
        ),
        mapped,
    )
    return list(session.scalars(statement.limit(limit)))


def add(
    session: orm.Session, now: datetime.datetime, values: dict[str, Any]
) -> Site:
    """A new site, status active.

    :param values: columns; ``id`` is the site's own id.
    :raises NameTaken: the id or the name is registered.
    """
    known = session.get(Site, values["id"])
    if known is not None:
        raise exception.NameTaken(
            f"Site {known.id} is registered already, as {known.name}.",
            remedy="Update the registered site instead.",
            id=known.id,
        )
    _check_name(session, values["name"], values["id"])
    site = Site(
        **{
            "description": "",
            "is_local": False,
            "verify": True,
            "status": c.SiteStatus.ACTIVE,
            "capabilities": {},
            "lost": False,
            "created_at": now,
            **values,
        }
    )
    session.add(site)
    session.flush()
    return site


def update(
    session: orm.Session,
    now: datetime.datetime,
    site: Site,
    values: dict[str, Any],
) -> None:
    """Set columns of a registered site.

    :raises NameTaken: another site has the name.
    """
    if "name" in values:
        _check_name(session, values["name"], site.id)
    for name, value in values.items():
        setattr(site, name, value)
    # they were about the site as it was registered before
    site.failed_checks = None
    site.updated_at = now
    session.flush()


def _check_name(session: orm.Session, name: str, site_id: str) -> None:
    other = session.scalars(
        sa.select(Site).where(Site.name == name, Site.id != site_id)
    ).one_or_none()
    if other is not None:
        raise exception.NameTaken(
            f"Site {other.id} has the name {name} already.", id=other.id
        )


def declare_lost(
    session: orm.Session, now: datetime.datetime, site: Site, user_id: str
) -> None:
    """The site is gone for good: its groups go on without it.

    :raises BadRequest: it is the local one.
    :raises InvalidStatus: it answers.
    """
    if site.is_local:
        raise exception.BadRequest(
            f"Site {site.name} is this site: it cannot be declared lost.",
            remedy="Declare it lost at the other site.",
        )
    if _answers(site) and not site.lost:
        raise exception.InvalidStatus(
            f"Site {site.name} answered when it was last looked at.",
            remedy="Wait until its status is unreachable.",
            status=site.status,
        )
    if not site.lost:
        site.lost_at, site.lost_by = now, user_id
    site.lost = True
    for group in _groups(session, site):
        protection_groups.set_condition(
            group,
            c.Condition.UNPROTECTED,
            True,
            "SiteLost",
            f"Site {site.name} was declared lost: nothing protects the group.",
            now,
        )
        # should it return, it is looked at anew
        protection_groups.drop_conditions(
            group, c.Condition.SPLIT, c.Condition.PEER_REGRESSED
        )
    _end_drills(session, site, now)


def take_back(
    session: orm.Session, now: datetime.datetime, site: Site
) -> None:
    """The site is not lost after all."""
    site.lost, site.lost_at, site.lost_by = False, None, None
    for group in _groups(session, site):
        if c.Condition.UNPROTECTED in group.conditions:
            protection_groups.set_condition(
                group,
                c.Condition.UNPROTECTED,
                False,
                "SiteKnown",
                f"Site {site.name} is not declared lost.",
                now,
            )


def _groups(session: orm.Session, site: Site) -> list[Group]:
    statement = sa.select(Group).where(
        sa.or_(
            Group.primary_site_id == site.id,
            Group.secondary_site_id == site.id,
        ),
        Group.deleted == "",
    )
    return list(session.scalars(statement))


def _end_drills(
    session: orm.Session, site: Site, now: datetime.datetime
) -> None:
    """The leases of the drills here end, so that they are removed; those
    there are out of reach."""
    ids = [group.id for group in _groups(session, site)]
    drill = models.Drill
    for row in session.scalars(
        sa.select(drill).where(
            drill.protection_group_id.in_(ids),
            drill.status != c.DrillStatus.ENDED,
        )
    ):
        if row.site_id != site.id:
            row.expires_at = now


def remove(session: orm.Session, site: Site) -> None:
    """Forget a registered site and its tenant mappings.

    :raises SiteInUse: a protection group names it.
    :raises BadRequest: it is the local one.
    """
    if site.is_local:
        raise exception.BadRequest(
            f"Site {site.name} is this site: it cannot be removed.",
            remedy="Remove the registration at the other site instead.",
        )
    used = session.scalar(
        sa.select(sa.func.count())
        .select_from(Group)
        .where(
            sa.or_(
                Group.primary_site_id == site.id,
                Group.secondary_site_id == site.id,
            )
        )
    )
    if used:
        raise exception.SiteInUse(
            f"Site {site.name} is used by {used} protection group(s).",
            groups=used,
        )
    session.execute(
        sa.delete(models.Tombstone).where(models.Tombstone.site_id == site.id)
    )
    session.execute(
        sa.delete(models.TenantMapping).where(
            models.TenantMapping.remote_site_id == site.id
        )
    )
    session.delete(site)
    session.flush()


def _answers(site: Site) -> bool:
    """Whether it did when it was last looked at."""
    return site.status == c.SiteStatus.ACTIVE or (
        site.failed_checks is not None
        and site.status_reason == site.failed_checks
    )


def reached(
    session: orm.Session,
    site_id: str,
    status: str,
    reason: str | None,
    now: datetime.datetime,
) -> None:
    """Record what the last look at a site found.

    A site that answers, but failed its validation, has an error until a
    validation passes or its registration changes.

    :param reason: why, for the user; None when all is well.
    :raises NotFound: no such site is registered.
    """
    site = get(session, site_id)
    if status == c.SiteStatus.ACTIVE and site.failed_checks is not None:
        status, reason = c.SiteStatus.ERROR, site.failed_checks
    site.status = status
    site.status_reason = reason
    site.checked_at = now


def validated(
    session: orm.Session,
    site_id: str,
    failed_checks: str | None,
    now: datetime.datetime,
) -> None:
    """Record what a validation of a site found.

    :param failed_checks: what failed, for the user; None if nothing did.
    :raises NotFound: no such site is registered.
    """
    get(session, site_id).failed_checks = failed_checks
    reached(session, site_id, c.SiteStatus.ACTIVE, None, now)
