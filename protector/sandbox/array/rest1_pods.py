# SPDX-License-Identifier: Apache-2.0
"""REST 1.x: pods, and the arrays that they are stretched to."""

from sqlite3 import Row
from typing import Any

from protector.sandbox.array import errors, listings
from protector.sandbox.array.params import BOOL, LIST, TEXT
from protector.sandbox.array.rest1 import Call, Route
from protector.sandbox.array.rest1_volumes import pending_view

_KIND = "Pod"
_SINCE = (1, 13)
_SHOW = {"mediator": BOOL, "failover_preference": BOOL}
_CHANGES = ("name", "action", "mediator", "failover_preference")


def _view(call: Call, row: Row) -> dict[str, Any]:
    """Return a pod as REST 1.x shows it."""
    _check_version(call)
    shown: dict[str, Any] = {
        "name": row["name"],
        "source": None,
        "arrays": _arrays(call, row),
        "link_source_count": 0,
        "link_target_count": 0,
        "promotion_status": "promoted",
        "requested_promotion_state": "promoted",
    }
    if call.params.get("mediator"):
        shown |= {"mediator": row["mediator"], "mediator_version": "1.0"}
    if call.params.get("failover_preference"):
        preferred = call.array.podadmin.preferred(row)
        shown |= {"failover_preference": preferred}
    return {**shown, **pending_view(call, row["destroyed"])}


def _arrays(call: Call, row: Row) -> list[dict[str, Any]]:
    return [
        {
            "name": array["name"],
            "array_id": array["id"],
            "status": array["status"],
            "mediator_status": array["mediator_status"],
            "frozen_at": _ms(array["frozen_at"]),
        }
        for array in call.array.podadmin.arrays(row)
    ]


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else int(seconds * 1000)


def _check_version(call: Call) -> None:
    if call.version < _SINCE:
        raise errors.NotFound("No such resource.", "pod")


def listing(call: Call) -> list[dict[str, Any]]:
    """GET pod."""
    rows = [
        row
        for row in call.array.pods.listing()
        if listings.wanted(dict(row), call.params)
    ]
    shown = [_view(call, row) for row in rows]
    listings.require_found(shown, call.params, _KIND)
    return listings.page(shown, call.params, call.headers)


def show(call: Call) -> dict[str, Any]:
    """GET pod/{name}."""
    pending = call.params.get("pending") or call.params.get("pending_only")
    name = call.names["name"]
    return _view(call, call.array.pods.show(name, bool(pending)))


def create(call: Call) -> dict[str, Any]:
    """POST pod/{name}; no copy of another pod."""
    name, given = call.names["name"], call.params
    _check_version(call)
    if given.get("source"):
        raise errors.ArrayError(
            "Pods cannot be cloned by this array.", given["source"]
        )
    call.array.podadmin.create(name)
    if given.get("failover_list"):
        call.array.podadmin.change(name, {"failover": given["failover_list"]})
    return _view(call, call.array.pods.show(name))


def change(call: Call) -> dict[str, Any]:
    """PUT pod/{name}: exactly one kind of change."""
    name, given = call.names["name"], call.params
    _check_version(call)
    if "requested_promotion_state" in given:
        raise errors.ArrayError(
            "Pods are not promoted or demoted by this array.", name
        )
    kinds = [key for key in _CHANGES if key in given]
    if len(kinds) != 1:
        raise errors.ArrayError("Exactly one change is needed.", name)
    admin = call.array.podadmin
    if kinds == ["name"]:
        admin.rename(name, given["name"])
        name = given["name"]
    elif kinds == ["action"]:
        if given["action"] != "recover":
            raise errors.ArrayError("Unknown action.", name)
        call.array.pods.recover(name)
    elif kinds == ["mediator"]:
        admin.change(name, {"mediator": given["mediator"]})
    else:
        preferred = given["failover_preference"] or []
        admin.change(name, {"failover": preferred})
    call.params = {kind: True for kind in kinds if kind in _SHOW}
    return _view(call, call.array.pods.show(name))


def destroy(call: Call) -> dict[str, Any]:
    """DELETE pod/{name}: destroy, or eradicate what is destroyed."""
    name = call.names["name"]
    _check_version(call)
    if call.params.get("eradicate"):
        call.array.podadmin.eradicate(name)
    else:
        call.array.podadmin.destroy(name)
    return {"name": name}


def add(call: Call) -> dict[str, Any]:
    """POST pod/{name}/array/{array}: stretch."""
    _check_version(call)
    call.array.podadmin.add(call.names["name"], call.names["array"])
    return _members(call)


def take_out(call: Call) -> dict[str, Any]:
    """DELETE pod/{name}/array/{array}: unstretch."""
    _check_version(call)
    call.array.podadmin.take_out(call.names["name"], call.names["array"])
    return _members(call)


def _members(call: Call) -> dict[str, Any]:
    row = call.array.pods.find(call.names["name"])
    arrays = _arrays(call, row) if row is not None else []
    return {"name": call.names["name"], "arrays": arrays}


_ONE, _ARRAY = "pod/<name>", "pod/<name>/array/<array>"
ROUTES = [
    Route("GET", "pod", listing, {**listings.SPEC, **_SHOW}),
    Route("GET", _ONE, show, {**listings.SPEC, **_SHOW}),
    Route("POST", _ONE, create, {"source": TEXT, "failover_list": LIST}),
    Route("PUT", _ONE, change, {"name": TEXT, "action": TEXT,
          "mediator": TEXT, "failover_preference": LIST,
          "requested_promotion_state": TEXT}),
    Route("DELETE", _ONE, destroy, {"eradicate": BOOL}),
    Route("POST", _ARRAY, add),
    Route("DELETE", _ARRAY, take_out, {"with_unknown": BOOL}),
]  # fmt: skip
