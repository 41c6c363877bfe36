# SPDX-License-Identifier: Apache-2.0
"""Shelve and unshelve.

A volume-backed server takes no snapshot and is always offloaded: its
volumes stay reserved, its ports stay its own, DOWN.
Source: nova/compute/api.py, nova/compute/manager.py 34.0.0.
"""

import logging
import typing

from protector.sandbox.cloud import errors, store, wsgi
from protector.sandbox.cloud.nova import (
    instance_actions,
    networking,
    refusals,
    scheduling,
    states,
    storage,
)
from protector.sandbox.cloud.nova import state as state_module

LOG = logging.getLogger(__name__)
Args = dict[str, typing.Any]
_SHELVABLE = (
    states.ACTIVE,
    states.STOPPED,
    states.PAUSED,
    states.SUSPENDED,
)
_FAILURES = (errors.ApiError, storage.DriverError)


class Shelve:
    """Shelving and unshelving."""

    def __init__(
        self,
        state: state_module.State,
        actions: instance_actions.InstanceActions,
        networks: networking.Networking,
        volumes: storage.Storage,
    ) -> None:
        self._state = state
        self._actions = actions
        self._networks = networks
        self._storage = volumes
        self._scheduler = scheduling.Scheduler(state)

    def register(self) -> None:
        """Tell the cloud which tasks these are."""
        tasks = self._state.cloud.tasks
        tasks.register("server.shelve", self.offload, 0.15)
        tasks.register("server.unshelve", self.restore, 0.15)

    def shelve(self, request: wsgi.Request, row: store.Document) -> None:
        """Accept a shelving.

        :raises Conflict: locked, or in the wrong state.
        """
        state_module.check_lock(request, row)
        state_module.check_state("shelve", row, _SHELVABLE)
        self._start(request, row, "shelve", "shelving")

    def unshelve(
        self, request: wsgi.Request, row: store.Document, body: Args
    ) -> None:
        """Accept an unshelving, from 2.77 on to a zone, 2.91 to a host.

        :raises Conflict: locked, or not shelved.
        :raises BadRequest: unknown zone or host.
        """
        state_module.check_lock(request, row)
        state_module.check_state("unshelve", row, (states.OFFLOADED,))
        if request.version >= (2, 77) and "availability_zone" in body:
            zone = body["availability_zone"]
            if zone not in (None, state_module.ZONE):
                raise errors.BadRequest(
                    "The requested availability zone is not available"
                )
            self._state.touch(row["id"], pinned_zone=zone)
        if request.version >= (2, 91) and body.get("host"):
            self._check_host(request, body["host"])
        self._start(request, row, "unshelve", "unshelving")

    def _check_host(self, request: wsgi.Request, host: str) -> None:
        if not request.is_admin:
            raise refusals.forbidden("os-shelve:unshelve_to_host")
        if host != self._state.host:
            raise errors.BadRequest(f"Compute host {host} could not be found.")

    def _start(
        self,
        request: wsgi.Request,
        row: store.Document,
        action: str,
        meanwhile: str,
    ) -> None:
        self._state.touch(row["id"], task_state=meanwhile)
        key = self._actions.start(request, row["id"], action)
        self._state.cloud.tasks.start(
            f"server.{action}",
            {"id": row["id"], "request_id": key},
            key=row["id"],
        )

    def offload(self, args: Args) -> None:
        """Take the server from its host."""
        row = self._state.servers.get(args["id"])
        if row is None or row["task_state"] not in (
            "shelving",
            "shelving_offloading",
        ):
            return
        self._state.touch(row["id"], task_state="shelving_offloading")
        event = "compute_shelve_offload_instance"
        try:
            self._park_volumes(row)
        except _FAILURES as error:
            LOG.warning("Shelve of %s: %s", row["id"], error)
            self._state.touch(row["id"], task_state=None)
            self._actions.event(row["id"], args["request_id"], event, error)
            return
        self._networks.unplug_all(row)
        self._state.touch(
            row["id"],
            vm_state=states.OFFLOADED,
            task_state=None,
            power_state=states.SHUTDOWN,
            host=None,
        )
        self._actions.event(row["id"], args["request_id"], event)

    def _park_volumes(self, row: store.Document) -> None:
        """Swap each connected attachment for a reserved one."""
        for item in row["bdms"]:
            if item["volume_id"] is None or item.get("parked"):
                continue
            key = self._storage.park(item, row["id"])
            self._state.change_mapping(
                row["id"], item["volume_id"], attachment_id=key, parked=True
            )

    def restore(self, args: Args) -> None:
        """Bring the server to a host; on failure it is as before.

        A failure shows in os-instance-actions only.
        """
        row = self._state.servers.get(args["id"])
        if row is None or row["task_state"] not in ("unshelving", "spawning"):
            return
        event = "compute_unshelve_instance"
        try:
            host = self._scheduler.choose(row)
        except errors.ServerError as error:
            self._give_up(row, args, "schedule_instances", error)
            return
        self._state.touch(row["id"], task_state="spawning")
        connected: list[Args] = []
        try:
            for item in row["bdms"]:
                if item["volume_id"] is not None:
                    self._connect(item)
                    connected.append(item)
        except _FAILURES as failure:
            self._undo(row, connected)
            self._give_up(row, args, event, failure)
            return
        self._networks.bind_all(row)
        for item in connected:
            self._state.change_mapping(
                row["id"], item["volume_id"], parked=False
            )
        self._state.touch(
            row["id"],
            vm_state=states.ACTIVE,
            task_state=None,
            power_state=states.RUNNING,
            host=host,
        )
        self._actions.event(row["id"], args["request_id"], event)

    def _connect(self, item: Args) -> None:
        if self._storage.status(item["volume_id"]) is None:
            raise errors.NotFound(
                f"Volume {item['volume_id']} could not be found."
            )
        if item["attachment_id"] is None:
            raise errors.NotFound(
                f"Volume {item['volume_id']} has no attachment."
            )
        self._storage.connect(item)

    def _undo(self, row: store.Document, connected: list[Args]) -> None:
        for item in connected:
            try:
                key = self._storage.park(item, row["id"])
            except storage.DriverError:
                LOG.warning("Volume %s stays connected", item["volume_id"])
                continue
            self._state.change_mapping(
                row["id"], item["volume_id"], attachment_id=key
            )

    def _give_up(
        self,
        row: store.Document,
        args: Args,
        event: str,
        error: BaseException,
    ) -> None:
        LOG.warning("Unshelve of %s: %s", row["id"], error)
        self._state.touch(row["id"], task_state=None)
        self._actions.event(row["id"], args["request_id"], event, error)
