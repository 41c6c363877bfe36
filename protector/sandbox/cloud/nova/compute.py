# SPDX-License-Identifier: Apache-2.0
"""Build servers, as scheduler and compute node do, stage by stage.

Every stage is a task of its own and bears repetition, so that a cloud
that was killed goes on where it was.
"""

import logging
import typing

from protector.sandbox.cloud import errors, store
from protector.sandbox.cloud.nova import (
    instance_actions,
    networking,
    scheduling,
    server_groups,
    states,
    storage,
)
from protector.sandbox.cloud.nova import state as state_module

LOG = logging.getLogger(__name__)
Args = dict[str, typing.Any]
BUILD_EVENT = "compute__do_build_and_run_instance"
VOLUME_SECONDS = 180.0
"""``block_device_allocate_retries`` times its interval."""
POLL_SECONDS = 0.1
_FAILURES = (errors.ApiError, storage.DriverError)


class Compute:
    """The building and the deletion of servers."""

    def __init__(
        self,
        state: state_module.State,
        actions: instance_actions.InstanceActions,
        networks: networking.Networking,
        volumes: storage.Storage,
        groups: server_groups.ServerGroups,
    ) -> None:
        self._state = state
        self._actions = actions
        self._networks = networks
        self._storage = volumes
        self._groups = groups
        self._scheduler = scheduling.Scheduler(state)

    def register(self) -> None:
        """Tell the cloud which tasks these are."""
        tasks = self._state.cloud.tasks
        tasks.register("server.schedule", self.schedule, 0.05)
        tasks.register("server.network", self.network, 0.05)
        tasks.register("server.block_device", self.block_device, 0.05)
        tasks.register("server.spawn", self.spawn, 0.1)
        tasks.register("server.delete", self.delete, 0.05)

    def schedule(self, args: Args) -> None:
        """Choose the host."""
        row = self._building(args)
        if row is None:
            return
        try:
            host = self._scheduler.choose(row)
        except errors.ServerError as error:
            self._fail(row, args, error)
            return
        self._actions.event(
            row["id"], args["request_id"], "conductor_schedule_and_build"
        )
        self._state.touch(row["id"], host=host, task_state="networking")
        self._next("server.network", args)

    def network(self, args: Args) -> None:
        """Make and bind the ports."""
        row = self._building(args)
        if row is None:
            return
        try:
            self._networks.allocate(row)
        except errors.ApiError as error:
            self._fail(row, args, error)
            return
        self._state.touch(row["id"], task_state="block_device_mapping")
        self._next("server.block_device", args)

    def block_device(self, args: Args) -> None:
        """Make what is to be made of volumes, and connect all of them."""
        row = self._building(args)
        if row is None:
            return
        try:
            ready = self._volumes_ready(row)
            if ready:
                for item in row["bdms"]:
                    if item["attachment_id"]:
                        self._storage.connect(item)
        except _FAILURES as error:
            self._fail(row, args, error)
            return
        if not ready:
            self._wait_for_volumes(row, args)
            return
        self._state.touch(row["id"], task_state="spawning")
        self._next("server.spawn", args)

    def spawn(self, args: Args) -> None:
        """The guest runs."""
        row = self._building(args)
        if row is None:
            return
        self._state.touch(
            row["id"],
            vm_state=states.ACTIVE,
            task_state=None,
            power_state=states.RUNNING,
            launched_at=self._state.cloud.clock.micro(),
        )
        self._actions.event(row["id"], args["request_id"], BUILD_EVENT)

    def delete(self, args: Args) -> None:
        """Free what the server held, and forget it."""
        row = self._state.servers.get(args["id"])
        if row is None:
            return
        for item in row["bdms"]:
            self._storage.dispose(item)
        for nic in row["ports"]:
            self._networks.release(nic)
        self._groups.remove(row["id"])
        self._actions.event(
            row["id"], args["request_id"], "compute_terminate_instance"
        )
        now = self._state.now()
        row.update(
            vm_state=states.DELETED,
            task_state=None,
            power_state=states.NO_POWER,
            terminated_at=self._state.cloud.clock.micro(),
            updated=now,
        )
        with self._state.lock:
            self._state.servers.delete(row["id"])
            self._state.deleted.put(row)

    def _building(self, args: Args) -> store.Document | None:
        """Return the server if it is still being built."""
        row = self._state.servers.get(args["id"])
        if row is None or row["vm_state"] != states.BUILDING:
            return None
        return None if row["task_state"] == "deleting" else row

    def _next(self, kind: str, args: Args) -> None:
        self._state.cloud.tasks.start(kind, args, key=args["id"])

    def _volumes_ready(self, row: store.Document) -> bool:
        """Make missing volumes, reserve new ones; True: all are reserved.

        :raises ApiError: Cinder refused, or a volume ended in error.
        """
        ready = True
        for item in row["bdms"]:
            if item["local"] or item["attachment_id"]:
                continue
            with self._state.lock:
                ready = self._volume_ready(row, item) and ready
        return ready

    def _volume_ready(self, row: store.Document, item: Args) -> bool:
        """Make or reserve one volume, and write that down with it."""
        if item["volume_id"] is None:
            item["volume_id"] = self._storage.make(row, item)
            self._state.touch(row["id"], bdms=row["bdms"])
        volume = self._state.cinder.state.volumes.get(item["volume_id"])
        status = volume["status"] if volume else None
        if status == "available":
            item["attachment_id"] = self._storage.reserve(
                row["id"], volume, row["id"]
            )
            self._state.touch(row["id"], bdms=row["bdms"])
            return True
        if status in ("creating", "downloading"):
            return False
        raise errors.ServerError(
            f"Build of instance {row['id']} aborted: Volume "
            f"{item['volume_id']} did not finish being created even after we "
            f"waited. And its status is {status}."
        )

    def _wait_for_volumes(self, row: store.Document, args: Args) -> None:
        now = self._state.cloud.clock.seconds()
        until = args.setdefault("until", now + VOLUME_SECONDS)
        if now > until:
            error = errors.ServerError(
                f"Build of instance {row['id']} aborted: a volume did not "
                "finish being created."
            )
            self._fail(row, args, error)
            return
        self._state.cloud.tasks.after(
            POLL_SECONDS, "server.block_device", args, key=row["id"]
        )

    def _fail(self, row: store.Document, args: Args, error: Exception) -> None:
        """Let go what was taken; ERROR with a fault."""
        LOG.warning("Server %s: %s", row["id"], error)
        for item in row["bdms"]:
            try:
                self._storage.disconnect(item)
                item["attachment_id"] = None
            except storage.DriverError:
                LOG.warning("Volume %s stays", item["volume_id"])
        for nic in row["ports"]:
            self._networks.release(nic)
            if nic["created"]:
                nic.update(port_id=None, created=False)
        self._state.touch(
            row["id"],
            vm_state=states.ERROR,
            task_state=None,
            power_state=states.NO_POWER,
            host=None,
            bdms=row["bdms"],
            ports=row["ports"],
            fault=new_fault(str(error), self._state.now()),
        )
        self._actions.event(row["id"], args["request_id"], BUILD_EVENT, error)


def new_fault(message: str, now: str) -> dict[str, typing.Any]:
    """Return a server's fault."""
    return {
        "code": 500,
        "created": now,
        "message": message[:255],
        "details": message,
    }
