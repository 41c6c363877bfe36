# SPDX-License-Identifier: Apache-2.0
"""What the peer holds of another history of a group.

Revision: 0006, after: 0005
"""

from alembic import op
import sqlalchemy as sa

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "metadata_syncs",
        sa.Column("other", sa.JSON(none_as_null=True), nullable=True),
    )
