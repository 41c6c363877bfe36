# SPDX-License-Identifier: Apache-2.0
"""Whether Protector made a volume of a member.

Revision: 0010, after: 0009
"""

from alembic import op
import sqlalchemy as sa

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "volume_copies", sa.Column("made", sa.Boolean(), nullable=True)
    )
