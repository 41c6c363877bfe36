# SPDX-License-Identifier: Apache-2.0
"""Chooses the REST generation of an array and keeps its adapters.

``GET /api/api_version`` is common to both generations and needs no login.
What is said to the array afterwards is the adapter's.
"""

from collections.abc import Callable
import threading
from typing import Any

from protector import bounded_http, exception
from protector.storage import base
from protector.storage.pure import adapter, rest1, rest2, session2, trust


class Connections:
    """The arrays of one driver: an adapter for each thread and array.

    :param timeout: (connect, read) in seconds.
    :param before_change: run before each request that changes an array.
    """

    def __init__(
        self, timeout: tuple[float, float], before_change: Callable[[], None]
    ) -> None:
        self._timeout = timeout
        self._before_change = before_change
        self._local = threading.local()

    def of(self, array: base.Array) -> adapter.Adapter:
        """:raises ArrayError: none of its REST versions can be spoken.
        :raises ArrayUnavailable: it does not tell its versions."""
        held: dict[base.Array, adapter.Adapter]
        held = self._local.__dict__.setdefault("held", {})
        if array not in held:
            held[array] = self._adapter(array, versions(array, self._timeout))
        return held[array]

    def _adapter(
        self, array: base.Array, offered: list[str]
    ) -> adapter.Adapter:
        """REST 2.x if its SDK is installed: its connections are kept open,
        and it outlives REST 1.x."""
        newest = session2.best(offered) if session2.installed() else None
        if newest is not None:
            return rest2.Rest2(
                array, newest, self._timeout, self._before_change
            )
        _require_rest1(array, offered)
        return rest1.Rest1(array, self._timeout, self._before_change)


def versions(array: base.Array, timeout: tuple[float, float]) -> list[str]:
    """The REST versions that an array offers, as "1.19".

    :raises ArrayUnavailable: no answer, or not an array's.
    """
    url = f"https://{array.management_address}/api/api_version"
    with trust.translated(array):
        with bounded_http.session() as wire:
            answer = wire.get(url, timeout=timeout, verify=trust.verify(array))
        answer.raise_for_status()
        return [str(version) for version in answer.json()["version"]]


def _require_rest1(array: base.Array, offered: list[str]) -> None:
    if rest1.speaks(offered):
        return
    if any(version.startswith("2.") for version in offered):
        raise exception.ArrayError(
            f"Array {array.name} offers REST 2.x only, of no version that "
            "can be spoken here.",
            remedy="Install or update py-pure-client: pip install -U "
            "'protector[pure2]'.",
        )
    raise exception.ArrayUnavailable(
        f"What answers for array {array.name} offers no REST version of a "
        "FlashArray."
    )


def identity(arrays: Any, array: base.Array) -> adapter.Identity:
    """:param arrays: ``Connections``, or ``overview.Overviews``.
    :raises ArrayError: another array answers at the address."""
    found: adapter.Identity = arrays.of(array).identity()
    if found.name != array.name:
        raise exception.ArrayError(
            f"Array {found.name} answers at {array.management_address}, "
            f"not {array.name}.",
            remedy="Name the array in [storage] arrays of both sites as it "
            "names itself, and check its management_address.",
        )
    return found
