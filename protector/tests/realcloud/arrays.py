# SPDX-License-Identifier: Apache-2.0
"""The two emulated arrays that the clouds' Cinder has its volumes on.

Cinder's Pure driver does not start without them, so they are started before
the clouds: ``python -m protector.tests.realcloud.arrays DIRECTORY`` does
that, and prints address and token of each.  Tests find them in the directory.
"""

import json
import pathlib
import re
import secrets
import shutil
import sys
from typing import Any
import uuid

import fixtures

from protector.storage import base
from protector.tests.fixtures import emulated_arrays
from protector.tests.realcloud import processes

CONNECT_SECONDS = 60
START_SECONDS = 60
EXTENT = 512 * 1024
EXTENTS = 6
_KNOWN = "arrays.json"
_POD = "(?:pod-[ab]::)?"
_CINDERS = re.compile(
    rf"cinder-group|{_POD}(?:volume-[0-9a-f-]{{36}}|consisgroup-.*)-cinder"
)
_REPLICA = re.compile("[^:]+:[^:]")
Json = dict[str, Any]


class Array(emulated_arrays.EmulatedArray):
    """One that outlives the tests.

    :param directory: of its state and of the process records.
    :param token: its API token.
    """

    def __init__(
        self, name: str, address: str, directory: pathlib.Path, token: str
    ) -> None:
        super().__init__(name, address)
        self._processes = processes.Processes(directory)
        self.state = directory / name
        self.array = base.Array(
            name=name,
            management_address=f"{address}:{emulated_arrays.PORT}",
            api_token=token,
            ca_file=str(self.state / "ca.pem"),
            verify=True,
            site=None,
            backend=None,
        )

    def _setUp(self) -> None:
        """It runs already."""

    def start(self) -> None:
        self._processes.start(
            self.name,
            "protector.sandbox.array",
            *("--name", self.name, "--address", self.address),
            *("--port", str(emulated_arrays.PORT)),
            *("--state", str(self.state)),
            *("--api-token", self.array.api_token),
        )
        processes.wait_until(
            self._answers,
            START_SECONDS,
            told=lambda: self._processes.tail(self.name),
        )

    def kill(self) -> None:
        self._processes.kill(self.name)

    def alive(self) -> bool:
        return self._processes.alive(self.name)

    def leftovers(self) -> list[str]:
        """Volumes and groups on the array that are not Cinder's.

        What was destroyed waits for its eradication and does not count, nor
        do replicas of the other array's groups, which that array keeps.
        """
        return [n for n in self._names() if not _CINDERS.fullmatch(n)]

    def groups(self) -> list[str]:
        """The array groups of Cinder's groups."""
        return [n for n in self._names() if "consisgroup-" in n]

    def _names(self) -> list[str]:
        found = self.control("GET", "inventory").json()
        return [
            row["name"]
            for row in (*found["volumes"], *found["pgroups"])
            if not row["destroyed"] and not _REPLICA.match(row["name"])
        ]

    def _name_of(self, volume_id: str) -> str:
        """What a Cinder volume is called, in a pod or not."""
        cinders = re.compile(f"{_POD}volume-{volume_id}-cinder")
        (name,) = filter(cinders.fullmatch, self._names())
        return name

    # -- stands in for the guests, which do not run on the bed

    def scribble(self, volume_id: str) -> str:
        """Write random bytes at both ends and at random places of a Cinder
        volume; the digest of all of it."""
        name = self._name_of(volume_id)
        host = f"guest-{secrets.token_hex(6)}"
        sdk = self.sdk()
        sdk.create_host(host)
        sdk.connect_host(host, name)
        last = sdk.get_volume(name)["size"] - EXTENT
        random = [secrets.randbelow(last) for _ in range(EXTENTS)]
        for offset in (0, last, *random):
            self.control(
                "PUT",
                f"volumes/{name}/data",
                params={"host": host, "offset": offset},
                data=secrets.token_bytes(EXTENT),
            )
        sdk.disconnect_host(host, name)
        sdk.delete_host(host)
        return self.digest(volume_id)

    def digest(self, volume_id: str) -> str:
        """SHA-256 of what is not zero in a Cinder volume, with its places."""
        found = self.control(
            "GET",
            f"volumes/{self._name_of(volume_id)}/data",
            params={"digest": "sha256"},
        )
        return str(found.json()["digest"])


class Arrays(fixtures.Fixture):
    """``a`` and ``b``, which run, as ``directory`` tells."""

    def __init__(self, directory: pathlib.Path) -> None:
        super().__init__()
        known = json.loads((directory / _KNOWN).read_text())
        self.prefix: str = known["prefix"]
        self.a, self.b = _arrays(directory, **known)


def launch(directory: pathlib.Path) -> list[Array]:
    """Start both from nothing and connect them; those that run stay."""
    if (directory / _KNOWN).exists():
        found = Arrays(directory)
        if found.a.alive() and found.b.alive():
            return [found.a, found.b]
    directory.mkdir(parents=True, exist_ok=True)
    processes.Processes(directory).end_all()
    prefix = f"127.{secrets.randbelow(250) + 2}"
    known = {
        "prefix": f"{prefix}.{secrets.randbelow(250) + 2}",
        "tokens": [str(uuid.uuid4()) for _ in "ab"],
    }
    path = directory / _KNOWN
    path.touch(mode=0o600)
    path.write_text(json.dumps(known))
    made = _arrays(directory, **known)
    for each in made:
        shutil.rmtree(each.state, ignore_errors=True)
        each.state.mkdir()
        each.start()
    first, second = (each.sdk() for each in made)
    first.connect_array(
        made[1].array.management_address,
        second.get(connection_key=True)["connection_key"],
        ["sync-replication"],
    )
    processes.wait_until(
        lambda: (
            [
                row["status"]
                for sdk in (first, second)
                for row in sdk.list_array_connections()
            ]
            == ["connected"] * 2
        ),
        CONNECT_SECONDS,
    )
    return made


def _arrays(
    directory: pathlib.Path, prefix: str, tokens: list[str]
) -> list[Array]:
    return [
        Array(f"array-{letter}", f"{prefix}.{number}", directory, token)
        for number, (letter, token) in enumerate(
            zip("ab", tokens, strict=True), 1
        )
    ]


if __name__ == "__main__":
    for one in launch(pathlib.Path(sys.argv[1])):
        print(one.array.management_address, one.array.api_token)  # noqa: T201
