# SPDX-License-Identifier: Apache-2.0
"""What the last validation of a site found wrong.

Revision: 0008, after: 0007
"""

from alembic import op
import sqlalchemy as sa

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "sites", sa.Column("failed_checks", sa.Text(), nullable=True)
    )
