# SPDX-License-Identifier: Apache-2.0
"""REST 1.x: protection groups and their snapshots."""

import json
from sqlite3 import Row
from typing import Any

from protector.sandbox.array import errors, listings, names, plans
from protector.sandbox.array.clock import stamp
from protector.sandbox.array.params import ANY, BOOL, LIST, TEXT
from protector.sandbox.array.rest1 import Call, Route
from protector.sandbox.array.rest1_volumes import pending_view

_KIND = "Protection group"
_SHOW = {
    "snap": BOOL,
    "transfer": BOOL,
    "schedule": BOOL,
    "retention": BOOL,
    "pending": BOOL,
    "pending_only": BOOL,
}
_MEMBERS = {"vollist": "vol", "hostlist": "host", "hgrouplist": "hgroup"}
_CREATE = {**dict.fromkeys(_MEMBERS, LIST), "targetlist": LIST}
_LISTS = {f"{verb}{name}": LIST for name in _CREATE for verb in
          ("", "add", "rem")}  # fmt: skip
_PLANS = dict.fromkeys({**plans.SCHEDULE, **plans.RETENTION}, ANY)
_SNAP = {
    "source": LIST,
    "snap": BOOL,
    "suffix": TEXT,
    "apply_retention": BOOL,
    "replicate": BOOL,
    "replicate_now": BOOL,
    "name": LIST,
    "action": TEXT,
}


def _group_view(call: Call, row: Row) -> dict[str, Any]:
    name = names.qualified(row["origin"], row["name"])
    if call.params.get("schedule"):
        return {"name": name, **json.loads(row["schedule"])}
    if call.params.get("retention"):
        return {"name": name, **json.loads(row["retention"])}
    shown = call.array.pgroups.describe(row)
    return {**shown, **pending_view(call, row["destroyed"])}


def _snapshot_view(call: Call, row: dict[str, Any]) -> dict[str, Any]:
    shown = {
        "name": row["name"],
        "source": row["group_name"],
        "created": stamp(row["created"]),
    }
    if call.params.get("transfer"):
        shown |= {
            "started": stamp(row["started"]),
            "completed": stamp(row["completed"]),
            "progress": row["progress"],
            "data_transferred": row["data_transferred"],
            "physical_bytes_written": row["data_transferred"],
            "logical_data_transferred": row["data_transferred"],
        }
    return {**shown, **pending_view(call, row["destroyed"])}


def listing(call: Call) -> list[dict[str, Any]]:
    """GET pgroup: groups, or with ``snap`` all their snapshots."""
    if call.params.get("snap") or call.params.get("transfer"):
        return _snapshots(call, call.array.pgsnaps.listing())
    rows = [
        (row, {"name": names.qualified(row["origin"], row["name"]),
               "destroyed": row["destroyed"]})
        for row in call.array.pgroups.listing()
    ]  # fmt: skip
    chosen = [row for row, key in rows if listings.wanted(key, call.params)]
    shown = [_group_view(call, row) for row in chosen]
    listings.require_found(shown, call.params, _KIND)
    return listings.page(shown, call.params, call.headers)


def _snapshots(call: Call, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    keyed = [({**row, "source": row["group_name"]}, row) for row in rows]
    chosen = [row for key, row in keyed if listings.wanted(key, call.params)]
    for name in call.params.get("names") or []:
        parsed = names.parse_group(name)
        if "*" not in name and parsed.suffix is None:
            call.array.pgroups.show(name)
    shown = [_snapshot_view(call, row) for row in chosen]
    return listings.page(shown, call.params, call.headers)


def show(call: Call) -> Any:
    """GET pgroup/{name}: one group, or with ``snap`` its snapshots."""
    name = call.names["name"]
    pending = bool(
        call.params.get("pending") or call.params.get("pending_only")
    )
    if not (call.params.get("snap") or call.params.get("transfer")):
        return _group_view(call, call.array.pgroups.show(name, pending))
    if names.parse_group(name).suffix is not None:
        rows = [call.array.pgsnaps.show(name, pending)]
    else:
        group = call.array.pgroups.show(name, pending)
        rows = call.array.pgsnaps.listing(group["id"])
    return _snapshots(call, rows)


def create(call: Call) -> dict[str, Any]:
    """POST pgroup/{name}."""
    name, given = call.names["name"], call.params
    with call.array.core.store.transaction():
        call.array.pgroups.create(name)
        for key in _CREATE:
            if given.get(key):
                _change_list(call, name, key)
    return _told(call, name)


def change(call: Call) -> dict[str, Any]:
    """PUT pgroup/{name}: exactly one family of changes."""
    name, given = call.names["name"], call.params
    families = {
        "lists": any(key in given for key in _LISTS),
        "plan": any(key in given for key in _PLANS),
        **{key: key in given for key in ("name", "action", "allowed")},
    }
    chosen = [family for family, present in families.items() if present]
    if len(chosen) != 1:
        raise errors.ArrayError("Exactly one kind of change is needed.", name)
    return _CHANGES[chosen[0]](call, name)


def _change_lists(call: Call, name: str) -> dict[str, Any]:
    with call.array.core.store.transaction():
        for key in call.params:
            _change_list(call, name, key)
    return _told(call, name)


def _change_list(call: Call, name: str, key: str) -> None:
    """Carry out e.g. ``addvollist``, ``remtargetlist`` or ``hostlist``."""
    verb = key[:3] if key[:3] in ("add", "rem") else ""
    what, values = key.removeprefix(verb), call.params[key] or []
    if what == "hgrouplist":
        for value in values:
            raise errors.missing("Host group", value)
    elif what == "targetlist":
        targets = call.array.targets
        {"add": targets.add, "rem": targets.remove, "": targets.replace}[verb](
            name, values
        )
    else:
        groups = call.array.pgroups
        {
            "add": groups.add_members,
            "rem": groups.remove_members,
            "": groups.replace_members,
        }[verb](name, _MEMBERS[what], values)


def _change_plan(call: Call, name: str) -> dict[str, Any]:
    row = call.array.pgroups.set_plan(name, call.params)
    _told(call, name)
    plan = "schedule" if set(call.params) & set(plans.SCHEDULE) else (
        "retention"
    )  # fmt: skip
    return {"name": name, **json.loads(row[plan])}


def _rename(call: Call, name: str) -> dict[str, Any]:
    call.array.pgroups.rename(name, call.params["name"])
    return _told(call, call.params["name"])


def _recover(call: Call, name: str) -> dict[str, Any]:
    if call.params["action"] != "recover":
        raise errors.ArrayError("Unknown action.", name)
    call.params = {}
    if names.parse_group(name).suffix is not None:
        return _snapshot_view(call, call.array.pgsnaps.recover(name))
    return _group_view(call, call.array.pgroups.recover(name))


def _allow(call: Call, name: str) -> dict[str, Any]:
    row = call.array.targets.allow(name, bool(call.params["allowed"]))
    call.array.links.tell_all()
    return call.array.pgroups.describe(row)


def _told(call: Call, name: str) -> dict[str, Any]:
    """Tell the targets of a change at once if they are there."""
    call.array.links.tell_all()
    return call.array.pgroups.describe(call.array.pgroups.show(name))


_CHANGES = {
    "lists": _change_lists,
    "plan": _change_plan,
    "name": _rename,
    "action": _recover,
    "allowed": _allow,
}


def snap(call: Call) -> list[dict[str, Any]]:
    """POST pgroup: take snapshots, or send one again."""
    given = call.params
    if given.get("action") is not None or "name" in given:
        return _send(call)
    if not given.get("snap") or not given.get("source"):
        raise errors.ArrayError("snap and source are needed.")
    if given.get("replicate") and given.get("replicate_now"):
        raise errors.ArrayError(
            "replicate and replicate_now exclude each other."
        )
    replicate = "queue" if given.get("replicate") else None
    if given.get("replicate_now"):
        replicate = "now"
    with call.array.core.store.transaction():
        rows = [
            call.array.pgsnaps.create(
                group,
                given.get("suffix"),
                bool(given.get("apply_retention")),
                replicate,
            )
            for group in given["source"]
        ]
    return [_snapshot_view(call, row) for row in rows]


def _send(call: Call) -> list[dict[str, Any]]:
    if call.params.get("action") != "send" or call.version < (1, 16):
        raise errors.ArrayError("Unknown action.")
    rows = [
        call.array.pgsnaps.send(name) for name in call.params.get("name") or []
    ]
    return [_snapshot_view(call, row) for row in rows]


def destroy(call: Call) -> dict[str, Any]:
    """DELETE pgroup/{name}: a group or a snapshot of one."""
    name = call.names["name"]
    array, eradicate = call.array, call.params.get("eradicate")
    if names.parse_group(name).suffix is not None:
        (array.pgsnaps.eradicate if eradicate else array.pgsnaps.destroy)(name)
    elif eradicate:
        array.pgsnaps.eradicate_group(name)
    else:
        array.pgroups.destroy(name)
    return {"name": name}


ROUTES = [
    Route("GET", "pgroup", listing, {**listings.SPEC, **_SHOW}),
    Route("GET", "pgroup/<name>", show, {**listings.SPEC, **_SHOW}),
    Route("POST", "pgroup", snap, _SNAP),
    Route("POST", "pgroup/<name>", create, _CREATE),
    Route("PUT", "pgroup/<name>", change, {"name": TEXT, "action": TEXT,
          "allowed": BOOL, **_LISTS, **_PLANS}),
    Route("DELETE", "pgroup/<name>", destroy, {"eradicate": BOOL}),
]  # fmt: skip
