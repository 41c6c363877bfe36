# SPDX-License-Identifier: Apache-2.0
"""What the last preflight of a group found.

Revision: 0004, after: 0003
"""

from alembic import op
import sqlalchemy as sa

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("protection_groups", sa.Column("findings", sa.JSON()))
