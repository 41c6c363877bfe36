# SPDX-License-Identifier: Apache-2.0
"""What an array lists of all its groups, asked once for a round of looks.

One by one, each group of many would have the array list everything anew.
Offers no change, and decides nothing.
"""

import collections
from collections.abc import Callable, Iterable, Mapping
import datetime
from typing import Any

from protector import exception
from protector.storage import base
from protector.storage.pure import adapter, connection


class Overview:
    """Of ``adapter.Adapter`` what points and status are made of.

    An array that does not answer is not asked again: it would say, or keep
    silent, the same for every group.

    :param opened: gives the adapter, or raises why there is none.
    """

    def __init__(self, opened: Callable[[], adapter.Adapter]) -> None:
        self._opened = opened
        self._told: dict[str, Any] = {}

    def identity(self) -> adapter.Identity:
        found: adapter.Identity = self._once("identity", lambda told: told)
        return found

    def link(self, array: str) -> str | None:
        found: str | None = self._once("links", dict).get(array)
        return found

    def group(self, name: str) -> adapter.Group | None:
        found: adapter.Group | None = self._once("groups", dict).get(name)
        return found

    def settings(self, group: str) -> adapter.Settings:
        """:raises ArrayNotFound: the array does not list them."""
        found: adapter.Settings | None
        found = self._once("all_settings", dict).get(group)
        if found is None:
            raise exception.ArrayNotFound(
                f"The array lists no settings of group {group}."
            )
        return found

    def pods(self) -> dict[str, adapter.Pod]:
        found: dict[str, adapter.Pod] = self._once("pods", dict)
        return found

    def snapshot_times(self, group: str) -> dict[str, datetime.datetime]:
        found = self._once(
            "all_snapshot_times",
            lambda times: _by_group(lambda t: str(t[0]))(times.items()),
        )
        return dict(found.get(group, ()))

    def transfers(self, group: str) -> list[adapter.Transfer]:
        found = self._once("all_transfers", _by_group(lambda t: t.snapshot))
        return list(found.get(group, ()))

    def members(self, group: str) -> list[str]:
        found = self._once("all_members", _by_group(str))
        return list(found.get(group, ()))

    def _once(self, listing: str, made: Callable[[Any], Any]) -> Any:
        if listing not in self._told:
            try:
                self._told[listing] = made(getattr(self._opened(), listing)())
            except exception.ArrayError as error:
                self._told[listing] = error
        found = self._told[listing]
        if isinstance(found, exception.ArrayError):
            raise found
        return found


class Overviews:
    """In the place of ``connection.Connections``, for one round in one
    thread."""

    def __init__(self, arrays: connection.Connections) -> None:
        self._arrays = arrays
        self._known: dict[base.Array, Overview] = {}

    def of(self, array: base.Array) -> Overview:
        if array not in self._known:
            self._known[array] = Overview(lambda: self._arrays.of(array))
        return self._known[array]


def _by_group(
    name: Callable[[Any], str],
) -> Callable[[Iterable[Any]], Mapping[str, list[Any]]]:
    """Sorts snapshots, or those of volumes in them, by their groups: no name
    of a group or a suffix has a dot."""

    def sort(rows: Iterable[Any]) -> Mapping[str, list[Any]]:
        found = collections.defaultdict(list)
        for row in rows:
            found[name(row).partition(".")[0]].append(row)
        return found

    return sort
