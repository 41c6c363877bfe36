# SPDX-License-Identifier: Apache-2.0
"""``/control/volumes/<id>/digest``: what a volume holds, for audits."""

import collections.abc
import typing

from protector.sandbox.cloud import errors, wsgi
from protector.sandbox.cloud.cinder import driver, names
from protector.sandbox.cloud.cinder import state as states


class Digest:
    """Asks the array for the SHA-256 of a volume's bytes."""

    def __init__(self, state: states.State) -> None:
        self._state = state

    def routes(self) -> collections.abc.Iterable[tuple[typing.Any, ...]]:
        """Return the control route."""
        return [("GET", "/volumes/<volume_id>/digest", self.show)]

    def show(self, request: wsgi.Request, volume_id: str) -> wsgi.Result:
        """Answer the array's digest of a volume, in whatever state.

        :raises NotFound: Cinder does not have the volume.
        :raises ServiceUnavailable: the array does not answer.
        """
        row = self._state.volumes.get(volume_id)
        if row is None:
            raise errors.NotFound(f"Volume {volume_id} could not be found.")
        try:
            answer = self._state.driver.client.data(
                "GET", names.volume(row), digest="sha256"
            )
        except driver.DriverError as error:
            raise errors.ServiceUnavailable(str(error)) from error
        return {"volume_id": volume_id, **answer.json()}
