# SPDX-License-Identifier: Apache-2.0
"""Write an image's bytes to a new volume, as the volume node does.

The volume is connected to the volume node's own host meanwhile.
"""

from protector.sandbox.cloud.cinder import driver, names
from protector.sandbox.cloud.cinder import state as states

CHUNK = 4 * 1024 * 1024


class ImageCopier:
    """Copies images to volumes."""

    def __init__(self, state: states.State) -> None:
        self._state = state

    def copy(self, image_id: str, volume_name: str) -> None:
        """Write the image to the start of the volume.

        :raises driver.DriverError: the image is gone, or the array refused.
        """
        host = f"{self._state.cloud.site}-volume"
        connector = {"host": host, "initiator": initiator(host)}
        self._state.driver.attach(volume_name, connector)
        try:
            self._write(image_id, volume_name, names.host(host))
        finally:
            self._state.driver.detach(volume_name, connector)

    def _write(self, image_id: str, volume_name: str, host: str) -> None:
        client, offset = self._state.driver.client, 0
        for chunk in self._chunks(image_id):
            client.write(volume_name, host, offset, chunk)
            offset += len(chunk)

    def _chunks(self, image_id: str):
        path = self._state.cloud.service("image").data_path(image_id)
        try:
            with open(path, "rb") as stream:
                while chunk := stream.read(CHUNK):
                    yield chunk
        except OSError as error:
            raise driver.DriverError(f"image {image_id}: {error}") from error


def initiator(host: str) -> str:
    """Return the iSCSI name of a node."""
    return f"iqn.1994-05.com.redhat:{host}"
