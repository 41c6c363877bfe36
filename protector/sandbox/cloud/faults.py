# SPDX-License-Identifier: Apache-2.0
"""Make chosen calls slow, wrong, hanging or lost, on request of a test."""

import re
import typing
import uuid

from protector.sandbox.cloud import errors, store

PHASES = ("before", "after")


def check(body: dict[str, typing.Any]) -> None:
    """Refuse a malformed fault.

    :raises BadRequest: no or bad ``match``, unknown field or phase.
    """
    known = {
        "match",
        "phase",
        "status",
        "body",
        "hang",
        "drop",
        "delay",
        "retry_after",
        "count",
    }
    unknown = set(body) - known
    if unknown:
        raise errors.BadRequest(f"Unknown fields: {sorted(unknown)}")
    try:
        re.compile(body["match"])
    except (KeyError, TypeError, re.error):
        raise errors.BadRequest("'match' must be a pattern") from None
    if body.get("phase", "before") not in PHASES:
        raise errors.BadRequest(f"'phase' is one of {PHASES}")


class Faults:
    """The faults that are set, kept in the store.

    A fault: ``match`` (searched in ``service METHOD /path``), ``phase``
    (``before``: the call is not carried out, ``after``: it is, only its
    answer suffers), ``delay`` or ``hang`` (seconds; a delay goes on as
    usual, after a hang the connection is dropped unless there is a
    status), ``drop`` (true: close without an answer), ``status`` with
    ``body`` and ``retry_after`` (seconds), ``count`` (calls left; absent:
    until removed).
    """

    def __init__(self, storage: store.Store) -> None:
        self._store = storage
        self._table = storage.table("faults")

    def add(self, body: dict[str, typing.Any]) -> store.Document:
        """Set a fault; return it with its id."""
        check(body)
        fault = {"phase": "before", **body}
        fault.update(id=uuid.uuid4().hex, hits=0)
        return self._table.put(fault)

    def list(self) -> list[store.Document]:
        """Return all faults, with ``hits``: how often each struck."""
        return self._table.list()

    def remove(self, fault_id: str | None = None) -> None:
        """Take back one fault, or all."""
        for fault in self._table.list():
            if fault_id in (None, fault["id"]):
                self._table.delete(fault["id"])

    def strike(self, target: str) -> store.Document | None:
        """Return the first fault that matches a call, and count it.

        :param target: ``compute POST /v2.1/servers``.
        """
        with self._store.lock:
            fault = self._table.first(
                lambda row: (
                    row.get("count") != 0
                    and re.search(row["match"], target) is not None
                )
            )
            if fault is None:
                return None
            fault["hits"] += 1
            if fault.get("count") is not None:
                fault["count"] -= 1
            return self._table.put(fault)
