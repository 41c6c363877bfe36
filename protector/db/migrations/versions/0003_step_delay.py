# SPDX-License-Identifier: Apache-2.0
"""How long a step waits that only waits.

Revision: 0003, after: 0002
"""

from alembic import op
import sqlalchemy as sa

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("operation_steps", sa.Column("delay_seconds", sa.Integer()))
