# SPDX-License-Identifier: Apache-2.0
"""Tags of volumes: key and value in a namespace, gone with their volume."""

from sqlite3 import Row

from protector.sandbox.array.core import Core
from protector.sandbox.array.volumes import Volumes

_SELECT = (
    "SELECT t.*, v.name AS volume FROM tags t"
    " JOIN volumes v ON v.id = t.volume_id"
    " WHERE v.name = COALESCE(?, v.name) ORDER BY v.name, namespace, key"
)


class Tags:
    """The tags of one array's volumes."""

    def __init__(self, core: Core, volumes: Volumes) -> None:
        self._store = core.store
        self._volumes = volumes

    def listing(self, volume: str | None = None) -> list[Row]:
        """Return the tags, of one volume or of all."""
        return self._store.all(_SELECT, volume)

    def put(
        self,
        volume: str,
        key: str,
        value: str | None,
        namespace: str,
        copyable: bool,
    ) -> None:
        """Set a tag of a volume. Raises ``ArrayError``."""
        row = self._volumes.live(volume)
        self._store.run(
            "INSERT OR REPLACE INTO tags VALUES (?, ?, ?, ?, ?)",
            row["id"],
            namespace,
            key,
            value,
            copyable,
        )

    def remove(self, volume: str, namespace: str, key: str | None) -> None:
        """Remove a volume's tags of a namespace, or the one of ``key``."""
        row = self._volumes.show(volume, pending=True)
        self._store.run(
            "DELETE FROM tags WHERE volume_id = ? AND namespace = ?"
            " AND key = COALESCE(?, key)",
            row["id"],
            namespace,
            key,
        )
