# SPDX-License-Identifier: Apache-2.0
"""What an operation made for a member, noted when it is made.

The undo of a step deletes exactly this.  It is kept with the operation,
because the rows of the copies are replaced by the next document.
"""

from sqlalchemy import orm

from protector import constants as c
from protector.db.api import operations_leases
from protector.engine.context import StepContext

VOLUMES = "volumes"
# into the group at the source
JOINED = "joined"
PORTS = "ports"
SECURITY_GROUPS = "security_groups"
FLOATING_IPS = "floating_ips"
SERVER_GROUPS = "server_groups"
# in a copy's ``made``: what stands at the member's home is ours, because the
# original was removed
ORIGINAL_GONE = "original_gone"


def note(
    ctx: StepContext, session: orm.Session, kind: str, object_id: str
) -> None:
    """Note one object, in the transaction that records it."""
    row = operations_leases.owned(session, ctx.work.lease.token)
    known = row.data.get(_key(ctx), {})
    ids = known.get(kind, [])
    if object_id not in ids:
        value = {**known, kind: [*ids, object_id]}
        row.data = {**row.data, _key(ctx): value}


def ids(ctx: StepContext, kind: str) -> list[str]:
    """What the operation made of a kind for the step's member."""
    return list(ctx.data.get(_key(ctx), {}).get(kind, []))


def ids_of_all(ctx: StepContext, kind: str) -> list[str]:
    """The same for all members: what is shared can go when the last of
    them is undone."""
    return [
        object_id
        for key, value in ctx.data.items()
        if key.startswith(c.NOTED_MADE)
        for object_id in value.get(kind, [])
    ]


def _key(ctx: StepContext) -> str:
    # one key for each member: they are made side by side
    return f"{c.NOTED_MADE}{ctx.member_id}"
