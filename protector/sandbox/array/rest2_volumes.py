# SPDX-License-Identifier: Apache-2.0
"""REST 2.x: volumes, their snapshots, their tags."""

from collections.abc import Mapping
from typing import Any
import uuid

from protector.sandbox.array import errors, names, rest2
from protector.sandbox.array.params import ANY, BOOL, LIST, TEXT
from protector.sandbox.array.rest2 import Call, Item, Route

_VOLUME = "Volume"
_SNAPSHOT = "Volume snapshot"
_QOS = ("bandwidth_limit", "iops_limit")
_CHANGES = ("name", "provisioned", "destroyed", "qos", "pod", "volume_group")


def volume_view(call: Call, row: Mapping[str, Any]) -> Item:
    """A volume as REST 2.x shows it."""
    volumes = call.array.volumes
    return {
        "id": _id(row["serial"]),
        "name": row["name"],
        "serial": row["serial"],
        "provisioned": row["size"],
        "created": rest2.ms(row["created"]),
        "destroyed": row["destroyed"] is not None,
        "time_remaining": rest2.remaining(call.array, row["destroyed"]),
        "source": rest2.reference(row["source"]),
        "pod": rest2.pod_of(row["name"]),
        "connection_count": volumes.connected(row),
        "subtype": "regular",
        "host_encryption_key_status": "none",
        "qos": {key: row[key] for key in _QOS},
        "space": {"total_provisioned": row["size"], "data_reduction": 1.0},
    }


def snapshot_view(call: Call, row: Mapping[str, Any]) -> Item:
    """A volume snapshot as REST 2.x shows it."""
    suffix = row["suffix"]
    if row["pgsnap_id"] is not None:
        group = names.split(row["grp"])[1]
        suffix = f"{group}.{row['grp_suffix']}"
    return {
        "id": _id(row["serial"]),
        "name": row["name"],
        "serial": row["serial"],
        "provisioned": row["size"],
        "created": rest2.ms(row["created"]),
        "destroyed": row["destroyed"] is not None,
        "time_remaining": rest2.remaining(call.array, row["destroyed"]),
        "source": rest2.reference(row["source"]),
        "pod": rest2.pod_of(row["name"]),
        "suffix": suffix,
    }


def listing(call: Call) -> list[Item]:
    """GET volumes."""
    rows = call.array.volumes.listing()
    items = [volume_view(call, row) for row in rows]
    return asked(call, items, _VOLUME)


def asked(call: Call, items: list[Item], kind: str) -> list[Item]:
    """Those of ``items`` whose names or ids a request asks for.

    Raises ``ArrayError`` for one that is not there.
    """
    for key in ("name", "id"):
        wanted = call.query.get(f"{key}s")
        if wanted is None:
            continue
        by = {item[key]: item for item in items}
        for one in wanted:
            if one not in by:
                raise errors.missing(kind, one)
        items = [by[one] for one in wanted]
    return items


def create(call: Call) -> list[Item]:
    """POST volumes: new ones, or copies."""
    given, made = call.body, []
    overwrite = bool(call.query.get("overwrite"))
    if ("provisioned" in given) == ("source" in given):
        raise errors.ArrayError("Either provisioned or source is needed.")
    if overwrite and "with_default_protection" in call.query:
        raise errors.ArrayError(
            "with_default_protection cannot be used with overwrite."
        )
    if overwrite and "source" not in given:
        raise errors.ArrayError("Only a copy can overwrite.")
    volumes = call.array.volumes
    groups = call.query.get("add_to_protection_group_names") or []
    with call.array.core.store.transaction():
        for name in call.named():
            if "source" in given:
                source = _source(call)
                if overwrite:
                    call.array.stretch.refuse_overwrite(name)
                target = volumes.find(name)
                if target is not None and volumes.connected(target):
                    call.notes.append("overwritten_while_connected")
                row = volumes.copy(source, name, overwrite)
            else:
                row = volumes.create(name, given["provisioned"])
            if given.get("qos"):
                row = volumes.limit(name, _limits(given["qos"]))
            for group in groups:
                call.array.pgroups.add_members(group, "vol", [name])
            made.append(row)
    return [volume_view(call, row) for row in made]


def _source(call: Call) -> str:
    """The name of a copy's source, which may be told by its id."""
    given = call.body["source"]
    if isinstance(given, Mapping) and "name" not in given and given.get("id"):
        rows = [*call.array.volumes.listing(), *call.array.snapshots.listing()]
        for row in rows:
            if _id(row["serial"]) == given["id"]:
                return str(row["name"])
        raise errors.missing(_VOLUME, given["id"])
    return rest2.named_in(given, "source")


def change(call: Call) -> list[Item]:
    """PATCH volumes: exactly one kind of change."""
    given = call.body
    kinds = [kind for kind in _CHANGES if kind in given]
    if len(kinds) != 1:
        raise errors.ArrayError(
            "Exactly one change is needed.", ", ".join(call.named())
        )
    return [_change(call, kinds[0], name) for name in call.named()]


def _change(call: Call, kind: str, name: str) -> Item:
    volumes, given = call.array.volumes, call.body
    if kind == "name":
        row = volumes.rename(name, given["name"])
    elif kind == "provisioned":
        truncate = bool(call.query.get("truncate"))
        row = volumes.resize(name, given["provisioned"], truncate)
    elif kind == "qos":
        row = volumes.limit(name, _limits(given["qos"]))
    elif kind == "destroyed":
        row = (volumes.destroy if given["destroyed"] else volumes.recover)(
            name
        )
    elif kind == "pod":
        pod = rest2.named_in(given["pod"], "pod")
        call.array.podadmin.refuse_move(name, pod)
        row = volumes.move(name, pod)
    else:
        raise errors.ArrayError(
            "Volume groups are not supported by this array.", name
        )
    return volume_view(call, row)


def eradicate(call: Call) -> list[Item]:
    """DELETE volumes: eradicate destroyed ones."""
    for name in call.named():
        call.array.volumes.eradicate(name)
    return []


# -- snapshots


def snapshots(call: Call) -> list[Item]:
    """GET volume-snapshots."""
    rows = call.array.snapshots.listing()
    sources = call.query.get("source_names")
    if sources is not None:
        rows = [row for row in rows if row["source"] in sources]
    items = [snapshot_view(call, row) for row in rows]
    return asked(call, items, _SNAPSHOT)


def snap(call: Call) -> list[Item]:
    """POST volume-snapshots: of all sources at one instant."""
    sources = call.named("source_names")
    volumes = [call.array.volumes.live(name) for name in sources]
    rows = call.array.snapshots.create(volumes, call.body.get("suffix"))
    return [snapshot_view(call, row) for row in rows]


def change_snapshot(call: Call) -> list[Item]:
    """PATCH volume-snapshots: destroy or recover."""
    if not isinstance(call.body.get("destroyed"), bool):
        raise errors.ArrayError("destroyed is needed.")
    held = call.array.snapshots
    do = held.destroy if call.body["destroyed"] else held.recover
    return [snapshot_view(call, do(name)) for name in call.named()]


def eradicate_snapshot(call: Call) -> list[Item]:
    """DELETE volume-snapshots: eradicate destroyed ones."""
    for name in call.named():
        if names.parse_snapshot(name) is None:
            raise errors.missing(_SNAPSHOT, name)
        call.array.snapshots.eradicate(name)
    return []


def _limits(qos: Any) -> dict[str, int | None]:
    """The limits of a ``qos``; what it does not name is kept."""
    if not isinstance(qos, Mapping) or not set(qos) <= set(_QOS):
        raise errors.ArrayError("Invalid value for qos.", "qos")
    return {key: qos[key] for key in qos}


def _id(serial: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, serial))


_NAMED = rest2.NAMES | rest2.IDS
ROUTES = [
    Route("GET", "volumes", listing, rest2.LIST | rest2.DESTROYED | _NAMED),
    Route(
        "POST",
        "volumes",
        create,
        {
            **rest2.NAMES,
            "overwrite": BOOL,
            "with_default_protection": BOOL,
            "add_to_protection_group_names": LIST,
        },
        {"provisioned": ANY, "source": ANY, "qos": ANY, "subtype": TEXT},
    ),
    Route(
        "PATCH",
        "volumes",
        change,
        {**rest2.NAMES, "truncate": BOOL},
        {
            "name": TEXT,
            "provisioned": ANY,
            "destroyed": BOOL,
            "qos": ANY,
            "pod": ANY,
            "volume_group": ANY,
        },
    ),
    Route("DELETE", "volumes", eradicate, rest2.NAMES),
    Route(
        "GET",
        "volume-snapshots",
        snapshots,
        {**rest2.LIST, **rest2.DESTROYED, **_NAMED, "source_names": LIST},
    ),
    Route(
        "POST",
        "volume-snapshots",
        snap,
        {"source_names": LIST},
        {"suffix": TEXT},
    ),
    Route(
        "PATCH",
        "volume-snapshots",
        change_snapshot,
        rest2.NAMES,
        {"destroyed": BOOL},
    ),
    Route("DELETE", "volume-snapshots", eradicate_snapshot, rest2.NAMES),
]
