# SPDX-License-Identifier: Apache-2.0
"""REST 2.x: tags of volumes."""

from protector.sandbox.array import errors, rest2
from protector.sandbox.array.params import ANY, BOOL, LIST
from protector.sandbox.array.rest2 import Call, Item, Route

_DEFAULT = "default"
_KNOWN = {"key", "value", "namespace", "copyable", "resource"}
_RESOURCES = {"resource_names": LIST}
_WHICH = {**_RESOURCES, "namespaces": LIST, "keys": LIST}


def listing(call: Call) -> list[Item]:
    """GET volumes/tags."""
    names = call.query.get("resource_names")
    spaces = call.query.get("namespaces")
    for name in names or []:
        call.array.volumes.show(name, pending=True)
    return [
        {
            "namespace": row["namespace"],
            "key": row["key"],
            "value": row["value"],
            "copyable": bool(row["copyable"]),
            "resource": {"name": row["volume"]},
        }
        for row in call.array.tags.listing()
        if (names is None or row["volume"] in names)
        and (spaces is None or row["namespace"] in spaces)
    ]


def put(call: Call) -> list[Item]:
    """PUT volumes/tags/batch: at most 30 of them."""
    given = call.body.get(rest2.ROWS) or []
    if not 1 <= len(given) <= 30:
        raise errors.ArrayError("1 to 30 tags are needed.")
    with call.array.core.store.transaction():
        for name in call.named("resource_names"):
            for tag in given:
                if not set(tag) <= _KNOWN or not tag.get("key"):
                    raise errors.ArrayError("Invalid tag.", name)
                call.array.tags.put(
                    name,
                    tag["key"],
                    tag.get("value"),
                    tag.get("namespace") or _DEFAULT,
                    tag.get("copyable", True),
                )
    return listing(call)


def remove(call: Call) -> list[Item]:
    """DELETE volumes/tags."""
    with call.array.core.store.transaction():
        for name in call.named("resource_names"):
            for space in call.query.get("namespaces") or [_DEFAULT]:
                for key in call.query.get("keys") or [None]:
                    call.array.tags.remove(name, space, key)
    return []


ROUTES = [
    Route(
        "GET",
        "volumes/tags",
        listing,
        {
            **rest2.LIST,
            **_RESOURCES,
            "namespaces": LIST,
            "resource_destroyed": BOOL,
        },
    ),
    Route(
        "PUT",
        "volumes/tags/batch",
        put,
        _RESOURCES,
        {rest2.ROWS: ANY},
    ),
    Route("DELETE", "volumes/tags", remove, _WHICH),
]
