# SPDX-License-Identifier: Apache-2.0
"""The emulated cloud's own controls, below ``/control``, without a token.

Not a part of OpenStack: tests use it to disturb and to look inside.
"""

import collections.abc
import typing

from protector.sandbox.cloud import calls, errors, faults, wsgi

_OWN = ("calls", "settings", "faults", "tokens")


class Control(wsgi.Service):
    """Settings, faults, the call log, and everything there is."""

    name = "control"
    prefix = "/control"
    render_error = staticmethod(errors.keystone_body)

    def __init__(
        self,
        cloud: typing.Any,
        all_faults: faults.Faults,
        log: calls.Calls,
    ) -> None:
        self._faults = all_faults
        self._calls = log
        super().__init__(cloud)

    def routes(self) -> collections.abc.Iterable[tuple[typing.Any, ...]]:
        """Return the routes, those of the services included."""
        own = [
            ("GET", "/settings", self.get_settings),
            ("PATCH", "/settings", self.set_settings),
            ("PUT", "/settings", self.set_settings),
            ("DELETE", "/settings", self.reset_settings),
            ("GET", "/faults", self.list_faults),
            ("POST", "/faults", self.add_fault),
            ("DELETE", "/faults", self.remove_faults),
            ("DELETE", "/faults/<fault_id>", self.remove_fault),
            ("GET", "/calls", self.list_calls),
            ("GET", "/inventory", self.inventory),
            ("GET", "/inventory/<table>", self.inventory),
            ("GET", "/tasks", self.list_tasks),
        ]
        yield from (wsgi.Route(*route, "public") for route in own)
        for service in self.cloud.services.values():
            for route in service.control_routes():
                yield wsgi.Route(*route[:3], "public")

    def get_settings(self, request: wsgi.Request) -> wsgi.Result:
        """Show all settings."""
        return self.cloud.settings.all()

    def set_settings(self, request: wsgi.Request) -> wsgi.Result:
        """Merge settings in; see ``settings.Settings``."""
        return self.cloud.settings.merge(request.json())

    def reset_settings(self, request: wsgi.Request) -> wsgi.Result:
        """Go back to the defaults."""
        self.cloud.settings.reset()

    def list_faults(self, request: wsgi.Request) -> wsgi.Result:
        """List the faults with their hits."""
        return {"faults": self._faults.list()}

    def add_fault(self, request: wsgi.Request) -> wsgi.Result:
        """Set a fault; see ``faults.Faults``."""
        return 201, self._faults.add(request.json())

    def remove_faults(self, request: wsgi.Request) -> wsgi.Result:
        """Take all faults back."""
        self._faults.remove()

    def remove_fault(
        self, request: wsgi.Request, fault_id: str
    ) -> wsgi.Result:
        """Take one fault back."""
        self._faults.remove(fault_id)

    def list_calls(self, request: wsgi.Request) -> wsgi.Result:
        """List changing calls, ``?since=`` an id or a time; and counts."""
        return {
            "calls": self._calls.since(request.query.get("since")),
            "counts": self._calls.counts(),
        }

    def inventory(
        self, request: wsgi.Request, table: str | None = None
    ) -> wsgi.Result:
        """Return every document of every table, secrets masked."""
        names = [n for n in self.store.names() if n not in _OWN]
        if table is not None:
            names = [table]
        return {
            name: calls.masked(self.store.table(name).list()) for name in names
        }

    def list_tasks(self, request: wsgi.Request) -> wsgi.Result:
        """List the changes that have not happened yet."""
        return {"tasks": self.cloud.tasks.pending()}
