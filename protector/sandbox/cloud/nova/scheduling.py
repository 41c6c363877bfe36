# SPDX-License-Identifier: Apache-2.0
"""Choose the host of a server, or find that there is none.

There is one compute node.  It refuses when the setting ``compute_down`` is
true, when Placement has no room on it, and when an anti-affinity group
already has a server there.
"""

from protector.sandbox.cloud import errors, store
from protector.sandbox.cloud.nova import state as states

NO_HOST = "No valid host was found. There are not enough hosts available."


class Scheduler:
    """The scheduler."""

    def __init__(self, state: states.State) -> None:
        self._state = state

    def choose(self, row: store.Document) -> str:
        """Return the host for a server.

        :raises ServerError: none will do; Nova's text.
        """
        if (
            self._state.cloud.settings.get("compute_down")
            or not self._has_room(row["flavor"])
            or not self._group_allows(row["id"])
        ):
            raise errors.ServerError(NO_HOST)
        return self._state.host

    def _has_room(self, flavor: store.Document) -> bool:
        placement = self._state.cloud.services.get("placement")
        if placement is None:
            return True
        wanted = {"VCPU": flavor["vcpus"], "MEMORY_MB": flavor["ram"]}
        rows = placement.node.inventories()
        return all(
            rows[name].used + amount <= rows[name].capacity
            for name, amount in wanted.items()
        )

    def _group_allows(self, server_id: str) -> bool:
        groups = self._state.server_groups.list(
            lambda group: (
                group["policy"] == "anti-affinity"
                and server_id in group["members"]
            )
        )
        others = {key for group in groups for key in group["members"]}
        rows = [self._state.servers.get(k) for k in others - {server_id}]
        return not any(row and row["host"] for row in rows)
