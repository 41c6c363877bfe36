# SPDX-License-Identifier: Apache-2.0
"""REST 2.x: pods, and the arrays that they are stretched to."""

from sqlite3 import Row
from typing import Any

from protector.sandbox.array import errors, rest2
from protector.sandbox.array.params import ANY, BOOL, LIST, TEXT
from protector.sandbox.array.rest2 import Call, Item, Route
from protector.sandbox.array.rest2_volumes import asked

_KIND = "Pod"
_MEMBERS = {"group_names": LIST, "member_names": LIST}
_CHANGES = ("name", "destroyed", "mediator", "failover_preferences")


def view(call: Call, row: Row) -> Item:
    """A pod as REST 2.x shows it."""
    arrays = [_array(array) for array in call.array.podadmin.arrays(row)]
    return {
        "id": row["uid"],
        "name": row["name"],
        "arrays": arrays,
        "array_count": len(arrays),
        "destroyed": row["destroyed"] is not None,
        "time_remaining": rest2.remaining(call.array, row["destroyed"]),
        "failover_preferences": [
            rest2.reference(name)
            for name in call.array.podadmin.preferred(row)
        ],
        "link_source_count": 0,
        "link_target_count": 0,
        "mediator": row["mediator"],
        "mediator_version": "1.0",
        "promotion_status": "promoted",
        "requested_promotion_state": "promoted",
    }


def _array(array: dict[str, Any]) -> Item:
    return {
        "id": array["id"],
        "name": array["name"],
        "status": array["status"],
        "mediator_status": array["mediator_status"],
        "frozen_at": rest2.ms(array["frozen_at"]),
        "pre_elected": False,
        "progress": None if array["status"] != "resyncing" else 0.0,
    }


def listing(call: Call) -> list[Item]:
    """GET pods."""
    items = [view(call, row) for row in call.array.pods.listing()]
    return asked(call, items, _KIND)


def create(call: Call) -> list[Item]:
    """POST pods; no copies of others."""
    given, admin = call.body, call.array.podadmin
    if given.get("source"):
        raise errors.ArrayError("Pods cannot be cloned by this array.")
    for name in call.named():
        admin.create(name)
        if given.get("failover_preferences"):
            admin.change(name, {"failover": _preferred(given)})
    return [view(call, call.array.pods.show(name)) for name in call.named()]


def _preferred(given: dict[str, Any]) -> list[str]:
    return [
        rest2.named_in(one, "failover_preferences")
        for one in given["failover_preferences"] or []
    ]


def change(call: Call) -> list[Item]:
    """PATCH pods: exactly one kind of change."""
    given = call.body
    if "requested_promotion_state" in given:
        raise errors.ArrayError(
            "Pods are not promoted or demoted by this array."
        )
    kinds = [kind for kind in _CHANGES if kind in given]
    if len(kinds) != 1:
        raise errors.ArrayError(
            "Exactly one change is needed.", ", ".join(call.named())
        )
    return [_change(call, kinds[0], name) for name in call.named()]


def _change(call: Call, kind: str, name: str) -> Item:
    admin, given = call.array.podadmin, call.body
    if kind == "name":
        admin.rename(name, given["name"])
        name = given["name"]
    elif kind == "mediator":
        admin.change(name, {"mediator": given["mediator"]})
    elif kind == "failover_preferences":
        admin.change(name, {"failover": _preferred(given)})
    elif given["destroyed"]:
        admin.destroy(name, bool(call.query.get("destroy_contents")))
    else:
        call.array.pods.recover(name)
    return view(call, call.array.pods.show(name, pending=True))


def eradicate(call: Call) -> list[Item]:
    """DELETE pods: eradicate destroyed ones."""
    contents = bool(call.query.get("eradicate_contents"))
    for name in call.named():
        call.array.podadmin.eradicate(name, contents)
    return []


# -- on which arrays


def members(call: Call) -> list[Item]:
    """GET pods/arrays."""
    wanted = call.query.get("group_names")
    return [
        {"pod": {"name": row["name"]}, "array": _array(array)}
        | {"group": {"name": row["name"]}, "member": {"name": array["name"]}}
        for row in call.array.pods.listing()
        if wanted is None or row["name"] in wanted
        for array in call.array.podadmin.arrays(row)
        if array["name"] in call.query.get("member_names", [array["name"]])
    ]


def add(call: Call) -> list[Item]:
    """POST pods/arrays: stretch."""
    for pod in call.named("group_names"):
        for array in call.named("member_names"):
            call.array.podadmin.add(pod, array)
    return members(call)


def take_out(call: Call) -> list[Item]:
    """DELETE pods/arrays: unstretch."""
    for pod in call.named("group_names"):
        for array in call.named("member_names"):
            call.array.podadmin.take_out(pod, array)
    return []


def protections(call: Call) -> list[Item]:
    """GET container-default-protections: no group takes new volumes in."""
    return [
        {
            "name": call.array.pods.show(name)["name"],
            "type": "pod",
            "default_protections": [],
        }
        for name in call.named()
    ]


_BODY = {
    "mediator": TEXT,
    "failover_preferences": ANY,
    "requested_promotion_state": TEXT,
}
ROUTES = [
    Route(
        "GET",
        "pods",
        listing,
        rest2.LIST | rest2.NAMES | rest2.DESTROYED | rest2.IDS,
    ),
    Route("POST", "pods", create, rest2.NAMES, {"source": ANY, **_BODY}),
    Route(
        "PATCH",
        "pods",
        change,
        {**rest2.NAMES, "destroy_contents": BOOL},
        {"name": TEXT, "destroyed": BOOL, **_BODY},
    ),
    Route(
        "DELETE",
        "pods",
        eradicate,
        {**rest2.NAMES, "eradicate_contents": BOOL},
    ),
    Route(
        "GET",
        "container-default-protections",
        protections,
        rest2.LIST | rest2.NAMES,
    ),
    Route("GET", "pods/arrays", members, rest2.LIST | _MEMBERS),
    Route("POST", "pods/arrays", add, _MEMBERS),
    Route(
        "DELETE",
        "pods/arrays",
        take_out,
        {**_MEMBERS, "with_unknown": BOOL},
    ),
]
