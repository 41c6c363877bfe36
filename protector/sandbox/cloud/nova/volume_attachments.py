# SPDX-License-Identifier: Apache-2.0
"""``/servers/<id>/os-volume_attachments``.

Source: nova/api/openstack/compute/volume_attachments.py and
nova/compute/api.py 34.0.0.
"""

import collections.abc
import logging
import re
import typing

from protector.sandbox.cloud import errors, store, wsgi
from protector.sandbox.cloud.nova import (
    instance_actions,
    refusals,
    states,
    storage,
    views,
)
from protector.sandbox.cloud.nova import state as state_module

LOG = logging.getLogger(__name__)
Args = dict[str, typing.Any]
_ALLOWED = (
    states.ACTIVE,
    states.PAUSED,
    states.STOPPED,
    states.RESIZED,
    states.OFFLOADED,
)
_DEVICE = re.compile(r"^/dev/x{0,1}[a-z]{0,1}d{0,1}[a-z]{1,3}[0-9]{0,2}$")


class VolumeAttachments:
    """The volumes of a server, one by one."""

    def __init__(
        self,
        state: state_module.State,
        actions: instance_actions.InstanceActions,
        volumes: storage.Storage,
    ) -> None:
        self._state = state
        self._actions = actions
        self._storage = volumes

    def routes(self) -> collections.abc.Iterable[tuple[typing.Any, ...]]:
        """Return the routes."""
        top = "/servers/<server_id>/os-volume_attachments"
        one = f"{top}/<volume_id>"
        return [
            ("GET", top, self.index, "reader"),
            ("POST", top, self.attach, "member"),
            ("GET", one, self.show, "reader"),
            ("PUT", one, self.update, "member"),
            ("DELETE", one, self.detach, "member"),
        ]

    def register(self) -> None:
        """Tell the cloud which tasks these are."""
        tasks = self._state.cloud.tasks
        tasks.register("server.attach_volume", self.connect, 0.05)
        tasks.register("server.detach_volume", self.disconnect, 0.05)

    def index(self, request: wsgi.Request, server_id: str) -> wsgi.Result:
        """List the attachments."""
        row = self._state.server(request, server_id)
        found = [
            views.attachment(request, row, item)
            for item in row["bdms"]
            if item["volume_id"]
            and (item["attachment_id"] or request.version < (2, 89))
        ]
        return {"volumeAttachments": found}

    def show(
        self, request: wsgi.Request, server_id: str, volume_id: str
    ) -> wsgi.Result:
        """Show one attachment."""
        row = self._state.server(request, server_id)
        item = state_module.mapping_of(row, volume_id)
        if item is None:
            raise refusals.not_attached(server_id, volume_id)
        return {"volumeAttachment": views.attachment(request, row, item)}

    def attach(self, request: wsgi.Request, server_id: str) -> wsgi.Result:
        """Attach a volume: 200 with the device, from 2.101 on 202."""
        body = request.body("volumeAttachment")
        with self._state.lock:
            row = self._state.server(request, server_id)
            state_module.check_lock(request, row)
            state_module.check_state("attach_volume", row, _ALLOWED)
            item = self._mapping(request, row, body)
            self._start(request, row, item)
        if request.version >= (2, 101):
            return 202, None
        view = {
            "id": item["volume_id"],
            "serverId": row["id"],
            "volumeId": item["volume_id"],
            "device": item["device"],
        }
        if request.version >= (2, 70):
            view["tag"] = item["tag"]
        if request.version >= (2, 79):
            view["delete_on_termination"] = item["delete_on_termination"]
        return {"volumeAttachment": view}

    def _mapping(
        self, request: wsgi.Request, row: store.Document, body: Args
    ) -> Args:
        device = body.get("device")
        if device and not _DEVICE.match(device):
            raise errors.BadRequest(
                f"The supplied device path ({device}) is invalid."
            )
        volume = self._storage.volume(request, str(body.get("volumeId")))
        self._check_free(volume["id"])
        offloaded = row["vm_state"] == states.OFFLOADED
        if offloaded and body.get("tag"):
            raise errors.BadRequest(
                "Attaching tagged volumes is not supported for "
                "shelved-offloaded instances."
            )
        key = self._storage.reserve(request.request_id, volume, row["id"])
        return storage.new_mapping(
            volume["id"],
            None,
            attachment_id=key,
            device=None if offloaded else storage.next_device(row["bdms"]),
            size=volume["size"],
            tag=body.get("tag"),
            local=False,
            delete_on_termination=bool(body.get("delete_on_termination")),
        )

    def _check_free(self, volume_id: str) -> None:
        holders = [
            server["id"]
            for server in self._state.servers.list()
            if state_module.mapping_of(server, volume_id)
        ]
        if holders:
            raise refusals.invalid_volume(
                f"volume {volume_id} is already attached to instances: "
                f"{' '.join(holders)}"
            )

    def _start(
        self, request: wsgi.Request, row: store.Document, item: Args
    ) -> None:
        """Write the mapping; a parked server's volume is not connected."""
        row["bdms"].append(item)
        action = self._actions.start(request, row["id"], "attach_volume")
        if row["vm_state"] == states.OFFLOADED:
            item["parked"] = True
            self._state.touch(row["id"], bdms=row["bdms"])
            self._state.cinder.attachments.complete(item["attachment_id"])
            self._actions.event(row["id"], action, "api_attach_volume")
            return
        self._state.touch(row["id"], bdms=row["bdms"])
        self._state.cloud.tasks.start(
            "server.attach_volume",
            {
                "id": row["id"],
                "volume_id": item["volume_id"],
                "request_id": action,
            },
            key=row["id"],
        )

    def connect(self, args: Args) -> None:
        """Connect; when that fails the volume is free again."""
        row = self._state.servers.get(args["id"])
        item = row and state_module.mapping_of(row, args["volume_id"])
        if not row or not item:
            return
        event, failure = "compute_attach_volume", None
        try:
            self._storage.connect(item)
        except (errors.ApiError, storage.DriverError) as error:
            LOG.warning("Attach to %s: %s", row["id"], error)
            failure = error
            self._drop(row["id"], item)
        self._actions.event(row["id"], args["request_id"], event, failure)

    def update(
        self, request: wsgi.Request, server_id: str, volume_id: str
    ) -> wsgi.Result:
        """Set delete_on_termination (2.85 and later); no swapping (202)."""
        row = self._state.server(request, server_id)
        body = request.body("volumeAttachment")
        wanted = body.get("volumeId")
        if request.version < (2, 85) or wanted != volume_id:
            if not request.is_admin:
                raise refusals.forbidden("os-volumes-attachments:swap")
            raise errors.Conflict(
                f"volume {volume_id} is not migrating; this API should only "
                "be called by Cinder"
            )
        item = state_module.mapping_of(row, volume_id)
        if item is None:
            raise refusals.no_mapping(volume_id)
        if "delete_on_termination" in body:
            self._state.change_mapping(
                row["id"],
                volume_id,
                delete_on_termination=bool(body["delete_on_termination"]),
            )
        return 202, None

    def detach(
        self, request: wsgi.Request, server_id: str, volume_id: str
    ) -> wsgi.Result:
        """Detach a data volume (202)."""
        with self._state.lock:
            row = self._state.server(request, server_id)
            volume = self._storage.volume(request, volume_id)
            item = state_module.mapping_of(row, volume_id)
            if item is None:
                raise refusals.not_attached(server_id, volume_id)
            if item["boot_index"] == 0:
                raise errors.BadRequest("Cannot detach a root device volume")
            state_module.check_lock(request, row)
            state_module.check_state("detach_volume", row, _ALLOWED)
            if row["vm_state"] != states.OFFLOADED:
                self._begin(request, volume)
            action = self._actions.start(request, row["id"], "detach_volume")
            self._state.cloud.tasks.start(
                "server.detach_volume",
                {
                    "id": row["id"],
                    "volume_id": volume_id,
                    "request_id": action,
                },
                key=row["id"],
            )
        return 202, None

    def _begin(self, request: wsgi.Request, volume: store.Document) -> None:
        if volume["status"] != "in-use":
            reason = (
                "Invalid volume: Unable to detach volume. Volume status must "
                "be 'in-use' and attach_status must be 'attached' to detach."
            )
            error = errors.BadRequest(reason)
            raise refusals.invalid_volume(
                refusals.from_cinder(error, request.request_id)
            )
        self._state.cinder.state.volumes.update(
            volume["id"], status="detaching"
        )

    def disconnect(self, args: Args) -> None:
        """Disconnect and forget the mapping."""
        row = self._state.servers.get(args["id"])
        item = row and state_module.mapping_of(row, args["volume_id"])
        if not row or not item:
            return
        event, failure = "compute_detach_volume", None
        try:
            self._storage.disconnect(item)
        except storage.DriverError as error:
            LOG.warning("Detach from %s: %s", row["id"], error)
            failure = error
            self._state.cinder.state.volumes.update(
                args["volume_id"], status="in-use"
            )
        else:
            self._forget(row["id"], args["volume_id"])
        self._actions.event(row["id"], args["request_id"], event, failure)

    def _drop(self, server_id: str, item: Args) -> None:
        try:
            self._storage.disconnect(item)
        except storage.DriverError:
            LOG.warning("Volume %s stays reserved", item["volume_id"])
        self._forget(server_id, item["volume_id"])

    def _forget(self, server_id: str, volume_id: str) -> None:
        with self._state.lock:
            row = self._state.servers.get(server_id)
            if row is not None:
                left = [b for b in row["bdms"] if b["volume_id"] != volume_id]
                self._state.touch(server_id, bdms=left)
