# SPDX-License-Identifier: Apache-2.0
"""The knobs of the emulation that tests turn while the array runs.

Values only, kept in the store; who obeys them is elsewhere.
"""

from dataclasses import asdict, dataclass, fields
import json
import re
from typing import Any

from protector.sandbox.array import errors
from protector.sandbox.array.store import Store


@dataclass(frozen=True)
class Knobs:
    """All settings with their defaults.

    ``latency_ms``: added to each REST request. ``bandwidth``: bytes per
    second of a transfer, None for as fast as it goes. ``transfer_seconds``:
    the least time a transfer takes. ``min_frequency``: the least seconds of a
    schedule (real arrays: 300). ``clock_offset``: seconds added to the clock.
    ``announce_delay``: seconds until a target learns of a group.
    ``eradication_delay``: seconds that destroyed objects can be recovered.
    ``keep_newest_replica``: retention spares a group's newest complete
    replicated snapshot. ``capacity``: the array's bytes; one with less than
    the default is full when they are used. ``safemode``: nothing is
    eradicated by hand. ``mediator_reachable``: the array reaches the mediator
    of its pods. ``resync_seconds``: how long the other array takes to come
    back into a pod. ``overwrite_without_peer``: a volume in a stretched pod
    may be overwritten while the pod's other array is not online (not measured
    on real ones). ``purity``: the version that the array says it runs; before
    6.1 no volume in a stretched pod is overwritten.
    """

    latency_ms: float = 0
    bandwidth: float | None = None
    transfer_seconds: float = 0
    min_frequency: float = 300
    clock_offset: float = 0
    announce_delay: float = 0
    eradication_delay: float = 86400
    keep_newest_replica: bool = True
    capacity: int = 1024**5
    safemode: bool = False
    mediator_reachable: bool = True
    resync_seconds: float = 0
    overwrite_without_peer: bool = True
    purity: str = "6.3.13"

    @property
    def overwrites_in_pods(self) -> bool:
        """Whether the version does, in those that are stretched."""
        major, minor, *_ = (int(number) for number in self.purity.split("."))
        return (major, minor) >= (6, 1)


class Tuning:
    """The settings in force."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.knobs = Knobs(**json.loads(store.meta("tuning") or "{}"))

    def change(self, values: dict[str, Any]) -> Knobs:
        """Change some settings; return all. Raises ``ArrayError``."""
        for key, value in values.items():
            _check(key, value)
        with self._store.transaction():
            self.knobs = Knobs(**{**asdict(self.knobs), **values})
            self._store.set_meta("tuning", json.dumps(asdict(self.knobs)))
        return self.knobs


def _check(key: str, value: Any) -> None:
    if key not in {field.name for field in fields(Knobs)}:
        raise errors.ArrayError("No such setting.", key)
    if value is None and key == "bandwidth":
        return
    if key == "purity":
        if not re.fullmatch(r"\d+\.\d+\.\d+", str(value)):
            raise errors.ArrayError("Such as 6.3.13.", key)
        return
    if not isinstance(value, int | float):
        raise errors.ArrayError("The setting must be a number.", key)
    if key != "clock_offset" and value < 0:
        raise errors.ArrayError("The setting must not be negative.", key)
    if key == "bandwidth" and value == 0:
        raise errors.ArrayError("Cut the link instead.", key)
