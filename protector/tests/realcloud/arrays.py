# SPDX-License-Identifier: Apache-2.0
"""Two emulated arrays, each presenting the volume files of one cloud."""

import pathlib
import secrets

import fixtures

from protector.tests.fixtures import emulated_arrays
from protector.tests.realcloud import processes

CONNECT_SECONDS = 60
START_SECONDS = 60


class MirroringArray(emulated_arrays.EmulatedArray):
    """:param pool: the directory that it presents."""

    def __init__(
        self,
        name: str,
        address: str,
        pool: pathlib.Path,
        running: processes.Processes,
    ) -> None:
        super().__init__(name, address)
        self._pool = pool
        self._processes = running

    def start(self) -> None:
        self._processes.start(
            self.name,
            "protector.sandbox.array",
            *("--name", self.name, "--address", self.address),
            *("--port", str(emulated_arrays.PORT)),
            *("--state", str(self.state), "--mirror", str(self._pool)),
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
        found = self.control("GET", "inventory").json()
        return [
            row["name"]
            for row in (*found["volumes"], *found["pgroups"])
            if not row["mirrored"]
            and not row["destroyed"]
            and ":" not in row["name"]
        ]


class Arrays(fixtures.Fixture):
    """``a`` and ``b``, connected both ways."""

    def __init__(
        self,
        pool_a: pathlib.Path,
        pool_b: pathlib.Path,
        running: processes.Processes,
    ) -> None:
        super().__init__()
        prefix = f"127.{secrets.randbelow(250) + 2}"
        self.prefix = f"{prefix}.{secrets.randbelow(250) + 2}"
        self.a = MirroringArray("array-a", f"{self.prefix}.1", pool_a, running)
        self.b = MirroringArray("array-b", f"{self.prefix}.2", pool_b, running)

    def _setUp(self) -> None:
        for each in (self.a, self.b):
            self.useFixture(each)
        key = self.b.sdk().get(connection_key=True)["connection_key"]
        self.a.sdk().connect_array(
            self.b.array.management_address, key, ["async-replication"]
        )
        processes.wait_until(self._connected, CONNECT_SECONDS)

    def _connected(self) -> bool:
        rows = [
            *self.a.sdk().list_array_connections(),
            *self.b.sdk().list_array_connections(),
        ]
        return [row["status"] for row in rows] == ["connected"] * 2
