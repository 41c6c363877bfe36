# SPDX-License-Identifier: Apache-2.0
"""The history of the RPO of each group.

Revision: 0009, after: 0008
"""

from alembic import op
import sqlalchemy as sa

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

Uuid = sa.String(36)


def upgrade() -> None:
    op.add_column(
        "recovery_points",
        sa.Column("rpo_seconds", sa.Integer(), nullable=True),
    )
    op.create_table(
        "rpo_days",
        sa.Column("protection_group_id", Uuid, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("transfers", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("worst_seconds", sa.Integer(), nullable=True),
        sa.Column("slowest_seconds", sa.Integer(), nullable=False),
        sa.Column("breaches", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["protection_group_id"],
            ["protection_groups.id"],
            name=op.f("fk_rpo_days_protection_group_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "protection_group_id", "day", name=op.f("pk_rpo_days")
        ),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
