# SPDX-License-Identifier: Apache-2.0
"""REST 2.x: snapshots of protection groups, and their transfers.

REST 2.x cannot send a snapshot that exists: one is replicated when it is
taken, or never.
"""

from typing import Any

from protector.sandbox.array import errors, rest2
from protector.sandbox.array.params import BOOL, LIST, TEXT
from protector.sandbox.array.rest2 import Call, Item, Route
from protector.sandbox.array.rest2_volumes import asked

_KIND = "Protection group snapshot"
_SOURCES = {"source_names": LIST}


def view(call: Call, row: dict[str, Any]) -> Item:
    """A snapshot as REST 2.x shows it."""
    return {
        "name": row["name"],
        "source": rest2.reference(row["group_name"]),
        "suffix": row["suffix"],
        "created": rest2.ms(row["created"]),
        "destroyed": row["destroyed"] is not None,
        "time_remaining": rest2.remaining(call.array, row["destroyed"]),
    }


def listing(call: Call) -> list[Item]:
    """GET protection-group-snapshots."""
    items = [view(call, row) for row in _rows(call)]
    return asked(call, items, _KIND)


def transfers(call: Call) -> list[Item]:
    """GET protection-group-snapshots/transfer; names may be groups'."""
    rows = [row for row in _rows(call) if row["progress"] is not None]
    wanted = call.query.get("names")
    if wanted is not None:
        for name in wanted:
            _require(call, name)
        rows = [
            row
            for row in rows
            if row["name"] in wanted or row["group_name"] in wanted
        ]
    return [
        {
            "name": row["name"],
            "started": rest2.ms(row["started"]),
            "completed": rest2.ms(row["completed"]),
            "progress": row["progress"],
            "data_transferred": row["data_transferred"],
            "physical_bytes_written": row["data_transferred"],
            "destroyed": row["destroyed"] is not None,
        }
        for row in rows
    ]


def _rows(call: Call) -> list[dict[str, Any]]:
    sources = call.query.get("source_names")
    rows = call.array.pgsnaps.listing()
    if sources is None:
        return rows
    for name in sources:
        call.array.pgroups.show(name, pending=True)
    return [row for row in rows if row["group_name"] in sources]


def _require(call: Call, name: str) -> None:
    """Raise ``ArrayError`` unless a group or a snapshot is called so."""
    if call.array.pgroups.find(name) is None:
        call.array.pgsnaps.show(name, pending=True)


def snap(call: Call) -> list[Item]:
    """POST protection-group-snapshots."""
    asked_for = call.query
    if asked_for.get("replicate") and asked_for.get("replicate_now"):
        raise errors.ArrayError(
            "replicate and replicate_now cannot be used together."
        )
    replicate = "queue" if asked_for.get("replicate") else None
    if asked_for.get("replicate_now"):
        replicate = "now"
    with call.array.core.store.transaction():
        rows = [
            call.array.pgsnaps.create(
                group,
                call.body.get("suffix"),
                bool(asked_for.get("apply_retention")),
                replicate,
            )
            for group in call.named("source_names")
        ]
    return [view(call, row) for row in rows]


def change(call: Call) -> list[Item]:
    """PATCH protection-group-snapshots: destroy or recover."""
    if not isinstance(call.body.get("destroyed"), bool):
        raise errors.ArrayError("destroyed is needed.")
    held = call.array.pgsnaps
    do = held.destroy if call.body["destroyed"] else held.recover
    return [view(call, do(name)) for name in call.named()]


def eradicate(call: Call) -> list[Item]:
    """DELETE protection-group-snapshots: eradicate destroyed ones."""
    for name in call.named():
        call.array.pgsnaps.eradicate(name)
    return []


_PATH = "protection-group-snapshots"
_LIST = rest2.LIST | rest2.DESTROYED | rest2.NAMES | _SOURCES
ROUTES = [
    Route("GET", _PATH, listing, _LIST),
    Route("GET", f"{_PATH}/transfer", transfers, _LIST),
    Route(
        "POST",
        _PATH,
        snap,
        {
            **_SOURCES,
            "apply_retention": BOOL,
            "replicate": BOOL,
            "replicate_now": BOOL,
        },
        {"suffix": TEXT},
    ),
    Route("PATCH", _PATH, change, rest2.NAMES, {"destroyed": BOOL}),
    Route("DELETE", _PATH, eradicate, rest2.NAMES),
]
