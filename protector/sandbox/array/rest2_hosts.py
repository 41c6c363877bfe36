# SPDX-License-Identifier: Apache-2.0
"""REST 2.x: hosts and their connections to volumes."""

from typing import Any

from protector.sandbox.array import errors, rest2
from protector.sandbox.array.hosts import KINDS
from protector.sandbox.array.params import ANY, INT, LIST, TEXT
from protector.sandbox.array.rest2 import Call, Item, Route
from protector.sandbox.array.rest2_volumes import asked

_PORTS = {f"{kind}s": LIST for kind in KINDS}
_PORT_CHANGES = {
    f"{verb}{name}": LIST for name in _PORTS for verb in ("add_", "remove_")
}
_ENDS = {"host_names": LIST, "volume_names": LIST}


def host_view(call: Call, host: dict[str, Any]) -> Item:
    """A host as REST 2.x shows it."""
    connections = call.array.hosts.connections(host=host["name"])
    return {
        "name": host["name"],
        "is_local": True,
        "personality": host["personality"],
        "connection_count": len(connections),
        "preferred_arrays": [],
        "chap": {"host_user": host["host_user"]},
        **{f"{kind}s": host[kind] for kind in KINDS},
    }


def listing(call: Call) -> list[Item]:
    """GET hosts."""
    items = [host_view(call, host) for host in call.array.hosts.listing()]
    return asked(call, items, "Host")


def create(call: Call) -> list[Item]:
    """POST hosts."""
    ports = {kind: call.body.get(f"{kind}s") or [] for kind in KINDS}
    hosts = call.array.hosts
    with call.array.core.store.transaction():
        made = [hosts.create(name, ports) for name in call.named()]
        if call.body.get("personality"):
            values = {"personality": call.body["personality"]}
            made = [hosts.change(row["name"], values) for row in made]
    return [host_view(call, row) for row in made]


def change(call: Call) -> list[Item]:
    """PATCH hosts: name, personality, CHAP and ports."""
    hosts, given = call.array.hosts, call.body
    with call.array.core.store.transaction():
        rows = []
        for name in call.named():
            for kind in KINDS:
                add = given.get(f"add_{kind}s") or []
                remove = given.get(f"remove_{kind}s") or []
                hosts.set_ports(name, kind, add, remove)
            hosts.change(name, _attributes(given))
            if given.get("name"):
                name = hosts.rename(name, given["name"])["name"]
            rows.append(hosts.show(name))
    return [host_view(call, row) for row in rows]


def _attributes(given: dict[str, Any]) -> dict[str, str]:
    values = {k: given[k] for k in ("personality",) if k in given}
    chap = given.get("chap") or {}
    if not isinstance(chap, dict):
        raise errors.ArrayError("Invalid value for chap.", "chap")
    known = {"host_user", "host_password"}
    return values | {k: v for k, v in chap.items() if k in known}


def delete(call: Call) -> list[Item]:
    """DELETE hosts."""
    for name in call.named():
        call.array.hosts.delete(name)
    return []


def connections(call: Call) -> list[Item]:
    """GET connections."""
    hosts = call.query.get("host_names")
    volumes = call.query.get("volume_names")
    for name in hosts or []:
        call.array.hosts.show(name)
    for name in volumes or []:
        call.array.volumes.show(name, pending=True)
    return [
        _connection(row["host"], row["vol"], row["lun"])
        for row in call.array.hosts.connections()
        if (hosts is None or row["host"] in hosts)
        and (volumes is None or row["vol"] in volumes)
    ]


def connect(call: Call) -> list[Item]:
    """POST connections."""
    with call.array.core.store.transaction():
        rows = [
            call.array.hosts.connect(host, volume, call.body.get("lun"))
            for host in call.named("host_names")
            for volume in call.named("volume_names")
        ]
    return [_connection(r["name"], r["vol"], r["lun"]) for r in rows]


def disconnect(call: Call) -> list[Item]:
    """DELETE connections."""
    with call.array.core.store.transaction():
        for host in call.named("host_names"):
            for volume in call.named("volume_names"):
                call.array.hosts.disconnect(host, volume)
    return []


def _connection(host: str, volume: str, lun: int) -> Item:
    return {
        "host": {"name": host},
        "volume": {"name": volume},
        "lun": lun,
    }


ROUTES = [
    Route("GET", "hosts", listing, rest2.LIST | rest2.NAMES),
    Route(
        "POST", "hosts", create, rest2.NAMES, {**_PORTS, "personality": TEXT}
    ),
    Route(
        "PATCH",
        "hosts",
        change,
        rest2.NAMES,
        {"name": TEXT, "personality": TEXT, "chap": ANY, **_PORT_CHANGES},
    ),
    Route("DELETE", "hosts", delete, rest2.NAMES),
    Route("GET", "connections", connections, rest2.LIST | _ENDS),
    Route("POST", "connections", connect, _ENDS, {"lun": INT}),
    Route("DELETE", "connections", disconnect, _ENDS, anyway=True),
]
