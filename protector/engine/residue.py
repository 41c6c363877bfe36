# SPDX-License-Identifier: Apache-2.0
"""What an operation leaves behind, listed in its result.

Listed, never deleted: what only a mark tells to be ours is not ours to
delete.
"""

from collections.abc import Sequence
from typing import Any

from protector.db.api import operations_leases
from protector.engine.context import StepContext

Json = dict[str, Any]


def entry(kind: str, object_id: str | None, why: str) -> Json:
    return {"kind": kind, "id": object_id, "why": why}


def note(ctx: StepContext, entries: Sequence[Json]) -> None:
    """Add to the operation's residue; what is known is not added again."""
    if not entries:
        return
    with ctx.write() as session:
        row = operations_leases.owned(session, ctx.work.lease.token)
        known = row.data.get("residue", [])
        new = [e for e in entries if e not in known]
        row.data = {**row.data, "residue": [*known, *new]}


def oldest(
    ctx: StepContext, kind: str, found: Sequence[Any], born: str
) -> Any | None:
    """Of several objects that bear one mark the first that was made; the
    others, of requests whose answers came too late, are listed.

    :param found: values of ``clients.types`` with ``raw``.
    :param born: key of the time of creation in ``raw``.
    """
    ordered = sorted(found, key=lambda o: (o.raw.get(born) or "", o.id))
    note(
        ctx,
        [entry(kind, o.id, "made twice, not used") for o in ordered[1:]],
    )
    return ordered[0] if ordered else None
