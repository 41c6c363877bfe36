# SPDX-License-Identifier: Apache-2.0
"""REST 2.x: the array itself and its connections to others."""

from typing import Any

from protector.sandbox.array import errors, rest2
from protector.sandbox.array.params import ANY, LIST, TEXT
from protector.sandbox.array.rest2 import Call, Item, Route
from protector.sandbox.array.rest2_volumes import asked

_CONNECT = {
    "management_address": TEXT,
    "connection_key": TEXT,
    "type": TEXT,
    "replication_addresses": LIST,
    "replication_transport": TEXT,
    "throttle": ANY,
}


def show(call: Call) -> list[Item]:
    """GET arrays: the one that answers."""
    core = call.array.core
    return [
        {
            "id": core.id,
            "name": core.name,
            "os": "Purity//FA",
            "version": core.tuning.knobs.purity,
            "capacity": core.tuning.knobs.capacity,
        }
    ]


def rename(call: Call) -> list[Item]:
    """PATCH arrays: another name; connected arrays learn it in a moment."""
    call.array.core.rename(call.body.get("name", ""))
    return show(call)


def connections(call: Call) -> list[Item]:
    """GET array-connections."""
    rows = [_connection(row) for row in call.array.links.listing()]
    return asked(call, rows, "Array connection")


def _connection(row: dict[str, Any]) -> Item:
    address = row["replication_address"]
    return {
        "id": row["id"],
        "name": row["name"],
        "version": row["version"],
        "management_address": row["management_address"],
        "replication_addresses": [address] if address else [],
        "replication_transport": "ip",
        "status": "connected" if row["connected"] else "connecting",
        "type": row["type"],
    }


def key(call: Call) -> list[Item]:
    """GET array-connections/connection-key."""
    return [{"connection_key": call.array.core.connection_key}]


def connect(call: Call) -> list[Item]:
    """POST array-connections."""
    given = call.body
    for name in ("management_address", "connection_key", "type"):
        if not given.get(name):
            raise errors.ArrayError(f"{name} is needed.", name)
    addresses = given.get("replication_addresses") or [None]
    array = call.array.links.connect(
        given["management_address"],
        given["connection_key"],
        [given["type"]],
        addresses[0],
    )
    return [
        _connection(row)
        for row in call.array.links.listing()
        if row["name"] == array
    ]


def disconnect(call: Call) -> list[Item]:
    """DELETE array-connections."""
    for name in call.named():
        call.array.stretch.refuse_used(name)
        call.array.links.disconnect(name)
    return []


ROUTES = [
    Route("GET", "arrays", show, rest2.LIST),
    Route("PATCH", "arrays", rename, {}, {"name": TEXT}),
    Route("GET", "array-connections", connections, rest2.LIST | rest2.NAMES),
    Route("GET", "array-connections/connection-key", key, rest2.LIST),
    Route("POST", "array-connections", connect, {}, _CONNECT),
    Route("DELETE", "array-connections", disconnect, rest2.NAMES),
]
