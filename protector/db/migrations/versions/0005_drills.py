# SPDX-License-Identifier: Apache-2.0
"""The last drill of each group.

Revision: 0005, after: 0004
"""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import mysql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

Time = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
Json = sa.JSON(none_as_null=True)
Uuid = sa.String(36)


def upgrade() -> None:
    op.create_table(
        "drills",
        sa.Column("protection_group_id", Uuid, nullable=False),
        sa.Column("operation_id", Uuid, nullable=False),
        sa.Column("site_id", Uuid, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("verdict", sa.String(16), nullable=True),
        sa.Column("members", Json, nullable=False),
        sa.Column("residue", Json, nullable=False),
        sa.Column("started_at", Time, nullable=False),
        sa.Column("expires_at", Time, nullable=True),
        sa.Column("ended_at", Time, nullable=True),
        sa.ForeignKeyConstraint(
            ["protection_group_id"],
            ["protection_groups.id"],
            name=op.f("fk_drills_protection_group_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("protection_group_id", name=op.f("pk_drills")),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_index(
        "ix_drills_site_id_status_expires_at",
        "drills",
        ["site_id", "status", "expires_at"],
    )
