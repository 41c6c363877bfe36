# SPDX-License-Identifier: Apache-2.0
"""How Cinder shows its resources in each microversion.

Source: cinder/api/v3/views and the contrib extensions of 29.0.0.
"""

import typing

from protector.sandbox.cloud import store, wsgi
from protector.sandbox.cloud.cinder import state as states

View = dict[str, typing.Any]
USER_VISIBLE_SPECS = (
    "RESKEY:availability_zones",
    "multiattach",
    "replication_enabled",
)
_STATUS = {
    "managing": "creating",
    "error_managing": "error",
    "error_managing_deleting": "deleting",
}


def links(request: wsgi.Request, kind: str, key: str) -> list[View]:
    """Return the self and bookmark links."""
    project = request.project_id
    return [
        {"rel": "self", "href": f"{request.base}/v3/{project}/{kind}/{key}"},
        {"rel": "bookmark", "href": f"{request.base}/{project}/{kind}/{key}"},
    ]


def volume_summary(request: wsgi.Request, row: store.Document) -> View:
    """Show a volume in a list without details."""
    return {
        "id": row["id"],
        "name": row["name"],
        "links": links(request, "volumes", row["id"]),
    }


def volume(
    state: states.State, request: wsgi.Request, row: store.Document
) -> View:
    """Show a volume, all that the caller may see in this version."""
    view = {
        **volume_summary(request, row),
        "status": _STATUS.get(row["status"], row["status"]),
        "size": row["size"],
        "availability_zone": row["availability_zone"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "description": row["description"],
        "volume_type": _type_name(state, row["volume_type_id"]),
        "snapshot_id": row["snapshot_id"],
        "source_volid": row["source_volid"],
        "metadata": row["metadata"],
        "user_id": row["user_id"],
        "bootable": str(row["bootable"]).lower(),
        "encrypted": False,
        "replication_status": row["replication_status"],
        "consistencygroup_id": None,
        "multiattach": row["multiattach"],
        "attachments": _attachments(state, request, row["id"]),
        "os-vol-tenant-attr:tenant_id": row["project_id"],
    }
    if row["image_metadata"]:
        view["volume_image_metadata"] = row["image_metadata"]
    _add_versioned(request, row, view)
    if request.is_admin:
        view["migration_status"] = row["migration_status"]
        view["os-vol-host-attr:host"] = row["host"]
        view["os-vol-mig-status-attr:migstat"] = row["migration_status"]
        view["os-vol-mig-status-attr:name_id"] = None
    return view


def _add_versioned(
    request: wsgi.Request, row: store.Document, view: View
) -> None:
    version = request.version
    if version >= (3, 13):
        view["group_id"] = row["group_id"]
    if version >= (3, 21) and request.is_admin:
        view["provider_id"] = row["provider_id"]
    if version >= (3, 48):
        view["service_uuid"] = row["service_uuid"]
        view["shared_targets"] = row["service_uuid"] is None
    if version >= (3, 61) and request.is_admin:
        view["cluster_name"] = None
    if version >= (3, 63):
        view["volume_type_id"] = row["volume_type_id"]
    if version >= (3, 65):
        view["consumes_quota"] = True


def _type_name(state: states.State, type_id: str | None) -> str | None:
    row = state.types.get(type_id) if type_id else None
    return row["name"] if row else None


def _attachments(
    state: states.State, request: wsgi.Request, volume_id: str
) -> list[View]:
    rows = state.attachments.list(volume_id=volume_id, status="attached")
    shows_host = request.is_admin or "service" in request.roles
    return [
        {
            "id": volume_id,
            "attachment_id": row["id"],
            "volume_id": volume_id,
            "server_id": row["instance"],
            "host_name": row["attached_host"] if shows_host else None,
            "device": row["mountpoint"],
            "attached_at": row["attached_at"],
        }
        for row in rows
    ]


def attachment(row: store.Document, detail: bool = True) -> View:
    """Show an attachment record."""
    view = {
        "id": row["id"],
        "status": row["status"],
        "instance": row["instance"],
        "volume_id": row["volume_id"],
    }
    if detail:
        view["attached_at"] = row["attached_at"] or ""
        view["detached_at"] = ""
        view["attach_mode"] = row["attach_mode"]
        view["connection_info"] = row["connection_info"]
    return view


def volume_type(request: wsgi.Request, row: store.Document) -> View:
    """Show a volume type; members see the user-visible specs only."""
    specs = row["extra_specs"]
    view: View = {
        "id": row["id"],
        "name": row["name"],
        "is_public": row["is_public"],
        "description": row["description"],
        "os-volume-type-access:is_public": row["is_public"],
        "extra_specs": visible_specs(request, specs),
    }
    if request.is_admin:
        view["qos_specs_id"] = None
    return view


def visible_specs(request: wsgi.Request, specs: View) -> View:
    """Return the extra specs that the caller may see."""
    if request.is_admin:
        return specs
    return {key: specs[key] for key in USER_VISIBLE_SPECS if key in specs}


def snapshot(request: wsgi.Request, row: store.Document) -> View:
    """Show a snapshot of one volume."""
    view = {
        "id": row["id"],
        "name": row["name"],
        "description": row["description"],
        "status": row["status"],
        "size": row["volume_size"],
        "volume_id": row["volume_id"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "metadata": row["metadata"],
        "os-extended-snapshot-attributes:progress": row["progress"],
        "os-extended-snapshot-attributes:project_id": row["project_id"],
    }
    if request.version >= (3, 14):
        view["group_snapshot_id"] = row["group_snapshot_id"]
    if request.version >= (3, 41):
        view["user_id"] = row["user_id"]
    if request.version >= (3, 65):
        view["consumes_quota"] = True
    return view


def group_type(request: wsgi.Request, row: store.Document) -> View:
    """Show a group type; only an admin sees its specs."""
    view = {
        "id": row["id"],
        "name": row["name"],
        "description": row["description"],
        "is_public": row["is_public"],
    }
    if request.is_admin:
        view["group_specs"] = row["group_specs"]
    return view


def group(
    state: states.State, request: wsgi.Request, row: store.Document
) -> View:
    """Show a group."""
    version = request.version
    view = {
        "id": row["id"],
        "status": row["status"],
        "availability_zone": row["availability_zone"],
        "created_at": row["created_at"],
        "name": row["name"],
        "description": row["description"],
        "group_type": row["group_type_id"],
        "volume_types": row["volume_type_ids"],
    }
    if version >= (3, 14):
        view["group_snapshot_id"] = row["group_snapshot_id"]
        view["source_group_id"] = row["source_group_id"]
    if version >= (3, 25) and is_true(request.query.get("list_volume")):
        view["volumes"] = [vol["id"] for vol in state.members(row["id"])]
    if version >= (3, 38):
        view["replication_status"] = row["replication_status"]
    if version >= (3, 58) and request.is_admin:
        view["project_id"] = row["project_id"]
    return view


def group_snapshot(request: wsgi.Request, row: store.Document) -> View:
    """Show a group snapshot."""
    view = {
        "id": row["id"],
        "group_id": row["group_id"],
        "group_type_id": row["group_type_id"],
        "status": row["status"],
        "created_at": row["created_at"],
        "name": row["name"],
        "description": row["description"],
    }
    if request.version >= (3, 58) and request.is_admin:
        view["project_id"] = row["project_id"]
    return view


def is_true(value: object) -> bool:
    """Read a flag of a query or a body (``True``, ``"1"``, ``"yes"``)."""
    return str(value).strip().lower() in ("1", "t", "true", "on", "y", "yes")
