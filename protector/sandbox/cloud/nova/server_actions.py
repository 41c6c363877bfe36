# SPDX-License-Identifier: Apache-2.0
"""``POST /servers/<id>/action``: find the action and carry it out.

Source: nova/api/openstack/compute (servers, lock_server, shelve,
admin_actions, console_output) 34.0.0.
"""

import collections.abc
import typing

from protector.sandbox.cloud import errors, store, wsgi
from protector.sandbox.cloud.nova import (
    instance_actions,
    power,
    refusals,
    shelve,
    states,
)
from protector.sandbox.cloud.nova import state as state_module

Body = dict[str, typing.Any]
Action = collections.abc.Callable[
    [wsgi.Request, store.Document, Body], wsgi.Result
]


class ServerActions:
    """The actions of a server."""

    def __init__(
        self,
        state: state_module.State,
        record: instance_actions.InstanceActions,
        changes: power.Power,
        shelving: shelve.Shelve,
    ) -> None:
        self._state = state
        self._record = record
        self._power = changes
        self._shelve = shelving
        self._actions: dict[str, Action] = {
            "reboot": self.reboot,
            "resize": self.resize,
            "shelve": self.shelve,
            "shelveOffload": self.shelve_offload,
            "unshelve": self.unshelve,
            "lock": self.lock,
            "unlock": self.unlock,
            "os-resetState": self.reset_state,
            "os-getConsoleOutput": self.console,
        }

    def routes(self) -> collections.abc.Iterable[tuple[typing.Any, ...]]:
        """Return the route."""
        return [("POST", "/servers/<server_id>/action", self.act, "member")]

    def act(self, request: wsgi.Request, server_id: str) -> wsgi.Result:
        """Find the action and carry it out."""
        name, body = _chosen(request)
        with self._state.lock:
            row = self._state.server(request, server_id)
            if name in self._actions:
                return self._actions[name](request, row, body)
            if name in power.CHANGES:
                self._power.start(request, row, name)
                return _answer(name)
        raise errors.BadRequest(f"There is no such action: {name}")

    def reboot(
        self, request: wsgi.Request, row: store.Document, body: Body
    ) -> wsgi.Result:
        """Reboot, SOFT or HARD."""
        self._power.reboot(request, row, body)
        return 202, None

    def resize(
        self, request: wsgi.Request, row: store.Document, body: Body
    ) -> wsgi.Result:
        """Resize to another flavor."""
        self._power.resize(request, row, body)
        return 202, None

    def shelve(
        self, request: wsgi.Request, row: store.Document, body: Body
    ) -> wsgi.Result:
        """Shelve, which offloads."""
        self._shelve.shelve(request, row)
        return 202, None

    def shelve_offload(
        self, request: wsgi.Request, row: store.Document, body: Body
    ) -> wsgi.Result:
        """Refuse: nothing is ever shelved and not offloaded."""
        if not request.is_admin:
            raise refusals.forbidden("os-shelve:shelve_offload")
        state_module.check_state("shelveOffload", row, ())
        return 202, None

    def unshelve(
        self, request: wsgi.Request, row: store.Document, body: Body
    ) -> wsgi.Result:
        """Unshelve."""
        self._shelve.unshelve(request, row, body)
        return 202, None

    def lock(
        self, request: wsgi.Request, row: store.Document, body: Body
    ) -> wsgi.Result:
        """Lock: ``owner`` by the scope of the token, whoever it is of."""
        owner = request.project_id == row["project_id"]
        if row["locked_by"] and owner:
            return 202, None
        reason = row["locked_reason"]
        if request.version >= (2, 73) and body.get("locked_reason"):
            reason = body["locked_reason"]
        self._note(request, row, "lock")
        self._state.touch(
            row["id"],
            locked_by="owner" if owner else "admin",
            locked_reason=reason,
        )
        return 202, None

    def unlock(
        self, request: wsgi.Request, row: store.Document, body: Body
    ) -> wsgi.Result:
        """Unlock; a lock of the other kind only by an admin."""
        owner = request.project_id == row["project_id"]
        expected = "owner" if owner else "admin"
        if row["locked_by"] not in (None, expected) and not request.is_admin:
            raise refusals.forbidden("os-lock-server:unlock:unlock_override")
        self._note(request, row, "unlock")
        self._state.touch(row["id"], locked_by=None, locked_reason=None)
        return 202, None

    def reset_state(
        self, request: wsgi.Request, row: store.Document, body: Body
    ) -> wsgi.Result:
        """Set ``error`` or ``active`` as an admin."""
        if not request.is_admin:
            raise refusals.forbidden("os-admin-actions:reset_state")
        wanted = body.get("state")
        if wanted not in ("active", "error"):
            raise refusals.invalid_field(
                "state",
                wanted,
                f"{wanted!r} is not one of ['active', 'error']",
            )
        self._note(request, row, "resetState")
        self._state.touch(row["id"], vm_state=wanted, task_state=None)
        return 202, None

    def console(
        self, request: wsgi.Request, row: store.Document, body: Body
    ) -> wsgi.Result:
        """Show what a guest printed when it booted."""
        if row["host"] is None:
            raise errors.Conflict(f"Instance {row['id']} is not ready")
        lines = []
        if row["vm_state"] == states.ACTIVE:
            lines = [
                f"[    0.000000] Linux version 6.1.0 (emulated) {row['id']}",
                f"[    1.000000] vda: {row['root_device_name']}",
                f"cloud-init: hostname {row['hostname']}",
                "",
                f"{row['hostname']} login: ",
            ]
        length = body.get("length")
        if length is not None:
            lines = lines[-int(length) :]
        return {"output": "\n".join(lines)}

    def _note(
        self, request: wsgi.Request, row: store.Document, name: str
    ) -> None:
        key = self._record.start(request, row["id"], name)
        self._record.event(row["id"], key, f"api_{name}")


def _answer(name: str) -> wsgi.Result:
    if name == "rescue":
        return {"adminPass": "rescue"}
    return (204 if name == "confirmResize" else 202), None


def _chosen(request: wsgi.Request) -> tuple[str, Body]:
    for name, body in request.json().items():
        return name, body if isinstance(body, dict) else {}
    raise errors.BadRequest("Malformed request body")
