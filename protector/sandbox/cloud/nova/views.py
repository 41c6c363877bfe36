# SPDX-License-Identifier: Apache-2.0
"""How Nova shows a server in each microversion.

Source: nova/api/openstack/compute/views/servers.py 34.0.0.
"""

import typing

from protector.sandbox.cloud import store, wsgi
from protector.sandbox.cloud.nova import instance_actions, states
from protector.sandbox.cloud.nova import state as state_module

View = dict[str, typing.Any]
_EXTENDED = {
    "host": "host",
    "instance_name": "instance_name",
    "hypervisor_hostname": "host",
}
_EXTENDED_2_3 = (
    "hostname",
    "kernel_id",
    "launch_index",
    "ramdisk_id",
    "reservation_id",
    "root_device_name",
    "user_data",
)


def links(request: wsgi.Request, kind: str, key: str) -> list[View]:
    """Return the self and bookmark links."""
    return [
        {"rel": "self", "href": f"{request.base}/v2.1/{kind}/{key}"},
        {"rel": "bookmark", "href": f"{request.base}/{kind}/{key}"},
    ]


def server_summary(request: wsgi.Request, row: store.Document) -> View:
    """Show a server in a list without details."""
    return {
        "id": row["id"],
        "name": row["name"],
        "links": links(request, "servers", row["id"]),
    }


def server(
    state: state_module.State,
    request: wsgi.Request,
    row: store.Document,
    groups: bool = False,
) -> View:
    """Show a server, all that the caller may see in this version.

    :param groups: with its server groups (not in lists).
    """
    status = states.status(row)
    view: View = {
        **server_summary(request, row),
        "status": status,
        "tenant_id": row["project_id"],
        "user_id": row["user_id"],
        "metadata": row["metadata"],
        "hostId": instance_actions.host_id(row["host"], row["project_id"]),
        "image": _image(request, row),
        "flavor": _flavor(request, row),
        "created": row["created"],
        "updated": row["updated"],
        "addresses": _addresses(state, row),
        "accessIPv4": "",
        "accessIPv6": "",
        "OS-DCF:diskConfig": "MANUAL",
        "OS-EXT-AZ:availability_zone": _zone(row),
        "config_drive": row["config_drive"],
        "key_name": row["key_name"],
        "OS-SRV-USG:launched_at": row["launched_at"],
        "OS-SRV-USG:terminated_at": row["terminated_at"],
        "OS-EXT-STS:task_state": row["task_state"],
        "OS-EXT-STS:vm_state": row["vm_state"],
        "OS-EXT-STS:power_state": row["power_state"],
        "os-extended-volumes:volumes_attached": _volumes(request, row),
    }
    names = _security_groups(state, row)
    if names:
        view["security_groups"] = [{"name": name} for name in names]
    if status in states.PROGRESSING:
        view["progress"] = 100 if status == "ACTIVE" else 0
    if status in ("ERROR", "DELETED") and row["fault"]:
        view["fault"] = _fault(request, row["fault"])
    if request.is_admin:
        _add_extended(request, row, view)
    _add_versioned(request, row, view)
    if groups and request.version >= (2, 71):
        view["server_groups"] = _groups(state, row)
    return view


def _zone(row: store.Document) -> str:
    if row["host"]:
        return state_module.ZONE
    return row["pinned_zone"] or ""


def _image(request: wsgi.Request, row: store.Document) -> View | str:
    if not row["image_ref"]:
        return ""
    image: View = {
        "id": row["image_ref"],
        "links": [links(request, "images", row["image_ref"])[1]],
    }
    if request.version >= (2, 98):
        image["properties"] = row["image_properties"]
    return image


def _flavor(request: wsgi.Request, row: store.Document) -> View:
    flavor = row["flavor"]
    if request.version < (2, 47):
        bookmark = links(request, "flavors", flavor["id"])[1]
        return {"id": flavor["id"], "links": [bookmark]}
    keys = ("vcpus", "ram", "disk", "ephemeral", "swap")
    view = {key: flavor[key] for key in keys}
    view["original_name"] = flavor["name"]
    view["extra_specs"] = flavor["extra_specs"]
    return view


def _addresses(state: state_module.State, row: store.Document) -> View:
    if row["vm_state"] == states.BUILDING:
        return {}
    networks = state.cloud.store.table("networks")
    floating = state.cloud.store.table("floatingips")
    found: dict[str, list[View]] = {}
    for port in ports_of(state, row):
        network = networks.get(port["network_id"]) or {"name": "unknown"}
        entries = found.setdefault(network["name"], [])
        for item in port["fixed_ips"]:
            entries.append(_address(port, item["ip_address"], "fixed"))
        for item in floating.list(port_id=port["id"]):
            address = item["floating_ip_address"]
            entries.append(_address(port, address, "floating"))
    return found


def _address(port: store.Document, address: str, kind: str) -> View:
    return {
        "version": 6 if ":" in address else 4,
        "addr": address,
        "OS-EXT-IPS:type": kind,
        "OS-EXT-IPS-MAC:mac_addr": port["mac_address"],
    }


def ports_of(
    state: state_module.State, row: store.Document
) -> list[store.Document]:
    """Return the Neutron ports of a server, in the order of its NICs."""
    table = state.cloud.store.table("ports")
    rows = [table.get(item["port_id"]) for item in row["ports"]]
    return [port for port in rows if port is not None]


def _security_groups(
    state: state_module.State, row: store.Document
) -> list[str]:
    table = state.cloud.store.table("security_groups")
    names: dict[str, None] = {}
    for port in ports_of(state, row):
        for key in port["security_groups"] or ():
            group = table.get(key)
            if group is not None:
                names[group["name"]] = None
    return list(names)


def _volumes(request: wsgi.Request, row: store.Document) -> list[View]:
    found = []
    for item in row["bdms"]:
        if item["volume_id"] is None:
            continue
        view: View = {"id": item["volume_id"]}
        if request.version >= (2, 3):
            view["delete_on_termination"] = item["delete_on_termination"]
        found.append(view)
    return found


def _fault(request: wsgi.Request, fault: View) -> View:
    keys = ["code", "created", "message"]
    if fault.get("details") and (request.is_admin or fault["code"] != 500):
        keys.append("details")
    return {key: fault[key] for key in keys}


def _add_extended(
    request: wsgi.Request, row: store.Document, view: View
) -> None:
    for name, key in _EXTENDED.items():
        view[f"OS-EXT-SRV-ATTR:{name}"] = row[key]
    if request.version >= (2, 3):
        for name in _EXTENDED_2_3:
            view[f"OS-EXT-SRV-ATTR:{name}"] = row.get(name, "")
        view["OS-EXT-SRV-ATTR:launch_index"] = 0
    if request.version >= (2, 16):
        view["host_status"] = "UP" if row["host"] else ""


def _add_versioned(
    request: wsgi.Request, row: store.Document, view: View
) -> None:
    version = request.version
    if version >= (2, 9):
        view["locked"] = bool(row["locked_by"])
    if version >= (2, 19):
        view["description"] = row["description"]
    if version >= (2, 26):
        view["tags"] = row["tags"]
    if version >= (2, 63):
        view["trusted_image_certificates"] = None
    if version >= (2, 73):
        view["locked_reason"] = row["locked_reason"]
    if version >= (2, 90):
        view["OS-EXT-SRV-ATTR:hostname"] = row["hostname"]
    if version >= (2, 96):
        view["pinned_availability_zone"] = row["pinned_zone"]
    if version >= (2, 100):
        view["scheduler_hints"] = row["hints"]


def _groups(state: state_module.State, row: store.Document) -> list[str]:
    rows = state.server_groups.list(lambda g: row["id"] in g["members"])
    return [group["id"] for group in rows]


def attachment(request: wsgi.Request, row: store.Document, bdm: View) -> View:
    """Show one volume attachment of a server."""
    version = request.version
    view: View = {"volumeId": bdm["volume_id"], "serverId": row["id"]}
    if version < (2, 89):
        view["id"] = bdm["volume_id"]
    if bdm["device"]:
        view["device"] = bdm["device"]
    if version >= (2, 70):
        view["tag"] = bdm["tag"]
    if version >= (2, 79):
        view["delete_on_termination"] = bdm["delete_on_termination"]
    if version >= (2, 89):
        view["attachment_id"] = bdm["attachment_id"]
        view["bdm_uuid"] = bdm["uuid"]
    return view
