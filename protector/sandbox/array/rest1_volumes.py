# SPDX-License-Identifier: Apache-2.0
"""REST 1.x: volumes and their snapshots."""

from collections.abc import Mapping
from typing import Any

from protector.sandbox.array import errors, listings, names
from protector.sandbox.array.clock import stamp
from protector.sandbox.array.params import ANY, BOOL, LIST, TEXT
from protector.sandbox.array.rest1 import Call, Route

_SHOW = {
    "snap": BOOL,
    "transfer": BOOL,
    "pgroup": BOOL,
    "protect": BOOL,
    "pending": BOOL,
    "pending_only": BOOL,
}
_LIMITS = {"bandwidth_limit": ANY, "iops_limit": ANY}
_PGROUP_PARAMETER_GONE = (1, 4)


def volume_view(call: Call, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a volume as REST 1.x shows it."""
    shown = {
        "name": row["name"],
        "serial": row["serial"],
        "size": row["size"],
        "created": stamp(row["created"]),
        "source": row["source"],
    }
    return {**shown, **pending_view(call, row["destroyed"])}


def snapshot_view(call: Call, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a volume snapshot, or the progress of its transfer."""
    if call.params.get("transfer"):
        return {
            "name": row["name"],
            "source": row["source"],
            "created": stamp(row["created"]),
            "started": stamp(row["started"]),
            "completed": stamp(row["completed"]),
            "progress": row["progress"],
        }
    return volume_view(call, row)


def pending_view(call: Call, destroyed: float | None) -> dict[str, Any]:
    """Return ``time_remaining``, in seconds or "", if it was asked for."""
    if not (call.params.get("pending") or call.params.get("pending_only")):
        return {}
    if destroyed is None:
        return {"time_remaining": ""}
    return {"time_remaining": call.array.core.expires_in(destroyed)}


def listing(call: Call) -> list[dict[str, Any]]:
    """GET volume."""
    _check_pgroup(call)
    if call.params.get("protect"):
        rows = _memberships(call, None)
    elif call.params.get("snap"):
        found = call.array.snapshots.listing()
        rows = _select(call, found, snapshot_view, "Snapshot")
    else:
        volumes = [dict(row) for row in call.array.volumes.listing()]
        for row in volumes:
            row["of"], row["source"] = row["source"], None
        rows = _select(call, volumes, _listed_volume, "Volume")
    return listings.page(rows, call.params, call.headers)


def _listed_volume(call: Call, row: Mapping[str, Any]) -> dict[str, Any]:
    return volume_view(call, {**row, "source": row["of"]})


def _select(
    call: Call, rows: list[dict[str, Any]], view: Any, kind: str
) -> list[dict[str, Any]]:
    chosen = [row for row in rows if listings.wanted(row, call.params)]
    listings.require_found(chosen, call.params, kind)
    return [view(call, row) for row in chosen]


def show(call: Call) -> Any:
    """GET volume/{name}.

    REST 1.x answers with an error for a replicated snapshot; they can only
    be listed (FlashArray Ansible collection, issue 435).
    """
    name = call.names["name"]
    _check_pgroup(call)
    if call.params.get("pgroup"):
        snapshot = call.array.pgsnaps.live(name)
        members = call.array.snapshots.of_pgsnap(snapshot["id"])
        return [snapshot_view(call, member) for member in members]
    if call.params.get("protect"):
        call.array.volumes.show(name)
        return _memberships(call, name)
    if call.params.get("snap"):
        return _snapshots_of(call, name)
    pending = call.params.get("pending") or call.params.get("pending_only")
    return volume_view(
        call, call.array.volumes.show(name, pending=bool(pending))
    )


def _snapshots_of(call: Call, name: str) -> list[dict[str, Any]]:
    if ":" in name:
        raise errors.missing("Volume", name)
    rows = [
        row
        for row in call.array.snapshots.listing()
        if name == row["name"]
        or (row["source"] == name and row["pgsnap_id"] is None)
    ]
    if not rows:
        call.array.volumes.show(name)
    return [
        snapshot_view(call, row)
        for row in rows
        if listings.wanted(row, {**call.params, "names": None})
    ]


def _memberships(call: Call, name: str | None) -> list[dict[str, Any]]:
    groups = call.array.pgroups
    return [
        {"name": volume["name"], "protection_group": row["name"]}
        for row in groups.listing()
        if not row["origin"] and row["destroyed"] is None
        for volume in groups.volumes(row)
        if name in (None, volume["name"])
    ]


def _check_pgroup(call: Call) -> None:
    """The ``pgroup`` parameter is gone from all but the oldest versions."""
    if "pgroup" in call.params and call.version >= _PGROUP_PARAMETER_GONE:
        raise errors.ArrayError("Unknown parameter: pgroup.", "pgroup")


def create(call: Call) -> dict[str, Any]:
    """POST volume/{name}: a new volume, or a copy."""
    name, given = call.names["name"], call.params
    volumes = call.array.volumes
    if ("size" in given) == ("source" in given):
        raise errors.ArrayError("Either size or source is needed.", name)
    if "source" in given:
        target = volumes.find(name)
        if target is not None and volumes.connected(target):
            call.notes.append("overwritten_while_connected")
        overwrite = bool(given.get("overwrite"))
        if overwrite:
            call.array.stretch.refuse_overwrite(name)
        row = volumes.copy(given["source"], name, overwrite)
        return volume_view(call, row)
    if "overwrite" in given:
        raise errors.ArrayError("Only a copy can overwrite.", name)
    limits = _limits(call)
    with call.array.core.store.transaction():
        row = volumes.create(name, given["size"])
        if limits:
            row = volumes.limit(name, limits)
    return {**volume_view(call, row), **limits}


def snap(call: Call) -> list[dict[str, Any]]:
    """POST volume: snapshots of one or more volumes at one instant."""
    given = call.params
    if not given.get("snap") or not given.get("source"):
        raise errors.ArrayError("snap and source are needed.")
    volumes = [call.array.volumes.live(name) for name in given["source"]]
    rows = call.array.snapshots.create(volumes, given.get("suffix"))
    return [snapshot_view(call, row) for row in rows]


def change(call: Call) -> dict[str, Any]:
    """PUT volume/{name}: exactly one kind of change."""
    name, given = call.names["name"], call.params
    kinds = [k for k in ("name", "size", "action", "container") if k in given]
    limits = _limits(call)
    if len(kinds) + bool(limits) != 1:
        raise errors.ArrayError("Exactly one change is needed.", name)
    volumes = call.array.volumes
    if limits:
        return {**volume_view(call, volumes.limit(name, limits)), **limits}
    if kinds == ["name"]:
        return volume_view(call, volumes.rename(name, given["name"]))
    if kinds == ["size"]:
        truncate = bool(given.get("truncate"))
        return volume_view(call, volumes.resize(name, given["size"], truncate))
    if kinds == ["container"]:
        call.array.podadmin.refuse_move(name, given["container"])
        return volume_view(call, volumes.move(name, given["container"]))
    return _recover(call, name)


def _recover(call: Call, name: str) -> dict[str, Any]:
    if call.params["action"] != "recover":
        raise errors.ArrayError("Unknown action.", name)
    if names.parse_snapshot(name):
        return snapshot_view(call, call.array.snapshots.recover(name))
    return volume_view(call, call.array.volumes.recover(name))


def destroy(call: Call) -> dict[str, Any]:
    """DELETE volume/{name}: destroy, or eradicate what is destroyed."""
    name = call.names["name"]
    snapshot = names.parse_snapshot(name)
    owner = call.array.snapshots if snapshot else call.array.volumes
    if call.params.get("eradicate"):
        owner.eradicate(name)
    else:
        owner.destroy(name)
    return {"name": name}


def _limits(call: Call) -> dict[str, int | None]:
    """Return the limits that are given; "" lifts one."""
    limits: dict[str, int | None] = {}
    for key in _LIMITS:
        if key in call.params:
            value = call.params[key]
            if value not in ("", None) and not str(value).isdigit():
                raise errors.ArrayError(f"Invalid value for {key}.", key)
            limits[key] = int(value) if value not in ("", None) else None
    return limits


ROUTES = [
    Route("GET", "volume", listing, {**listings.SPEC, **_SHOW}),
    Route("GET", "volume/<name>", show, _SHOW),
    Route("POST", "volume", snap, {"source": LIST, "snap": BOOL,
          "suffix": TEXT}),
    Route("POST", "volume/<name>", create, {"size": ANY, "source": TEXT,
          "overwrite": BOOL, **_LIMITS}),
    Route("PUT", "volume/<name>", change, {"name": TEXT, "size": ANY,
          "truncate": BOOL, "action": TEXT, "container": TEXT,
          **_LIMITS}),
    Route("DELETE", "volume/<name>", destroy, {"eradicate": BOOL}),
]  # fmt: skip
