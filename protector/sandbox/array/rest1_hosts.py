# SPDX-License-Identifier: Apache-2.0
"""REST 1.x: hosts, connections, and memberships told from the member."""

from typing import Any

from protector.sandbox.array import errors, listings
from protector.sandbox.array.hosts import KINDS
from protector.sandbox.array.params import BOOL, INT, LIST, TEXT
from protector.sandbox.array.rest1 import Call, Route

_PORTS = {f"{kind}list": LIST for kind in KINDS}
_PORT_CHANGES = {
    f"{verb}{kind}list": LIST for kind in KINDS for verb in ("", "add", "rem")
}
_ATTRIBUTES = {"personality": TEXT, "host_user": TEXT, "host_password": TEXT}
_SHOW = {"personality": BOOL, "chap": BOOL, "remote": BOOL}


def _view(call: Call, host: dict[str, Any]) -> dict[str, Any]:
    if call.params.get("personality") is True:
        return {"name": host["name"], "personality": host["personality"]}
    if call.params.get("chap"):
        return {
            "name": host["name"],
            "host_user": host["host_user"],
            "host_password": "****" if host["host_password"] else None,
            "target_user": None,
            "target_password": None,
        }
    return {
        "name": host["name"],
        "hgroup": None,
        **{kind: host[kind] for kind in KINDS},
    }


def listing(call: Call) -> list[dict[str, Any]]:
    """GET host; with ``all`` one row per connection."""
    rows = []
    for host in call.array.hosts.listing():
        row = {**_view(call, host), "destroyed": None}
        if not listings.wanted(row, call.params):
            continue
        row.pop("destroyed")
        connections = call.array.hosts.connections(host=host["name"])
        if call.params.get("all"):
            for connection in connections or [{"vol": None, "lun": None}]:
                rows.append(
                    {
                        **row,
                        "vol": connection["vol"],
                        "lun": connection["lun"],
                    }
                )
        else:
            rows.append(row)
    listings.require_found(rows, call.params, "Host")
    return listings.page(rows, call.params, call.headers)


def show(call: Call) -> dict[str, Any]:
    """GET host/{name}."""
    return _view(call, call.array.hosts.show(call.names["name"]))


def create(call: Call) -> dict[str, Any]:
    """POST host/{name}."""
    ports = {k: call.params.get(f"{k}list") or [] for k in KINDS}
    return _view(call, call.array.hosts.create(call.names["name"], ports))


def change(call: Call) -> dict[str, Any]:
    """PUT host/{name}: a new name, ports or attributes."""
    name, given = call.names["name"], call.params
    hosts = call.array.hosts
    if "name" in given:
        if len(given) > 1:
            raise errors.ArrayError("Rename goes alone.", name)
        return _view(call, hosts.rename(name, given["name"]))
    with call.array.core.store.transaction():
        for kind in KINDS:
            _change_ports(call, name, kind)
        attributes = {k: given[k] for k in _ATTRIBUTES if k in given}
        host = hosts.change(name, attributes)
    call.params = {}
    return _view(call, host)


def _change_ports(call: Call, name: str, kind: str) -> None:
    add = call.params.get(f"add{kind}list") or []
    remove = call.params.get(f"rem{kind}list") or []
    exact = call.params.get(f"{kind}list")
    if exact is not None:
        present = call.array.hosts.show(name)[kind]
        add = [port for port in exact if port not in present]
        remove = [port for port in present if port not in exact]
    call.array.hosts.set_ports(name, kind, add, remove)


def delete(call: Call) -> dict[str, Any]:
    """DELETE host/{name}."""
    return {"name": call.array.hosts.delete(call.names["name"])["name"]}


def connect(call: Call) -> dict[str, Any]:
    """POST host/{name}/volume/{volume}."""
    return call.array.hosts.connect(
        call.names["name"], call.names["volume"], call.params.get("lun")
    )


def disconnect(call: Call) -> dict[str, Any]:
    """DELETE host/{name}/volume/{volume}."""
    return call.array.hosts.disconnect(
        call.names["name"], call.names["volume"]
    )


def volumes_of(call: Call) -> list[dict[str, Any]]:
    """GET host/{name}/volume."""
    name = call.names["name"]
    call.array.hosts.show(name)
    if call.params.get("shared"):
        return []
    return [
        {"name": name, "vol": c["vol"], "lun": c["lun"], "hgroup": None}
        for c in call.array.hosts.connections(host=name)
    ]


def hosts_of(call: Call) -> list[dict[str, Any]]:
    """GET volume/{name}/host."""
    name = call.names["name"]
    call.array.volumes.show(name)
    return [
        {"name": name, "host": c["host"], "lun": c["lun"], "size": c["size"]}
        for c in call.array.hosts.connections(volume=name)
    ]


def host_groups_of(call: Call) -> list[dict[str, Any]]:
    """GET volume/{name}/hgroup: none, for there are no host groups."""
    call.array.volumes.show(call.names["name"])
    return []


def join(call: Call) -> dict[str, Any]:
    """POST {volume|host}/{name}/pgroup/{group}."""
    name, group = call.names["name"], call.names["group"]
    call.array.pgroups.add_members(group, _kind(call), [name])
    return {"name": name, "protection_group": group}


def leave(call: Call) -> dict[str, Any]:
    """DELETE {volume|host}/{name}/pgroup/{group}."""
    name, group = call.names["name"], call.names["group"]
    call.array.pgroups.remove_members(group, _kind(call), [name])
    return {"name": name, "protection_group": group}


def _kind(call: Call) -> str:
    return "vol" if call.names["kind"] == "volume" else "host"


def no_host_groups(call: Call) -> list[dict[str, Any]]:
    """GET hgroup."""
    return []


def no_host_group(call: Call) -> None:
    """Any request for one host group."""
    raise errors.missing("Host group", call.names["name"])


_MEMBER = "<any(volume,host):kind>/<name>/pgroup/<group>"

ROUTES = [
    Route("GET", "host", listing, {**listings.SPEC, **_SHOW, "all": BOOL}),
    Route("GET", "host/<name>", show, _SHOW),
    Route("POST", "host/<name>", create, _PORTS),
    Route("PUT", "host/<name>", change, {"name": TEXT, **_PORT_CHANGES,
          **_ATTRIBUTES}),
    Route("DELETE", "host/<name>", delete),
    Route("GET", "host/<name>/volume", volumes_of, {"private": BOOL,
          "shared": BOOL}),
    Route("POST", "host/<name>/volume/<volume>", connect, {"lun": INT}),
    Route("DELETE", "host/<name>/volume/<volume>", disconnect,
          anyway=True),
    Route("GET", "volume/<name>/host", hosts_of, {"remote": BOOL}),
    Route("GET", "volume/<name>/hgroup", host_groups_of),
    Route("POST", _MEMBER, join),
    Route("DELETE", _MEMBER, leave),
    Route("GET", "hgroup", no_host_groups, listings.SPEC),
    Route("GET", "hgroup/<name>", no_host_group),
]  # fmt: skip
