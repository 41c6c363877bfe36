# SPDX-License-Identifier: Apache-2.0
"""What was last asked of a server before it was parked, in place of when.

Revision: 0011, after: 0010
"""

from alembic import op
import sqlalchemy as sa

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "member_copies",
        sa.Column("stop_request_id", sa.String(64), nullable=True),
    )
    op.drop_column("member_copies", "parked_at")
