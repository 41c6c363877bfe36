# SPDX-License-Identifier: Apache-2.0
"""Kills processes of a sandbox when a named step begins, and starts them.

To show recovery, and to test it; what must be true afterwards is the
story's.
"""

from collections.abc import Callable, Sequence
from concurrent import futures
import dataclasses
from typing import Any

from protector.sandbox import fleet

BACK_SECONDS = 90


@dataclasses.dataclass(frozen=True)
class Blow:
    """Kill ``process`` when ``step`` begins, in an operation of ``kind``.

    :ivar kind: ``failover``, ...; None for any.
    """

    process: str
    step: str
    kind: str | None = None

    def __str__(self) -> str:
        where = f"{self.kind}:{self.step}" if self.kind else self.step
        return f"{self.process}@{where}"


def parse(text: str, processes: Sequence[str]) -> Blow:
    """``site-b@volumes.overwrite`` or ``site-b@failover:servers.start``.

    :raises ValueError: it is none.
    """
    process, at, where = text.partition("@")
    kind, colon, step = where.rpartition(":")
    if (
        not at
        or not step
        or process not in processes
        or bool(colon) != (kind != "")
    ):
        raise ValueError(
            f"{text!r} is not PROCESS@STEP or PROCESS@KIND:STEP, with a "
            f"process of {', '.join(processes)}"
        )
    return Blow(process, step, kind or None)


class Disturber:
    """Deals each blow once.

    :param say: takes a line about it.
    """

    def __init__(
        self,
        processes: fleet.Fleet,
        blows: Sequence[Blow],
        say: Callable[[str], None],
    ) -> None:
        self._fleet = processes
        self._waiting = list(blows)
        self._say = say
        self._pool = futures.ThreadPoolExecutor(max_workers=1)
        self._under_way: list[futures.Future[None]] = []

    @property
    def undealt(self) -> list[Blow]:
        """The blows whose step has not come."""
        return list(self._waiting)

    def look(self, operation: Any) -> None:
        """Take note of an operation that is under way."""
        for blow in [b for b in self._waiting if _begun(b, operation)]:
            self._waiting.remove(blow)
            self._under_way.append(self._pool.submit(self._deal, blow))

    def settle(self) -> None:
        """Wait until what was killed serves again.

        :raises supervisor.ProcessError: it does not.
        """
        while self._under_way:
            self._under_way.pop().result(BACK_SECONDS)

    def close(self) -> None:
        """End the thread."""
        self._pool.shutdown(cancel_futures=True)

    def _deal(self, blow: Blow) -> None:
        self._fleet.kill(blow.process)
        self._say(f"{blow.process} killed at {blow.step}")
        self._fleet.start(blow.process)
        self._say(f"{blow.process} serves again")


def _begun(blow: Blow, operation: Any) -> bool:
    if blow.kind not in (None, operation.kind):
        return False
    return any(
        step["name"] == blow.step and step["status"] != "pending"
        for step in operation.steps or []
    )
