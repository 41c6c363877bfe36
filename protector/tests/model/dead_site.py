# SPDX-License-Identifier: Apache-2.0
"""That the dead site is never needed: a move without its source asks the
site that it leaves nothing but to be fenced, beside the rest, and ends soon.

Every such call is one that could hang, whether the site is well or not.
"""

from collections.abc import Callable
import functools
from typing import Any

import fixtures

from protector import constants as c
from protector import states
from protector.engine import stepping, unplanned
from protector.tests.model import sim

SECONDS = 100.0
"""How long a move takes at most whose own engine lives: until the lease of
what it superseded is over; a call that hangs is waited for longer."""
BESIDE = frozenset({"servers.fence_lost"})


class Paths(fixtures.Fixture):
    """Tasks tell of which move they are the path.

    :param sim: the one of the present scenario.
    """

    def __init__(self, sim: Callable[[], sim.Sim]) -> None:
        super().__init__()
        self._sim = sim

    def _setUp(self) -> None:
        for path, call in (
            ("stepping.run_step", self._step(stepping.run_step)),
            ("unplanned.check", self._verdict(unplanned.check)),
        ):
            path = f"protector.engine.{path}"
            self.useFixture(fixtures.MonkeyPatch(path, call))

    def _step(self, run: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(run)
        def told(work: Any, operation: Any, row: Any) -> Any:
            path = None
            if states.is_unplanned(operation.args) and row.name not in BESIDE:
                path = f"step {row.name} of unplanned {operation.kind}"
            with self._sim().at(path):
                return run(work, operation, row)

        return told

    def _verdict(self, check: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(check)
        def told(reader: Any, verb: str, args: Any) -> None:
            scene = reader.scene
            path = f"verdict on unplanned {verb}"
            if scene.group.current_primary_site_id == scene.local_site_id:
                # what is taken back before it left may run there
                path = None
            with self._sim().at(path):
                check(reader, verb, args)

        return told


class Moves:
    """How long the moves of a scenario take whose source is not asked."""

    def __init__(self, bed: Any) -> None:
        self._bed = bed
        # when each that has not ended was seen first, undisturbed since
        self._since: dict[str, float] = {}

    def disturbed(self) -> None:
        """All get their time anew."""
        self._since.clear()

    def late(self, held: dict[str, Any]) -> list[str]:
        """Those that took too long; a dead engine takes none."""
        known, self._since = self._since, {}
        late = []
        for letter, found in held.items():
            site = self._bed.sites[letter]
            for move in found.operations if found else ():
                if not _is_alone(move, site.site_id):
                    continue
                end = self._end(move)
                since = known.get(move.id, end)
                if end - since > SECONDS:
                    late.append(f"unplanned {move.kind} took {end - since} s")
                if move.status in c.UNFINISHED and site.is_alive:
                    self._since[move.id] = since
        return late

    def _end(self, move: Any) -> float:
        if move.finished_at is None:
            return float(self._bed.sim.now)
        return float((move.finished_at - sim.START).total_seconds())


def _is_alone(move: Any, site_id: str) -> bool:
    return move.executor_site_id == site_id and states.is_unplanned(move.args)
