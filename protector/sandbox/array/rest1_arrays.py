# SPDX-License-Identifier: Apache-2.0
"""REST 1.x: the array itself, its ports, and its connections to others."""

from typing import Any

from protector.sandbox.array import errors, listings
from protector.sandbox.array.clock import stamp
from protector.sandbox.array.params import ANY, BOOL, INT, LIST, TEXT
from protector.sandbox.array.rest1 import Call, Route

_STATUS_SINCE = (1, 17)
_PORTAL = 3260
_CONNECT = {
    "management_address": TEXT,
    "connection_key": TEXT,
    "type": LIST,
    "replication_address": TEXT,
}
_THROTTLE = {"default_limit": INT, "window": ANY, "window_limit": INT}


def show(call: Call) -> Any:
    """GET array: identity, connection key, space or a load sample."""
    core = call.array.core
    if call.params.get("connection_key"):
        return {"connection_key": core.connection_key}
    if call.params.get("space"):
        return _space(call)
    if call.params.get("action") == "monitor":
        return [_load(core.clock.now())]
    return {
        "array_name": core.name,
        "id": core.id,
        "version": core.tuning.knobs.purity,
        "revision": "202411230504+8a400f7",
    }


def rename(call: Call) -> dict[str, Any]:
    """PUT array: another name; connected arrays learn it in a moment."""
    name = call.params.get("name", "")
    call.array.core.rename(name)
    return {"array_name": name}


def _space(call: Call) -> dict[str, Any]:
    core = call.array.core
    used = call.array.space.used()
    return {
        "hostname": core.name,
        "capacity": core.tuning.knobs.capacity,
        "provisioned": used["provisioned"],
        "volumes": used["volumes"],
        "snapshots": used["snapshots"],
        "shared_space": 0,
        "system": 0,
        "total": used["volumes"] + used["snapshots"],
        "data_reduction": 1.0,
        "total_reduction": 1.0,
        "thin_provisioning": 0.0,
    }


def _load(now: float) -> dict[str, Any]:
    """Return a load sample; the emulation measures none."""
    counters = (
        "writes_per_sec",
        "reads_per_sec",
        "input_per_sec",
        "output_per_sec",
        "usec_per_write_op",
        "usec_per_read_op",
        "queue_depth",
    )
    return {"time": stamp(now), **dict.fromkeys(counters, 0)}


def ports(call: Call) -> list[dict[str, Any]]:
    """GET port: one iSCSI port at the array's own address."""
    core = call.array.core
    address = call.array.links.url.removeprefix("https://")
    return [
        {
            "name": "CT0.ETH4",
            "iqn": "iqn.2010-06.com.purestorage:flasharray."
            + core.id.replace("-", "")[:16],
            "portal": f"{address.rpartition(':')[0]}:{_PORTAL}",
            "nqn": None,
            "wwn": None,
            "failover": None,
        }
    ]


def connections(call: Call) -> list[dict[str, Any]]:
    """GET array/connection."""
    rows = call.array.links.listing()
    if call.params.get("throttle"):
        return [
            {
                "array_name": row["name"],
                **{key: row["throttle"].get(key) for key in _THROTTLE},
            }
            for row in rows
        ]
    return [_connection(call, row) for row in rows]


def _connection(call: Call, row: dict[str, Any]) -> dict[str, Any]:
    shown = {
        "array_name": row["name"],
        "id": row["id"],
        "version": row["version"],
        "management_address": row["management_address"],
        "replication_address": row["replication_address"],
        "throttled": any(row["throttle"].values()),
    }
    if call.version < _STATUS_SINCE:
        return {
            **shown,
            "connected": row["connected"],
            "type": [row["type"]],
        }
    status = "connected" if row["connected"] else "connecting"
    return {**shown, "status": status, "type": row["type"]}


def connect(call: Call) -> dict[str, Any]:
    """POST array/connection."""
    given = call.params
    for key in ("management_address", "connection_key", "type"):
        if not given.get(key):
            raise errors.ArrayError(f"{key} is needed.", key)
    name = call.array.links.connect(
        given["management_address"],
        given["connection_key"],
        given["type"],
        given.get("replication_address"),
    )
    return next(
        _connection(call, row)
        for row in call.array.links.listing()
        if row["name"] == name
    )


def throttle(call: Call) -> dict[str, Any]:
    """PUT array/connection/{name}: limits in bytes per second."""
    return call.array.links.throttle(call.names["name"], call.params)


def disconnect(call: Call) -> dict[str, Any]:
    """DELETE array/connection/{name}."""
    call.array.stretch.refuse_used(call.names["name"])
    call.array.links.disconnect(call.names["name"])
    return {"name": call.names["name"]}


def no_volume_groups(call: Call) -> list[dict[str, Any]]:
    """GET vgroup: there are none."""
    return []


def no_volume_group(call: Call) -> None:
    """Any request for one volume group."""
    raise errors.missing("Volume group", call.names["name"])


def refuse_volume_group(call: Call) -> None:
    """POST vgroup/{name}."""
    raise errors.ArrayError(
        "Volume groups are not supported by this array.", call.names["name"]
    )


_VGROUP = "vgroup/<name>"

ROUTES = [
    Route("GET", "array", show, {"connection_key": BOOL, "space": BOOL,
          "action": TEXT}),
    Route("PUT", "array", rename, {"name": TEXT}),
    Route("GET", "port", ports),
    Route("GET", "array/connection", connections, {"throttle": BOOL}),
    Route("POST", "array/connection", connect, _CONNECT),
    Route("PUT", "array/connection/<name>", throttle, _THROTTLE),
    Route("DELETE", "array/connection/<name>", disconnect),
    Route("GET", "vgroup", no_volume_groups, listings.SPEC),
    Route("GET", _VGROUP, no_volume_group, listings.SPEC),
    Route("POST", _VGROUP, refuse_volume_group, {"source": TEXT}),
    Route("DELETE", _VGROUP, no_volume_group, {"eradicate": BOOL}),
]  # fmt: skip
