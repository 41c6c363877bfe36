# SPDX-License-Identifier: Apache-2.0
"""Indexes that serve each order of the lists.

Revision: 0002, after: 0001
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# the id ends each, between ties
KEYSETS = {
    "protection_groups": (
        ("project_id",),
        ("name",),
        ("status",),
        ("project_id", "name"),
        ("project_id", "status"),
    ),
    "operations": (
        ("project_id",),
        ("created_at",),
        ("kind",),
        ("status",),
        ("project_id", "kind"),
        ("project_id", "status"),
    ),
    "members": (
        ("protection_group_id",),
        ("protection_group_id", "created_at"),
        ("protection_group_id", "instance_name"),
        ("protection_group_id", "status"),
    ),
    "tenant_mappings": (("created_at",),),
}


def upgrade() -> None:
    for table, keysets in KEYSETS.items():
        for columns in keysets:
            names = [*columns, "id"]
            op.create_index(f"ix_{table}_{'_'.join(names)}", table, names)
    # the new ones begin with the same column
    op.drop_index("ix_members_protection_group_id", "members")
