# SPDX-License-Identifier: Apache-2.0
"""The guest's data path: ``/control/servers/<id>/volumes/<id>/data``.

Guests do not run: a test writes and reads in their place, and only what a
running guest could: the server is ACTIVE and the volume is attached.  The
array in its turn demands the host's connection.
"""

import collections.abc
import typing

from protector.sandbox.cloud import errors, wsgi
from protector.sandbox.cloud.cinder import names
from protector.sandbox.cloud.nova import state as state_module
from protector.sandbox.cloud.nova import states, storage


class Guest:
    """Reads and writes in a guest's place."""

    def __init__(self, state: state_module.State) -> None:
        self._state = state

    def routes(self) -> collections.abc.Iterable[tuple[typing.Any, ...]]:
        """Return the control routes."""
        rule = "/servers/<server_id>/volumes/<volume_id>/data"
        return [("PUT", rule, self.write), ("GET", rule, self.read)]

    def write(
        self, request: wsgi.Request, server_id: str, volume_id: str
    ) -> wsgi.Result:
        """Write the body at ``?offset=`` (bytes).

        :raises Conflict: no guest could write there now.
        """
        answer = self._forward(
            request, server_id, volume_id, request.http.get_data()
        )
        return wsgi.Answer(answer.status_code, answer.content or None)

    def read(
        self, request: wsgi.Request, server_id: str, volume_id: str
    ) -> wsgi.Result:
        """Read ``?length=`` bytes at ``?offset=``, or ``?digest=sha256``.

        :raises Conflict: no guest could read there now.
        """
        answer = self._forward(request, server_id, volume_id, None)
        if "digest" in request.query:
            return answer.json()
        return wsgi.Answer(200, answer.content)

    def _forward(
        self,
        request: wsgi.Request,
        server_id: str,
        volume_id: str,
        body: bytes | None,
    ) -> typing.Any:
        volume = self._volume(server_id, volume_id)
        query = {
            key: request.query.get(key)
            for key in ("offset", "length", "digest")
        }
        try:
            return self._state.cinder.state.driver.client.data(
                request.method,
                names.volume(volume),
                body,
                host=names.host(self._state.host),
                **query,
            )
        except storage.DriverError as error:
            raise errors.ServiceUnavailable(str(error)) from error

    def _volume(self, server_id: str, volume_id: str) -> typing.Any:
        row = self._state.servers.get(server_id)
        if row is None:
            raise errors.NotFound(f"Instance {server_id} could not be found.")
        if row["vm_state"] != states.ACTIVE or row["task_state"] in (
            "powering-off",
            "shelving",
            "shelving_offloading",
        ):
            raise errors.Conflict(f"The guest of {server_id} does not run.")
        if state_module.mapping_of(row, volume_id) is None:
            raise errors.Conflict(f"{volume_id} is not in the guest.")
        volume = self._state.cinder.state.volumes.get(volume_id)
        if volume is None or volume["status"] != "in-use":
            raise errors.Conflict(f"{volume_id} is not attached.")
        return volume
