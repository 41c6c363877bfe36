# SPDX-License-Identifier: Apache-2.0
"""Sites that were declared lost, and what they are told when they return.

Revision: 0007, after: 0006
"""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import mysql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

Time = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
Uuid = sa.String(36)


def upgrade() -> None:
    op.add_column("sites", sa.Column("lost_at", Time, nullable=True))
    op.add_column("sites", sa.Column("lost_by", sa.String(64), nullable=True))
    op.create_table(
        "tombstones",
        sa.Column("protection_group_id", Uuid, nullable=False),
        sa.Column("site_id", Uuid, nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("running", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("created_at", Time, nullable=False),
        sa.PrimaryKeyConstraint(
            "protection_group_id", "site_id", name=op.f("pk_tombstones")
        ),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
