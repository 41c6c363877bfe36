# SPDX-License-Identifier: Apache-2.0
"""Hosts, their ports, and which volumes they are connected to."""

from sqlite3 import Row
from typing import Any

from protector.sandbox.array import errors, names
from protector.sandbox.array.core import Core
from protector.sandbox.array.volumes import Volumes

_KIND = "Host"
KINDS = ("iqn", "wwn", "nqn")
_CONNECTIONS = (
    "SELECT h.name AS host, v.name AS vol, c.lun AS lun, v.size AS size"
    " FROM connections c JOIN hosts h ON h.id = c.host_id"
    " JOIN volumes v ON v.id = c.volume_id"
)
_LUNS = 4095


class Hosts:
    """The hosts of one array. Every method is one transaction."""

    def __init__(self, core: Core, volumes: Volumes) -> None:
        self._store = core.store
        self._volumes = volumes

    def show(self, name: str) -> dict[str, Any]:
        """Return a host with its ports. Raises ``ArrayError``."""
        row = self._store.one("SELECT * FROM hosts WHERE name = ?", name)
        if row is None:
            raise errors.missing(_KIND, name)
        return self._with_ports(row)

    def listing(self) -> list[dict[str, Any]]:
        """Return all hosts by name."""
        rows = self._store.all("SELECT * FROM hosts ORDER BY name")
        return [self._with_ports(row) for row in rows]

    def create(self, name: str, ports: dict[str, list[str]]) -> dict[str, Any]:
        """Make a host; ``ports`` are lists by "iqn", "wwn" and "nqn"."""
        with self._store.transaction():
            self._require_free(name)
            self._store.run("INSERT INTO hosts (name) VALUES (?)", name)
            for kind, values in ports.items():
                self._add_ports(name, kind, values)
            return self.show(name)

    def change(self, name: str, values: dict[str, str]) -> dict[str, Any]:
        """Set ``personality``, ``host_user``, ``host_password``."""
        with self._store.transaction():
            row = {**self.show(name), **values}
            self._store.run(
                "UPDATE hosts SET personality = ?, host_user = ?,"
                " host_password = ? WHERE id = ?",
                row["personality"],
                row["host_user"],
                row["host_password"],
                row["id"],
            )
            return self.show(name)

    def set_ports(
        self, name: str, kind: str, add: list[str], remove: list[str]
    ) -> dict[str, Any]:
        """Add and remove ports of one kind."""
        with self._store.transaction():
            row = self.show(name)
            for value in remove:
                if value not in row[kind]:
                    raise errors.ArrayError(
                        "The port could not be found on the host.", value
                    )
                self._store.run(
                    "DELETE FROM host_ports WHERE value = ?", value
                )
            self._add_ports(name, kind, add)
            return self.show(name)

    def rename(self, name: str, new: str) -> dict[str, Any]:
        """Give a host another name."""
        with self._store.transaction():
            row = self.show(name)
            self._require_free(new)
            self._store.run(
                "UPDATE hosts SET name = ? WHERE id = ?", new, row["id"]
            )
            return self.show(new)

    def delete(self, name: str) -> dict[str, Any]:
        """Remove a host that has no connections."""
        with self._store.transaction():
            row = self.show(name)
            if self.connections(host=name):
                raise errors.ArrayError(
                    "Host cannot be deleted due to existing connections.",
                    name,
                )
            self._store.run("DELETE FROM hosts WHERE id = ?", row["id"])
            return row

    def connect(
        self, host: str, volume: str, lun: int | None = None
    ) -> dict[str, Any]:
        """Connect a volume at ``lun`` or at the lowest free one."""
        with self._store.transaction():
            row = self.show(host)
            target = self._volumes.live(volume)
            used = {c["lun"] for c in self.connections(host=host)}
            if self.connections(host=host, volume=volume):
                raise errors.exists("Connection", volume)
            if lun is None:
                lun = next(n for n in range(1, _LUNS + 1) if n not in used)
            if not 1 <= lun <= _LUNS:
                raise errors.ArrayError("Invalid LUN.", host)
            if lun in used:
                raise errors.ArrayError("The LUN is already in use.", host)
            self._store.run(
                "INSERT INTO connections VALUES (?, ?, ?)",
                row["id"],
                target["id"],
                lun,
            )
            return {"name": host, "vol": volume, "lun": lun}

    def disconnect(self, host: str, volume: str) -> dict[str, Any]:
        """Take a volume away from a host."""
        with self._store.transaction():
            row = self.show(host)
            target = self._volumes.show(volume)
            if not self.connections(host=host, volume=volume):
                raise errors.ArrayError(
                    "Volume is not connected to the host.", volume
                )
            self._store.run(
                "DELETE FROM connections WHERE host_id = ? AND volume_id = ?",
                row["id"],
                target["id"],
            )
            return {"name": host, "vol": volume}

    def connections(
        self, host: str | None = None, volume: str | None = None
    ) -> list[Row]:
        """Return connections as rows of host, vol, lun, size (bytes)."""
        return self._store.all(
            _CONNECTIONS + " WHERE h.name = COALESCE(?, h.name)"
            " AND v.name = COALESCE(?, v.name) ORDER BY h.name, c.lun",
            host,
            volume,
        )

    def _with_ports(self, row: Row) -> dict[str, Any]:
        ports = self._store.all(
            "SELECT kind, value FROM host_ports WHERE host_id = ?", row["id"]
        )
        return {
            **dict(row),
            **{
                k: [p["value"] for p in ports if p["kind"] == k] for k in KINDS
            },
        }

    def _add_ports(self, name: str, kind: str, values: list[str]) -> None:
        for value in values:
            if self._store.one(
                "SELECT 1 FROM host_ports WHERE value = ?", value
            ):
                raise errors.ArrayError(
                    f"The specified {kind.upper()} is already in use.", value
                )
            self._store.run(
                "INSERT INTO host_ports SELECT id, ?, ? FROM hosts"
                " WHERE name = ?",
                kind,
                value,
                name,
            )

    def _require_free(self, name: str) -> None:
        names.check(_KIND, name)
        if self._store.one("SELECT 1 FROM hosts WHERE name = ?", name):
            raise errors.exists(_KIND, name)
