# SPDX-License-Identifier: Apache-2.0
"""Keep the bytes of images in files of the cloud's state directory."""

import collections.abc
import dataclasses
import hashlib
import pathlib
import typing

CHUNK = 1 << 20


@dataclasses.dataclass(frozen=True)
class Written:
    """What is known of an image's bytes after an upload."""

    size: int
    md5: str
    sha512: str


class Data:
    """Files by image id.

    :param directory: made when the first image is written.
    """

    def __init__(self, directory: pathlib.Path) -> None:
        self._directory = directory

    def path(self, image_id: str) -> pathlib.Path:
        """Return where an image's bytes are, or would be."""
        return self._directory / image_id

    def write(self, image_id: str, stream: typing.IO[bytes]) -> Written:
        """Take the bytes; all or, when the sender goes away, none."""
        self._directory.mkdir(parents=True, exist_ok=True)
        partial = self._directory / f"{image_id}.part"
        md5 = hashlib.md5(usedforsecurity=False)
        sha512, size = hashlib.sha512(), 0
        try:
            with partial.open("wb") as file:
                while chunk := stream.read(CHUNK):
                    size += file.write(chunk)
                    md5.update(chunk)
                    sha512.update(chunk)
            partial.replace(self.path(image_id))
        finally:
            partial.unlink(missing_ok=True)
        return Written(size, md5.hexdigest(), sha512.hexdigest())

    def chunks(self, image_id: str) -> collections.abc.Iterator[bytes]:
        """Yield the bytes.

        :raises OSError: there are none.
        """
        with self.path(image_id).open("rb") as file:
            while chunk := file.read(CHUNK):
                yield chunk

    def delete(self, image_id: str) -> None:
        """Remove the bytes, if there are any."""
        self.path(image_id).unlink(missing_ok=True)
