# SPDX-License-Identifier: Apache-2.0
"""The tables of the first release.

Revision: 0001, after: None
"""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import mysql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

Time = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
LongText = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")
Json = sa.JSON(none_as_null=True)
Uuid = sa.String(36)


def upgrade() -> None:
    op.create_table(
        "operations",
        sa.Column("id", Uuid, nullable=False),
        sa.Column("protection_group_id", Uuid, nullable=False),
        sa.Column("project_id", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("type", sa.String(32), nullable=True),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("outcome", sa.String(32), nullable=True),
        sa.Column("args", Json, nullable=False),
        sa.Column("data", Json, nullable=False),
        sa.Column("result", Json, nullable=True),
        sa.Column("error", Json, nullable=True),
        sa.Column("progress", sa.Integer(), nullable=False),
        sa.Column("origin_site_id", Uuid, nullable=False),
        sa.Column("executor_site_id", Uuid, nullable=False),
        sa.Column("source_site_id", Uuid, nullable=False),
        sa.Column("target_site_id", Uuid, nullable=False),
        sa.Column("recovery_point_id", Uuid, nullable=True),
        sa.Column("user_id", sa.String(64), nullable=True),
        sa.Column("request_id", sa.String(64), nullable=True),
        sa.Column("started_at", Time, nullable=True),
        sa.Column("finished_at", Time, nullable=True),
        sa.Column("worker", sa.String(255), nullable=True),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.Double(), nullable=False),
        sa.Column("cancelling", sa.Boolean(), nullable=False),
        sa.Column("no_return", sa.Boolean(), nullable=False),
        sa.Column("mirror_version", sa.Integer(), nullable=False),
        sa.Column("mirrored_steps", Json, nullable=True),
        sa.Column("created_at", Time, nullable=False),
        sa.Column("updated_at", Time, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operations")),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_index(
        "ix_operations_group",
        "operations",
        ["protection_group_id", "created_at"],
    )
    op.create_index(
        "ix_operations_keyset",
        "operations",
        ["project_id", "created_at", "id"],
    )
    op.create_index(
        "ix_operations_work", "operations", ["status", "lease_until"]
    )
    op.create_table(
        "protection_groups",
        sa.Column("id", Uuid, nullable=False),
        sa.Column("project_id", sa.String(64), nullable=False),
        sa.Column("primary_project_id", sa.String(64), nullable=False),
        sa.Column("secondary_project_id", sa.String(64), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("replication_type", sa.String(16), nullable=False),
        sa.Column("primary_site_id", Uuid, nullable=False),
        sa.Column("secondary_site_id", Uuid, nullable=False),
        sa.Column("current_primary_site_id", Uuid, nullable=False),
        sa.Column("volume_type_id", sa.String(64), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("error_verb", sa.String(32), nullable=True),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("epoch_seen", sa.Integer(), nullable=False),
        sa.Column("claim", Json, nullable=True),
        sa.Column("metadata_version", sa.Integer(), nullable=False),
        sa.Column("operation_id", Uuid, nullable=True),
        sa.Column("last_operation_id", Uuid, nullable=True),
        sa.Column("failover_count", sa.Integer(), nullable=False),
        sa.Column("last_failover_at", Time, nullable=True),
        sa.Column("last_replication_at", Time, nullable=True),
        sa.Column("conditions", Json, nullable=False),
        sa.Column("deleted", Uuid, nullable=False),
        sa.Column("created_at", Time, nullable=False),
        sa.Column("updated_at", Time, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_protection_groups")),
        sa.UniqueConstraint(
            "project_id",
            "name",
            "deleted",
            name=op.f("uq_protection_groups_project_id_name_deleted"),
        ),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_index(
        "ix_protection_groups_created_at",
        "protection_groups",
        ["created_at", "id"],
    )
    op.create_index(
        "ix_protection_groups_keyset",
        "protection_groups",
        ["project_id", "created_at", "id"],
    )
    op.create_table(
        "sites",
        sa.Column("id", Uuid, nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("is_local", sa.Boolean(), nullable=False),
        sa.Column("auth_url", sa.String(1024), nullable=True),
        sa.Column("region_name", sa.String(255), nullable=True),
        sa.Column("endpoint", sa.String(1024), nullable=True),
        sa.Column("username", sa.String(255), nullable=True),
        sa.Column("sealed_password", sa.Text(), nullable=True),
        sa.Column("user_domain_name", sa.String(255), nullable=True),
        sa.Column("project_name", sa.String(255), nullable=True),
        sa.Column("project_domain_name", sa.String(255), nullable=True),
        sa.Column("cacert", sa.Text(), nullable=True),
        sa.Column("verify", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("status_reason", sa.Text(), nullable=True),
        sa.Column("checked_at", Time, nullable=True),
        sa.Column("capabilities", Json, nullable=False),
        sa.Column("lost", sa.Boolean(), nullable=False),
        sa.Column("created_at", Time, nullable=False),
        sa.Column("updated_at", Time, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sites")),
        sa.UniqueConstraint("name", name=op.f("uq_sites_name")),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_table(
        "consistency_groups",
        sa.Column("id", Uuid, nullable=False),
        sa.Column("protection_group_id", Uuid, nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.ForeignKeyConstraint(
            ["protection_group_id"],
            ["protection_groups.id"],
            name=op.f("fk_consistency_groups_protection_group_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consistency_groups")),
        sa.UniqueConstraint(
            "protection_group_id",
            name=op.f("uq_consistency_groups_protection_group_id"),
        ),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_table(
        "members",
        sa.Column("id", Uuid, nullable=False),
        sa.Column("protection_group_id", Uuid, nullable=False),
        sa.Column("instance_id", Uuid, nullable=False),
        sa.Column("instance_name", sa.String(255), nullable=False),
        sa.Column("home_site_id", Uuid, nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("recipe", Json, nullable=False),
        sa.Column("warnings", Json, nullable=False),
        sa.Column("recoverable_at", Time, nullable=True),
        sa.Column("created_at", Time, nullable=False),
        sa.Column("updated_at", Time, nullable=True),
        sa.ForeignKeyConstraint(
            ["protection_group_id"],
            ["protection_groups.id"],
            name=op.f("fk_members_protection_group_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_members")),
        sa.UniqueConstraint(
            "protection_group_id",
            "instance_id",
            name=op.f("uq_members_protection_group_id_instance_id"),
        ),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_index(
        op.f("ix_members_protection_group_id"),
        "members",
        ["protection_group_id"],
    )
    op.create_table(
        "metadata_syncs",
        sa.Column("protection_group_id", Uuid, nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("checksum", sa.String(64), nullable=False),
        sa.Column("document", LongText, nullable=False),
        sa.Column("made_at", Time, nullable=False),
        sa.Column("remote_status", sa.String(32), nullable=False),
        sa.Column("remote_epoch", sa.Integer(), nullable=True),
        sa.Column("remote_version", sa.Integer(), nullable=True),
        sa.Column("remote_checksum", sa.String(64), nullable=True),
        sa.Column("last_sync_at", Time, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", Time, nullable=True),
        sa.ForeignKeyConstraint(
            ["protection_group_id"],
            ["protection_groups.id"],
            name=op.f("fk_metadata_syncs_protection_group_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "protection_group_id", name=op.f("pk_metadata_syncs")
        ),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_table(
        "operation_steps",
        sa.Column("operation_id", Uuid, nullable=False),
        sa.Column(
            "ordinal", sa.Integer(), autoincrement=False, nullable=False
        ),
        sa.Column("id", Uuid, nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("member_id", Uuid, nullable=True),
        sa.Column("member_name", sa.String(255), nullable=True),
        sa.Column("after", Json, nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("optional", sa.Boolean(), nullable=False),
        sa.Column("started_at", Time, nullable=True),
        sa.Column("finished_at", Time, nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("result", Json, nullable=True),
        sa.Column("error", Json, nullable=True),
        sa.ForeignKeyConstraint(
            ["operation_id"],
            ["operations.id"],
            name=op.f("fk_operation_steps_operation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "operation_id", "ordinal", name=op.f("pk_operation_steps")
        ),
        sa.UniqueConstraint("id", name=op.f("uq_operation_steps_id")),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_table(
        "recovery_points",
        sa.Column("id", Uuid, nullable=False),
        sa.Column("protection_group_id", Uuid, nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("source_site_id", Uuid, nullable=False),
        sa.Column("target_site_id", Uuid, nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("created_at", Time, nullable=False),
        sa.Column("completed_at", Time, nullable=True),
        sa.Column("progress", sa.Double(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("members", Json, nullable=False),
        sa.ForeignKeyConstraint(
            ["protection_group_id"],
            ["protection_groups.id"],
            name=op.f("fk_recovery_points_protection_group_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_points")),
        sa.UniqueConstraint(
            "protection_group_id",
            "name",
            name=op.f("uq_recovery_points_protection_group_id_name"),
        ),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_index(
        "ix_recovery_points_keyset",
        "recovery_points",
        ["protection_group_id", "created_at"],
    )
    op.create_table(
        "replication_policies",
        sa.Column("id", Uuid, nullable=False),
        sa.Column("protection_group_id", Uuid, nullable=False),
        sa.Column("pure_pg_name", sa.String(64), nullable=True),
        sa.Column(
            "replication_interval_minutes", sa.Integer(), nullable=False
        ),
        sa.Column("rpo_minutes", sa.Integer(), nullable=False),
        sa.Column("retention", Json, nullable=False),
        sa.Column("prestage", sa.Boolean(), nullable=False),
        sa.Column("undo_retention_days", sa.Integer(), nullable=False),
        sa.Column("primary_fa_url", sa.String(1024), nullable=True),
        sa.Column("secondary_fa_url", sa.String(1024), nullable=True),
        sa.Column("sealed_primary_fa_api_token", sa.Text(), nullable=True),
        sa.Column("sealed_secondary_fa_api_token", sa.Text(), nullable=True),
        sa.Column("created_at", Time, nullable=False),
        sa.Column("updated_at", Time, nullable=True),
        sa.ForeignKeyConstraint(
            ["protection_group_id"],
            ["protection_groups.id"],
            name=op.f("fk_replication_policies_protection_group_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_replication_policies")),
        sa.UniqueConstraint(
            "protection_group_id",
            name=op.f("uq_replication_policies_protection_group_id"),
        ),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_table(
        "resource_mappings",
        sa.Column("protection_group_id", Uuid, nullable=False),
        sa.Column("mappings", Json, nullable=False),
        sa.Column("created_at", Time, nullable=False),
        sa.Column("updated_at", Time, nullable=True),
        sa.ForeignKeyConstraint(
            ["protection_group_id"],
            ["protection_groups.id"],
            name=op.f("fk_resource_mappings_protection_group_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "protection_group_id", name=op.f("pk_resource_mappings")
        ),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_table(
        "source_locks",
        sa.Column("protection_group_id", Uuid, nullable=False),
        sa.Column("operation_id", Uuid, nullable=False),
        sa.Column("site_id", Uuid, nullable=False),
        sa.Column("expires", sa.Double(), nullable=False),
        sa.Column("released_epoch", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["protection_group_id"],
            ["protection_groups.id"],
            name=op.f("fk_source_locks_protection_group_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "protection_group_id", name=op.f("pk_source_locks")
        ),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_table(
        "tenant_mappings",
        sa.Column("id", Uuid, nullable=False),
        sa.Column("local_project_id", sa.String(64), nullable=False),
        sa.Column("remote_site_id", Uuid, nullable=False),
        sa.Column("remote_project_id", sa.String(64), nullable=False),
        sa.Column("created_at", Time, nullable=False),
        sa.Column("updated_at", Time, nullable=True),
        sa.ForeignKeyConstraint(
            ["remote_site_id"],
            ["sites.id"],
            name=op.f("fk_tenant_mappings_remote_site_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenant_mappings")),
        sa.UniqueConstraint(
            "local_project_id",
            "remote_site_id",
            name=op.f("uq_tenant_mappings_local_project_id_remote_site_id"),
        ),
        sa.UniqueConstraint(
            "remote_site_id",
            "remote_project_id",
            name=op.f("uq_tenant_mappings_remote_site_id_remote_project_id"),
        ),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_table(
        "consistency_group_sides",
        sa.Column("consistency_group_id", Uuid, nullable=False),
        sa.Column("site_id", Uuid, nullable=False),
        sa.Column("cinder_group_id", Uuid, nullable=True),
        sa.Column("group_type_id", sa.String(64), nullable=True),
        sa.Column("volume_type_id", sa.String(64), nullable=False),
        sa.Column("volume_type_name", sa.String(255), nullable=False),
        sa.Column("backend_name", sa.String(255), nullable=True),
        sa.Column("array_name", sa.String(255), nullable=True),
        sa.Column("array_group", sa.String(255), nullable=True),
        sa.Column("schedule_enabled", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["consistency_group_id"],
            ["consistency_groups.id"],
            name=op.f("fk_consistency_group_sides_consistency_group_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "consistency_group_id",
            "site_id",
            name=op.f("pk_consistency_group_sides"),
        ),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_table(
        "member_copies",
        sa.Column("member_id", Uuid, nullable=False),
        sa.Column("site_id", Uuid, nullable=False),
        sa.Column("server_id", Uuid, nullable=True),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("power_state", sa.String(32), nullable=True),
        sa.Column("content_unique", sa.Boolean(), nullable=False),
        sa.Column("parked_at", Time, nullable=True),
        sa.Column("ports", Json, nullable=False),
        sa.Column("floating_ips", Json, nullable=False),
        sa.Column("made", Json, nullable=False),
        sa.ForeignKeyConstraint(
            ["member_id"],
            ["members.id"],
            name=op.f("fk_member_copies_member_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "member_id", "site_id", name=op.f("pk_member_copies")
        ),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_table(
        "volume_copies",
        sa.Column("member_id", Uuid, nullable=False),
        sa.Column(
            "ordinal", sa.Integer(), autoincrement=False, nullable=False
        ),
        sa.Column("site_id", Uuid, nullable=False),
        sa.Column("cinder_id", Uuid, nullable=True),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("size_gb", sa.Integer(), nullable=False),
        sa.Column("device", sa.String(64), nullable=True),
        sa.Column("boot_index", sa.Integer(), nullable=False),
        sa.Column("array_name", sa.String(255), nullable=True),
        sa.Column("array_volume", sa.String(255), nullable=True),
        sa.Column("serial", sa.String(64), nullable=True),
        sa.ForeignKeyConstraint(
            ["member_id"],
            ["members.id"],
            name=op.f("fk_volume_copies_member_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "member_id", "ordinal", "site_id", name=op.f("pk_volume_copies")
        ),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_index(
        op.f("ix_volume_copies_cinder_id"), "volume_copies", ["cinder_id"]
    )
