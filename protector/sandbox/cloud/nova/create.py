# SPDX-License-Identifier: Apache-2.0
"""``POST /servers``: accept or refuse a new server.

Source: nova/api/openstack/compute/servers.py, nova/compute/api.py 34.0.0.
"""

import base64
import binascii
import re
import secrets
import typing

from protector.sandbox.cloud import context, errors, store, wsgi
from protector.sandbox.cloud.nova import (
    flavors,
    instance_actions,
    keypairs,
    mappings,
    networking,
    quotas,
    refusals,
    server_groups,
    states,
    views,
)
from protector.sandbox.cloud.nova import state as state_module

Body = dict[str, typing.Any]


class Creator:
    """Checks a request, writes the row and starts the building."""

    def __init__(
        self,
        state: state_module.State,
        limits: quotas.Quotas,
        actions: instance_actions.InstanceActions,
        networks: networking.Networking,
        devices: mappings.Mappings,
        groups: server_groups.ServerGroups,
    ) -> None:
        self._state = state
        self._quotas = limits
        self._actions = actions
        self._networks = networks
        self._mappings = devices
        self._groups = groups
        self._flavors = flavors.Flavors(state)
        self._keypairs = keypairs.Keypairs(state, limits)

    def create(self, request: wsgi.Request) -> wsgi.Result:
        """Create a server (202)."""
        body = request.body("server")
        hints = _hints(request.json())
        row = self._row(request, body, hints)
        row["bdms"] = self._mappings.read(
            request,
            body.get("block_device_mapping_v2") or [],
            row["image_ref"],
        )
        root = next(m for m in row["bdms"] if m["boot_index"] == 0)
        row["root_device_name"] = root["device"]
        if not root["local"]:
            row["image_ref"] = None
        row["ports"] = self._networks.requested(request, body)
        names = [g["name"] for g in body.get("security_groups") or ()]
        self._networks.check_groups(request, names)
        with self._state.lock:
            self._quotas.check_servers(row["project_id"], row["flavor"])
            self._mappings.reserve(request, row["id"], row["bdms"])
            self._start(request, row, hints)
        password = secrets.token_urlsafe(9)
        return (
            202,
            {"server": self._view(request, row, body, password)},
            {"Location": f"{request.base}/v2.1/servers/{row['id']}"},
        )

    def _start(
        self, request: wsgi.Request, row: store.Document, hints: Body
    ) -> None:
        self._state.servers.put(row)
        if hints.get("group"):
            self._groups.add(hints["group"], row["id"])
        action = self._actions.start(request, row["id"], "create")
        self._state.cloud.tasks.start(
            "server.schedule",
            {"id": row["id"], "request_id": action},
            key=row["id"],
        )

    def _row(
        self, request: wsgi.Request, body: Body, hints: Body
    ) -> store.Document:
        name = str(body.get("name") or "").strip()
        if not name:
            raise refusals.invalid_field("name", name, "'' is too short")
        key = context.new_id()
        now = self._state.now()
        if hints.get("group"):
            self._check_group(request, hints["group"])
        return {
            "id": key,
            "name": name,
            "description": _description(request, body, name),
            "project_id": request.project_id,
            "user_id": request.user_id,
            "vm_state": states.BUILDING,
            "task_state": "scheduling",
            "power_state": states.NO_POWER,
            "flavor": self._flavor(body),
            "key_name": self._key_name(request, body),
            "metadata": dict(body.get("metadata") or {}),
            "tags": self._tags(request, body),
            "user_data": _user_data(body),
            "config_drive": "True" if _flag(body, "config_drive") else "",
            "image_ref": self._image(request, body),
            "image_properties": {},
            "hostname": _hostname(request, body, name),
            "instance_name": f"instance-{len(key) and key[:8]}",
            "reservation_id": f"r-{key[-8:]}",
            "host": None,
            "pinned_zone": self._zone(request, body),
            "hints": hints,
            "locked_by": None,
            "locked_reason": None,
            "root_device_name": None,
            "bdms": [],
            "ports": [],
            "fault": None,
            "created": now,
            "updated": now,
            "launched_at": None,
            "terminated_at": None,
        }

    def _flavor(self, body: Body) -> store.Document:
        reference = str(body.get("flavorRef") or "")
        try:
            return self._flavors.find(reference.rstrip("/").split("/")[-1])
        except errors.NotFound as error:
            raise errors.BadRequest(error.message) from None

    def _key_name(self, request: wsgi.Request, body: Body) -> str | None:
        name = body.get("key_name")
        if name and self._keypairs.find(request.user_id, name) is None:
            raise errors.BadRequest("Invalid key_name provided.")
        return name

    def _tags(self, request: wsgi.Request, body: Body) -> list[str]:
        tags = body.get("tags")
        if tags and request.version < (2, 52):
            raise refusals.invalid_field(
                "server",
                body,
                "Additional properties are not allowed ('tags' was "
                "unexpected)",
            )
        return sorted(set(tags or ()))

    def _image(self, request: wsgi.Request, body: Body) -> str | None:
        reference = body.get("imageRef")
        if not reference:
            return None
        key = str(reference).rstrip("/").split("/")[-1]
        images = self._state.cloud.service("image")
        if images.find(request, key) is None:
            raise errors.BadRequest("Can not find requested image")
        return key

    def _zone(self, request: wsgi.Request, body: Body) -> str | None:
        asked = body.get("availability_zone")
        if not asked:
            return None
        zone, _, host = asked.partition(":")
        if host and not request.is_admin:
            raise refusals.forbidden("servers:create:forced_host")
        if zone not in ("", state_module.ZONE):
            raise errors.BadRequest(
                "The requested availability zone is not available"
            )
        return zone or None

    def _check_group(self, request: wsgi.Request, key: str) -> None:
        try:
            self._groups.find(request, key)
        except errors.NotFound as error:
            raise errors.BadRequest(error.message) from None

    def _view(
        self,
        request: wsgi.Request,
        row: store.Document,
        body: Body,
        password: str,
    ) -> Body:
        return {
            "id": row["id"],
            "links": views.links(request, "servers", row["id"]),
            "OS-DCF:diskConfig": "MANUAL",
            "security_groups": body.get("security_groups")
            or [{"name": "default"}],
            "adminPass": password,
        }


def _hints(body: Body) -> Body:
    for key in ("os:scheduler_hints", "OS-SCH-HNT:scheduler_hints"):
        if isinstance(body.get(key), dict):
            return dict(body[key])
    return {}


def _description(request: wsgi.Request, body: Body, name: str) -> str | None:
    if request.version >= (2, 19):
        return body.get("description")
    return name


def _hostname(request: wsgi.Request, body: Body, name: str) -> str:
    if request.version >= (2, 90) and body.get("hostname"):
        return body["hostname"]
    return re.sub(r"[^a-z0-9-]+", "-", name.lower()).strip("-") or "server"


def _flag(body: Body, key: str) -> bool:
    return str(body.get(key)).lower() in ("1", "true", "yes", "on")


def _user_data(body: Body) -> str | None:
    text = body.get("user_data")
    if not text:
        return None
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise refusals.invalid_field(
            "user_data", text, f"{text!r} is not a 'base64'"
        ) from None
    return text
