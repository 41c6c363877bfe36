# SPDX-License-Identifier: Apache-2.0
"""All tables.

Declares columns, keys and indexes only: no query, no default that depends
on the process.  Migrations must lead to exactly this (a test compares).
"""

import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from protector.db import types

CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}
Json = dict[str, Any]


class Base(orm.DeclarativeBase):
    metadata = sa.MetaData(naming_convention=CONVENTION)
    type_annotation_map = {
        str: sa.String(255),
        datetime.datetime: types.UtcDateTime,
        Json: sa.JSON(none_as_null=True),
        list[Any]: sa.JSON(none_as_null=True),
        float: sa.Double(),
    }
    __table_args__: Any = {
        "mysql_engine": "InnoDB",
        "mysql_charset": "utf8mb4",
    }


def uuid_key() -> orm.Mapped[str]:
    return orm.mapped_column(types.Uuid, primary_key=True)


def group_key(**kw: Any) -> orm.Mapped[str]:
    return orm.mapped_column(
        types.Uuid,
        sa.ForeignKey("protection_groups.id", ondelete="CASCADE"),
        **kw,
    )


def member_key(**kw: Any) -> orm.Mapped[Any]:
    return orm.mapped_column(
        types.Uuid, sa.ForeignKey("members.id", ondelete="CASCADE"), **kw
    )


def keyset(*columns: str) -> sa.Index:
    """Serves a list in the order of the last column, the id between ties."""
    return sa.Index(None, *columns, "id")


class Times:
    created_at: orm.Mapped[datetime.datetime]
    updated_at: orm.Mapped[datetime.datetime | None]


class Site(Times, Base):
    """A registered OpenStack cloud; ``id`` is the site's own."""

    __tablename__ = "sites"
    __table_args__ = (sa.UniqueConstraint("name"), Base.__table_args__)

    id: orm.Mapped[str] = uuid_key()
    name: orm.Mapped[str]
    description: orm.Mapped[str] = orm.mapped_column(sa.Text)
    is_local: orm.Mapped[bool]
    auth_url: orm.Mapped[str | None] = orm.mapped_column(sa.String(1024))
    region_name: orm.Mapped[str | None]
    endpoint: orm.Mapped[str | None] = orm.mapped_column(sa.String(1024))
    username: orm.Mapped[str | None]
    # Fernet token, see protector.secrets; never leaves the process in clear
    sealed_password: orm.Mapped[str | None] = orm.mapped_column(sa.Text)
    user_domain_name: orm.Mapped[str | None]
    project_name: orm.Mapped[str | None]
    project_domain_name: orm.Mapped[str | None]
    cacert: orm.Mapped[str | None] = orm.mapped_column(sa.Text)
    verify: orm.Mapped[bool]
    status: orm.Mapped[str] = orm.mapped_column(sa.String(32))
    status_reason: orm.Mapped[str | None] = orm.mapped_column(sa.Text)
    # what the last validation found wrong
    failed_checks: orm.Mapped[str | None] = orm.mapped_column(sa.Text)
    checked_at: orm.Mapped[datetime.datetime | None]
    capabilities: orm.Mapped[Json]
    # declared lost for good: when, and by whom
    lost: orm.Mapped[bool]
    lost_at: orm.Mapped[datetime.datetime | None]
    lost_by: orm.Mapped[str | None] = orm.mapped_column(sa.String(64))


class TenantMapping(Times, Base):
    __tablename__ = "tenant_mappings"
    __table_args__ = (
        sa.UniqueConstraint("local_project_id", "remote_site_id"),
        sa.UniqueConstraint("remote_site_id", "remote_project_id"),
        keyset("created_at"),
        Base.__table_args__,
    )

    id: orm.Mapped[str] = uuid_key()
    local_project_id: orm.Mapped[str] = orm.mapped_column(sa.String(64))
    remote_site_id: orm.Mapped[str] = orm.mapped_column(
        types.Uuid, sa.ForeignKey("sites.id")
    )
    remote_project_id: orm.Mapped[str] = orm.mapped_column(sa.String(64))


class ProtectionGroup(Times, Base):
    __tablename__ = "protection_groups"
    __table_args__ = (
        # a tombstone keeps its row but gives its name back
        sa.UniqueConstraint("project_id", "name", "deleted"),
        sa.Index(
            "ix_protection_groups_keyset", "project_id", "created_at", "id"
        ),
        sa.Index("ix_protection_groups_created_at", "created_at", "id"),
        keyset("project_id"),
        *(keyset(key) for key in ("name", "status")),
        *(keyset("project_id", key) for key in ("name", "status")),
        Base.__table_args__,
    )

    id: orm.Mapped[str] = uuid_key()
    # the project at this site; the pair is frozen at creation
    project_id: orm.Mapped[str] = orm.mapped_column(sa.String(64))
    primary_project_id: orm.Mapped[str] = orm.mapped_column(sa.String(64))
    secondary_project_id: orm.Mapped[str] = orm.mapped_column(sa.String(64))
    name: orm.Mapped[str]
    description: orm.Mapped[str] = orm.mapped_column(sa.Text)
    replication_type: orm.Mapped[str] = orm.mapped_column(sa.String(16))
    primary_site_id: orm.Mapped[str] = orm.mapped_column(types.Uuid)
    secondary_site_id: orm.Mapped[str] = orm.mapped_column(types.Uuid)
    current_primary_site_id: orm.Mapped[str] = orm.mapped_column(types.Uuid)
    volume_type_id: orm.Mapped[str] = orm.mapped_column(sa.String(64))
    status: orm.Mapped[str] = orm.mapped_column(sa.String(32))
    # the verb that put the group in error
    error_verb: orm.Mapped[str | None] = orm.mapped_column(sa.String(32))
    epoch: orm.Mapped[int]
    # highest epoch held, seen or asked for
    epoch_seen: orm.Mapped[int]
    # {"site_id", "operation_id", "parent": {epoch, version, checksum}}
    claim: orm.Mapped[Json | None]
    metadata_version: orm.Mapped[int]
    # the exclusive slot: the operation that may change the group
    operation_id: orm.Mapped[str | None] = orm.mapped_column(types.Uuid)
    last_operation_id: orm.Mapped[str | None] = orm.mapped_column(types.Uuid)
    failover_count: orm.Mapped[int]
    last_failover_at: orm.Mapped[datetime.datetime | None]
    last_replication_at: orm.Mapped[datetime.datetime | None]
    # {type: {status, reason, message, at, version}}
    conditions: orm.Mapped[Json]
    # of the last preflight: {"at", "findings": [...]}; only read where asked
    # for
    findings: orm.Mapped[Json | None] = orm.mapped_column(deferred=True)
    # "" while alive; the id once deleted, until the peer acknowledged
    deleted: orm.Mapped[str] = orm.mapped_column(sa.String(36))


class ConsistencyGroup(Base):
    __tablename__ = "consistency_groups"

    id: orm.Mapped[str] = uuid_key()
    protection_group_id: orm.Mapped[str] = group_key(unique=True)
    name: orm.Mapped[str]
    status: orm.Mapped[str] = orm.mapped_column(sa.String(32))
    sides: orm.Mapped[list["ConsistencyGroupSide"]] = orm.relationship(
        cascade="all, delete-orphan", lazy="selectin"
    )

    def side(self, site_id: str) -> "ConsistencyGroupSide":
        return next(s for s in self.sides if s.site_id == site_id)


class ConsistencyGroupSide(Base):
    """What the group is at one site, and the direction that starts there."""

    __tablename__ = "consistency_group_sides"

    consistency_group_id: orm.Mapped[str] = orm.mapped_column(
        types.Uuid,
        sa.ForeignKey("consistency_groups.id", ondelete="CASCADE"),
        primary_key=True,
    )
    site_id: orm.Mapped[str] = orm.mapped_column(types.Uuid, primary_key=True)
    cinder_group_id: orm.Mapped[str | None] = orm.mapped_column(types.Uuid)
    group_type_id: orm.Mapped[str | None] = orm.mapped_column(sa.String(64))
    volume_type_id: orm.Mapped[str] = orm.mapped_column(sa.String(64))
    volume_type_name: orm.Mapped[str]
    # Cinder's host@backend#pool
    backend_name: orm.Mapped[str | None]
    array_name: orm.Mapped[str | None]
    # the array group of the direction that starts at this site
    array_group: orm.Mapped[str | None]
    schedule_enabled: orm.Mapped[bool]


class Member(Times, Base):
    __tablename__ = "members"
    __table_args__ = (
        sa.UniqueConstraint("protection_group_id", "instance_id"),
        keyset("protection_group_id"),
        *(
            keyset("protection_group_id", key)
            for key in ("created_at", "instance_name", "status")
        ),
        Base.__table_args__,
    )

    id: orm.Mapped[str] = uuid_key()
    protection_group_id: orm.Mapped[str] = group_key()
    instance_id: orm.Mapped[str] = orm.mapped_column(types.Uuid)
    instance_name: orm.Mapped[str]
    # where the original server lives
    home_site_id: orm.Mapped[str] = orm.mapped_column(types.Uuid)
    status: orm.Mapped[str] = orm.mapped_column(sa.String(32))
    recipe: orm.Mapped[Json]
    warnings: orm.Mapped[list[Any]]
    recoverable_at: orm.Mapped[datetime.datetime | None]
    copies: orm.Mapped[list["MemberCopy"]] = orm.relationship(
        cascade="all, delete-orphan", lazy="selectin"
    )
    volumes: orm.Mapped[list["VolumeCopy"]] = orm.relationship(
        cascade="all, delete-orphan",
        lazy="selectin",
        order_by="VolumeCopy.ordinal",
    )

    def copy(self, site_id: str) -> "MemberCopy | None":
        return next((c for c in self.copies if c.site_id == site_id), None)

    def volumes_at(self, site_id: str) -> list["VolumeCopy"]:
        return [v for v in self.volumes if v.site_id == site_id]


class MemberCopy(Base):
    """The member's server, ports and addresses at one site."""

    __tablename__ = "member_copies"

    member_id: orm.Mapped[str] = member_key(primary_key=True)
    site_id: orm.Mapped[str] = orm.mapped_column(types.Uuid, primary_key=True)
    server_id: orm.Mapped[str | None] = orm.mapped_column(types.Uuid)
    role: orm.Mapped[str] = orm.mapped_column(sa.String(16))
    power_state: orm.Mapped[str | None] = orm.mapped_column(sa.String(32))
    # content here that exists nowhere else must not be overwritten without
    # an undo copy
    content_unique: orm.Mapped[bool]
    # Nova's last request when a planned move had stopped the server
    stop_request_id: orm.Mapped[str | None] = orm.mapped_column(sa.String(64))
    # [{"id", "network_id", "mac_address", "fixed_ips", "made"}] in NIC order
    ports: orm.Mapped[list[Any]]
    floating_ips: orm.Mapped[list[Any]]
    # ids of other objects that Protector made there: security groups, ...
    made: orm.Mapped[Json]


class VolumeCopy(Base):
    """One volume of a member at one site; ``ordinal`` 0 is the boot volume."""

    __tablename__ = "volume_copies"

    member_id: orm.Mapped[str] = member_key(primary_key=True)
    ordinal: orm.Mapped[int] = orm.mapped_column(
        primary_key=True, autoincrement=False
    )
    site_id: orm.Mapped[str] = orm.mapped_column(types.Uuid, primary_key=True)
    cinder_id: orm.Mapped[str | None] = orm.mapped_column(
        types.Uuid, index=True
    )
    name: orm.Mapped[str]
    size_gb: orm.Mapped[int]
    device: orm.Mapped[str | None] = orm.mapped_column(sa.String(64))
    boot_index: orm.Mapped[int]
    array_name: orm.Mapped[str | None]
    array_volume: orm.Mapped[str | None]
    serial: orm.Mapped[str | None] = orm.mapped_column(sa.String(64))
    # by Protector; None: recorded by a release that did not tell
    made: orm.Mapped[bool | None]


class ReplicationPolicy(Times, Base):
    __tablename__ = "replication_policies"

    id: orm.Mapped[str] = uuid_key()
    protection_group_id: orm.Mapped[str] = group_key(unique=True)
    pure_pg_name: orm.Mapped[str | None] = orm.mapped_column(sa.String(64))
    replication_interval_minutes: orm.Mapped[int]
    rpo_minutes: orm.Mapped[int]
    # {"all_for_hours", "per_day", "days"}
    retention: orm.Mapped[Json]
    prestage: orm.Mapped[bool]
    undo_retention_days: orm.Mapped[int]
    # site-local overrides, set by an admin; tokens sealed; never pushed
    primary_fa_url: orm.Mapped[str | None] = orm.mapped_column(sa.String(1024))
    secondary_fa_url: orm.Mapped[str | None] = orm.mapped_column(
        sa.String(1024)
    )
    sealed_primary_fa_api_token: orm.Mapped[str | None] = orm.mapped_column(
        sa.Text
    )
    sealed_secondary_fa_api_token: orm.Mapped[str | None] = orm.mapped_column(
        sa.Text
    )


class ResourceMapping(Times, Base):
    __tablename__ = "resource_mappings"

    protection_group_id: orm.Mapped[str] = group_key(primary_key=True)
    # the body of the mappings resource, ids resolved
    mappings: orm.Mapped[Json]


class Operation(Times, Base):
    __tablename__ = "operations"
    __table_args__ = (
        sa.Index("ix_operations_keyset", "project_id", "created_at", "id"),
        keyset("project_id"),
        *(keyset(key) for key in ("created_at", "kind", "status")),
        *(keyset("project_id", key) for key in ("kind", "status")),
        sa.Index("ix_operations_group", "protection_group_id", "created_at"),
        sa.Index("ix_operations_work", "status", "lease_until"),
        Base.__table_args__,
    )

    id: orm.Mapped[str] = uuid_key()
    # no foreign key: operations outlive their group
    protection_group_id: orm.Mapped[str] = orm.mapped_column(types.Uuid)
    project_id: orm.Mapped[str] = orm.mapped_column(sa.String(64))
    kind: orm.Mapped[str] = orm.mapped_column(sa.String(32))
    type: orm.Mapped[str | None] = orm.mapped_column(sa.String(32))
    status: orm.Mapped[str] = orm.mapped_column(sa.String(32))
    outcome: orm.Mapped[str | None] = orm.mapped_column(sa.String(32))
    args: orm.Mapped[Json]
    # working values that steps leave for later steps and for an adopter
    data: orm.Mapped[Json]
    result: orm.Mapped[Json | None]
    error: orm.Mapped[Json | None]
    progress: orm.Mapped[int]
    origin_site_id: orm.Mapped[str] = orm.mapped_column(types.Uuid)
    # the site whose engine runs it; elsewhere the row is a mirror
    executor_site_id: orm.Mapped[str] = orm.mapped_column(types.Uuid)
    source_site_id: orm.Mapped[str] = orm.mapped_column(types.Uuid)
    target_site_id: orm.Mapped[str] = orm.mapped_column(types.Uuid)
    recovery_point_id: orm.Mapped[str | None] = orm.mapped_column(types.Uuid)
    user_id: orm.Mapped[str | None] = orm.mapped_column(sa.String(64))
    request_id: orm.Mapped[str | None] = orm.mapped_column(sa.String(64))
    started_at: orm.Mapped[datetime.datetime | None]
    finished_at: orm.Mapped[datetime.datetime | None]
    # who runs it, in its own words, and until when (db_epoch seconds)
    worker: orm.Mapped[str | None]
    generation: orm.Mapped[int]
    lease_until: orm.Mapped[float]
    # pending compensation is a cancel that has not finished
    cancelling: orm.Mapped[bool]
    no_return: orm.Mapped[bool]
    # a mirror that has still to be told to the other site
    mirror_version: orm.Mapped[int]
    # what the mirror was told: the steps as the executor showed them
    mirrored_steps: orm.Mapped[list[Any] | None]
    steps: orm.Mapped[list["OperationStep"]] = orm.relationship(
        cascade="all, delete-orphan", order_by="OperationStep.ordinal"
    )


class OperationStep(Base):
    __tablename__ = "operation_steps"

    operation_id: orm.Mapped[str] = orm.mapped_column(
        types.Uuid,
        sa.ForeignKey("operations.id", ondelete="CASCADE"),
        primary_key=True,
    )
    ordinal: orm.Mapped[int] = orm.mapped_column(
        primary_key=True, autoincrement=False
    )
    id: orm.Mapped[str] = orm.mapped_column(types.Uuid, unique=True)
    name: orm.Mapped[str] = orm.mapped_column(sa.String(64))
    member_id: orm.Mapped[str | None] = orm.mapped_column(types.Uuid)
    member_name: orm.Mapped[str | None]
    # ordinals of the steps that must be settled before this one
    after: orm.Mapped[list[Any]]
    status: orm.Mapped[str] = orm.mapped_column(sa.String(32))
    attempt: orm.Mapped[int]
    weight: orm.Mapped[int]
    optional: orm.Mapped[bool]
    # of a step that only waits
    delay_seconds: orm.Mapped[int | None]
    started_at: orm.Mapped[datetime.datetime | None]
    finished_at: orm.Mapped[datetime.datetime | None]
    message: orm.Mapped[str | None] = orm.mapped_column(sa.Text)
    result: orm.Mapped[Json | None]
    error: orm.Mapped[Json | None]


class Drill(Base):
    """The last drill of a group, wherever it was started."""

    __tablename__ = "drills"
    __table_args__ = (
        sa.Index(None, "site_id", "status", "expires_at"),
        Base.__table_args__,
    )

    protection_group_id: orm.Mapped[str] = group_key(primary_key=True)
    # the test_failover, which knows what was made
    operation_id: orm.Mapped[str] = orm.mapped_column(types.Uuid)
    site_id: orm.Mapped[str] = orm.mapped_column(types.Uuid)
    status: orm.Mapped[str] = orm.mapped_column(sa.String(16))
    verdict: orm.Mapped[str | None] = orm.mapped_column(sa.String(16))
    # [{"id", "name"}]: the group's own may be others by now
    members: orm.Mapped[list[Any]]
    # what its cleanup had to leave
    residue: orm.Mapped[list[Any]]
    started_at: orm.Mapped[datetime.datetime]
    expires_at: orm.Mapped[datetime.datetime | None]
    ended_at: orm.Mapped[datetime.datetime | None]


class MetadataSync(Base):
    """The document last made here, or last received, and who has it."""

    __tablename__ = "metadata_syncs"

    protection_group_id: orm.Mapped[str] = group_key(primary_key=True)
    epoch: orm.Mapped[int]
    version: orm.Mapped[int]
    checksum: orm.Mapped[str] = orm.mapped_column(sa.String(64))
    document: orm.Mapped[str] = orm.mapped_column(types.LongText)
    made_at: orm.Mapped[datetime.datetime]
    # what the peer last confirmed to hold
    remote_status: orm.Mapped[str] = orm.mapped_column(sa.String(32))
    remote_epoch: orm.Mapped[int | None]
    remote_version: orm.Mapped[int | None]
    remote_checksum: orm.Mapped[str | None] = orm.mapped_column(sa.String(64))
    last_sync_at: orm.Mapped[datetime.datetime | None]
    # what the peer holds of another history, while it does: see
    # ``db.api.histories``
    other: orm.Mapped[Json | None]
    error: orm.Mapped[str | None] = orm.mapped_column(sa.Text)
    attempts: orm.Mapped[int]
    next_attempt_at: orm.Mapped[datetime.datetime | None]


class Tombstone(Base):
    """A group that a site does not know to be gone: it was deleted, or
    protected elsewhere, while that site was lost."""

    __tablename__ = "tombstones"

    protection_group_id: orm.Mapped[str] = orm.mapped_column(
        types.Uuid, primary_key=True
    )
    site_id: orm.Mapped[str] = orm.mapped_column(types.Uuid, primary_key=True)
    epoch: orm.Mapped[int]
    # ids of the members that ran here
    running: orm.Mapped[list[Any]]
    created_at: orm.Mapped[datetime.datetime]


class RecoveryPoint(Base):
    """One replicated snapshot of a group, as its target array shows it."""

    __tablename__ = "recovery_points"
    __table_args__ = (
        sa.UniqueConstraint("protection_group_id", "name"),
        sa.Index(
            "ix_recovery_points_keyset", "protection_group_id", "created_at"
        ),
        Base.__table_args__,
    )

    id: orm.Mapped[str] = uuid_key()
    protection_group_id: orm.Mapped[str] = group_key()
    # the name on the target array: source-array:group.suffix
    name: orm.Mapped[str]
    source_site_id: orm.Mapped[str] = orm.mapped_column(types.Uuid)
    target_site_id: orm.Mapped[str] = orm.mapped_column(types.Uuid)
    epoch: orm.Mapped[int]
    created_at: orm.Mapped[datetime.datetime]
    completed_at: orm.Mapped[datetime.datetime | None]
    progress: orm.Mapped[float]
    bytes: orm.Mapped[int] = orm.mapped_column(sa.BigInteger)
    # ids of the members all of whose volumes are in the point
    members: orm.Mapped[list[Any]]
    # age of the point before it when it was complete
    rpo_seconds: orm.Mapped[int | None]


class RpoDay(Base):
    """What the points reached that were complete on one day (UTC)."""

    __tablename__ = "rpo_days"

    protection_group_id: orm.Mapped[str] = group_key(primary_key=True)
    day: orm.Mapped[datetime.date] = orm.mapped_column(primary_key=True)
    transfers: orm.Mapped[int]
    bytes: orm.Mapped[int] = orm.mapped_column(sa.BigInteger)
    # the greatest age that was reached; None if no point was before them
    worst_seconds: orm.Mapped[int | None]
    # from being taken to being complete
    slowest_seconds: orm.Mapped[int]
    # how often the age was above the RPO
    breaches: orm.Mapped[int]


class SourceLock(Base):
    """A planned move's hold on the source, on this database's clock."""

    __tablename__ = "source_locks"

    protection_group_id: orm.Mapped[str] = group_key(primary_key=True)
    operation_id: orm.Mapped[str] = orm.mapped_column(types.Uuid)
    site_id: orm.Mapped[str] = orm.mapped_column(types.Uuid)
    expires: orm.Mapped[float]
    # set by the release: from then on only an unplanned claim undoes it
    released_epoch: orm.Mapped[int | None]
