# SPDX-License-Identifier: Apache-2.0
"""Writes in the guests' place and remembers by hash what was written.

Guests do not run; the cloud's control path lets a test write what a running
server could.  What is compared, and when, is the story's.
"""

import dataclasses
import hashlib
import os

import requests

from protector.sandbox import layout as layouts

PAGE = 64 * 1024
"""Bytes whose hash is kept together."""
TIMEOUT = (2.0, 60.0)
HASH = "sha256"


@dataclasses.dataclass(frozen=True)
class Disk:
    """A volume as a guest has it.

    :ivar key: what the volume is called in every place it moves to.
    """

    key: str
    server_id: str
    volume_id: str


@dataclasses.dataclass
class Content:
    """What a volume must hold.

    :ivar pages: hash by number of page.
    :ivar whole: the hash of the whole volume, as its array told it after
        the last write.
    """

    pages: dict[int, str] = dataclasses.field(default_factory=dict)
    whole: str = ""


class Guests:
    """The disks' contents by key."""

    def __init__(self) -> None:
        self.contents: dict[str, Content] = {}

    def write(
        self, site: layouts.Site, disk: Disk, first: int, count: int
    ) -> int:
        """Write random pages to a disk at a site; returns the bytes.

        :param first: number of the first page.
        :raises requests.RequestException: no guest could write there.
        """
        data = os.urandom(count * PAGE)
        _call("PUT", site, disk, data, offset=first * PAGE)
        content = self.contents.setdefault(disk.key, Content())
        for number in range(count):
            page = data[number * PAGE : (number + 1) * PAGE]
            content.pages[first + number] = _hash(page)
        content.whole = whole(site, disk)
        return len(data)

    def wrong(self, site: layouts.Site, disk: Disk) -> str | None:
        """How a disk differs from what it must hold; None if it does not.

        Every page that was written is read, and the whole is compared, so
        that nothing is different where nothing was written.
        """
        content = self.contents[disk.key]
        bad = [
            number
            for first, count in runs(sorted(content.pages))
            for number, found in _read(site, disk, first, count)
            if found != content.pages[number]
        ]
        if bad:
            return f"{len(bad)} of {len(content.pages)} pages differ"
        if whole(site, disk) != content.whole:
            return "what was never written differs"
        return None


def whole(site: layouts.Site, disk: Disk) -> str:
    """The hash of a whole volume, as the array tells it."""
    return _call("GET", site, disk, digest=HASH).json()["digest"]


def runs(numbers: list[int]) -> list[tuple[int, int]]:
    """Sorted numbers as (first, count) of each unbroken run."""
    found: list[tuple[int, int]] = []
    for number in numbers:
        if found and number == sum(found[-1]):
            found[-1] = (found[-1][0], found[-1][1] + 1)
        else:
            found.append((number, 1))
    return found


def _read(
    site: layouts.Site, disk: Disk, first: int, count: int
) -> list[tuple[int, str]]:
    query = {"offset": first * PAGE, "length": count * PAGE}
    data = _call("GET", site, disk, **query).content
    return [
        (first + n, _hash(data[n * PAGE : (n + 1) * PAGE]))
        for n in range(count)
    ]


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _call(
    method: str,
    site: layouts.Site,
    disk: Disk,
    data: bytes | None = None,
    **query: int | str,
) -> requests.Response:
    answer = requests.request(
        method,
        f"{site.cloud_url}/control/servers/{disk.server_id}"
        f"/volumes/{disk.volume_id}/data",
        params=query,
        data=data,
        timeout=TIMEOUT,
    )
    if not answer.ok:
        raise requests.HTTPError(
            f"{method} {disk.key} at {site.name}: {answer.status_code} "
            f"{answer.text[:200]}",
            response=answer,
        )
    return answer
