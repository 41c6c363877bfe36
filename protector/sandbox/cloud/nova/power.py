# SPDX-License-Identifier: Apache-2.0
"""Stop, start, reboot, pause, suspend, rescue, resize: accept and settle.

Source: nova/compute/api.py (``check_instance_state`` of each) 34.0.0.
"""

import collections.abc
import dataclasses
import typing

from protector.sandbox.cloud import errors, store, wsgi
from protector.sandbox.cloud.nova import (
    flavors,
    instance_actions,
    quotas,
    states,
)
from protector.sandbox.cloud.nova import state as state_module

Args = dict[str, typing.Any]
Body = dict[str, typing.Any]


@dataclasses.dataclass(frozen=True)
class Change:
    """One simple change of state.

    :ivar name: in refusals and in os-instance-actions.
    :ivar allowed: the vm_states that permit it.
    :ivar meanwhile: the task_state.
    :ivar after: vm_state and power_state when it is done.
    """

    name: str
    allowed: frozenset[str]
    meanwhile: str
    after: tuple[str, int]


def _change(
    name: str,
    allowed: collections.abc.Iterable[str],
    meanwhile: str,
    vm_state: str,
    power: int,
) -> Change:
    return Change(name, frozenset(allowed), meanwhile, (vm_state, power))


_ON = (states.ACTIVE, states.RUNNING)
CHANGES = {
    "os-stop": _change(
        "stop",
        (states.ACTIVE, states.ERROR),
        "powering-off",
        states.STOPPED,
        states.SHUTDOWN,
    ),
    "os-start": _change("start", (states.STOPPED,), "powering-on", *_ON),
    "pause": _change(
        "pause",
        (states.ACTIVE,),
        "pausing",
        states.PAUSED,
        states.PAUSED_POWER,
    ),
    "unpause": _change("unpause", (states.PAUSED,), "unpausing", *_ON),
    "suspend": _change(
        "suspend",
        (states.ACTIVE,),
        "suspending",
        states.SUSPENDED,
        states.SHUTDOWN,
    ),
    "resume": _change("resume", (states.SUSPENDED,), "resuming", *_ON),
    "rescue": _change(
        "rescue",
        (states.ACTIVE, states.STOPPED, states.ERROR),
        "rescuing",
        states.RESCUED,
        states.RUNNING,
    ),
    "unrescue": _change("unrescue", (states.RESCUED,), "unrescuing", *_ON),
    "soft": _change("reboot", (states.ACTIVE,), "rebooting", *_ON),
    "hard": _change(
        "reboot",
        (
            states.ACTIVE,
            states.STOPPED,
            states.PAUSED,
            states.SUSPENDED,
            states.ERROR,
        ),
        "rebooting_hard",
        *_ON,
    ),
    "resize": _change(
        "resize",
        (states.ACTIVE, states.STOPPED),
        "resize_prep",
        states.RESIZED,
        states.RUNNING,
    ),
    "confirmResize": _change(
        "confirmResize", (states.RESIZED,), "resize_confirming", *_ON
    ),
    "revertResize": _change(
        "revertResize", (states.RESIZED,), "resize_reverting", *_ON
    ),
}


class Power:
    """The simple changes of state."""

    def __init__(
        self,
        state: state_module.State,
        actions: instance_actions.InstanceActions,
        limits: quotas.Quotas,
    ) -> None:
        self._state = state
        self._actions = actions
        self._quotas = limits
        self._flavors = flavors.Flavors(state)

    def register(self) -> None:
        """Tell the cloud which task this is."""
        self._state.cloud.tasks.register("server.change", self.settle, 0.1)

    def start(
        self, request: wsgi.Request, row: store.Document, key: str
    ) -> None:
        """Accept a change.

        Call it under the lock.

        :param key: of ``CHANGES``.
        :raises Conflict: locked, or in the wrong state.
        """
        change = CHANGES[key]
        state_module.check_lock(request, row)
        idle = key != "hard"
        state_module.check_state(change.name, row, change.allowed, idle)
        if not row["launched_at"]:
            raise errors.Conflict(
                f"Instance {row['id']} is in an invalid state for "
                f"'{change.name}'"
            )
        self._state.touch(row["id"], task_state=change.meanwhile)
        action = self._actions.start(request, row["id"], change.name)
        self._state.cloud.tasks.start(
            "server.change",
            {"id": row["id"], "request_id": action, "change": key},
            key=row["id"],
        )

    def reboot(
        self, request: wsgi.Request, row: store.Document, body: Body
    ) -> None:
        """Accept a soft or hard reboot.

        :raises BadRequest: neither.
        """
        kind = str(body.get("type", "")).lower()
        if kind not in ("soft", "hard"):
            raise errors.BadRequest(
                "Argument 'type' for reboot is not HARD or SOFT"
            )
        self.start(request, row, kind)

    def resize(
        self, request: wsgi.Request, row: store.Document, body: Body
    ) -> None:
        """Accept a resize to another flavor.

        :raises BadRequest: unknown or the same flavor.
        :raises Forbidden: over the quota.
        """
        state_module.check_lock(request, row)
        state_module.check_state("resize", row, CHANGES["resize"].allowed)
        try:
            flavor = self._flavors.find(str(body.get("flavorRef")))
        except errors.NotFound as error:
            raise errors.BadRequest(error.message) from None
        if flavor["id"] == row["flavor"]["id"]:
            raise errors.BadRequest(
                "When resizing, instances must change flavor!"
            )
        grown = {
            **flavor,
            "vcpus": max(flavor["vcpus"] - row["flavor"]["vcpus"], 0),
            "ram": max(flavor["ram"] - row["flavor"]["ram"], 0),
        }
        self._quotas.check_servers(row["project_id"], grown, 0)
        self._state.touch(
            row["id"],
            old_flavor=row["flavor"],
            new_flavor=flavor,
            old_vm_state=row["vm_state"],
        )
        self.start(request, row, "resize")

    def settle(self, args: Args) -> None:
        """Finish a change."""
        row = self._state.servers.get(args["id"])
        change = CHANGES[args["change"]]
        if row is None or row["task_state"] != change.meanwhile:
            return
        vm_state, power = change.after
        changes: dict[str, typing.Any] = {
            "vm_state": vm_state,
            "power_state": power,
            "task_state": None,
        }
        if change.name == "resize":
            changes["flavor"] = row["new_flavor"]
        elif change.name == "revertResize":
            changes["flavor"] = row["old_flavor"]
        if change.name in ("confirmResize", "revertResize"):
            changes.update(_after_resize(row))
        self._state.touch(row["id"], **changes)
        self._actions.event(
            row["id"], args["request_id"], f"compute_{change.name}_instance"
        )


def _after_resize(row: store.Document) -> dict[str, typing.Any]:
    """A server that was off before the resize is off again."""
    if row.get("old_vm_state") == states.STOPPED:
        return {"vm_state": states.STOPPED, "power_state": states.SHUTDOWN}
    return {}
