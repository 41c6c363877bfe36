# SPDX-License-Identifier: Apache-2.0
"""SafeMode: what nobody may undo by hand before its time.

The knob ``safemode`` keeps everything that was destroyed until the array
eradicates it. A ratcheted protection group keeps its members, targets,
schedule and retention. Texts of real arrays are not known: nobody may match
these.
"""

from collections.abc import Mapping
import json
from sqlite3 import Row
from typing import Any

from protector.sandbox.array import errors
from protector.sandbox.array.core import Core

LOCKS = ("unlocked", "ratcheted")
_KEPT = ("all_for", "per_day", "days")


def refuse_eradication(core: Core, name: str) -> None:
    """Raise ``ArrayError`` while eradication by hand is off."""
    if core.tuning.knobs.safemode:
        raise errors.ArrayError(
            "Eradication is not permitted while SafeMode is enabled.", name
        )


def refuse(row: Row, what: str) -> None:
    """Raise ``ArrayError`` for a change of a ratcheted group."""
    if row["retention_lock"] == "ratcheted":
        raise errors.ArrayError(
            f"Cannot {what} of a protection group with a ratcheted retention"
            " lock.",
            row["name"],
        )


def refuse_less(row: Row, values: Mapping[str, Any]) -> None:
    """Raise ``ArrayError`` if ``values`` replicate or keep less than a
    ratcheted group does now."""
    if row["retention_lock"] != "ratcheted":
        return
    now = {**json.loads(row["schedule"]), **json.loads(row["retention"])}
    for key, value in values.items():
        if key.endswith("_enabled") and now[key] and not value:
            refuse(row, "disable the schedule")
        if key.endswith("_frequency") and value > now[key]:
            refuse(row, "lower the frequency")
        if key.removeprefix("target_") in _KEPT and value < now[key]:
            refuse(row, "shorten the retention")
