# SPDX-License-Identifier: Apache-2.0
"""Which moments of an operation are its engine's last.

The moments come from the operation itself: each that it reaches and that no
engine has died at yet is one, so a new step is one without being named here.
"""

import threading
from typing import Any

from protector import exception
from protector.tests.failure import mortal

KINDS = ("before", "after", "recorded")
AT_MOST = 8
"""Deaths at one step, for calls that are others each time."""


class Kills(mortal.Plan):
    """Every moment of these kinds, one after the other, in one operation."""

    def __init__(self, *kinds: str) -> None:
        self.kinds = kinds
        self.dealt: list[mortal.Moment] = []

    def ends(self, moment: mortal.Moment) -> bool:
        if not self.is_due(moment):
            return False
        self.dealt.append(moment)
        return True

    def is_due(self, moment: mortal.Moment) -> bool:
        if moment.kind not in self.kinds or moment in self.dealt:
            return False
        same = [m for m in self.dealt if _place(m) == _place(moment)]
        return len(same) < AT_MOST

    def cases(self, workflow: str) -> list[list[str]]:
        return [[workflow, m.kind, m.step, m.detail] for m in self.dealt]


def _place(moment: mortal.Moment) -> tuple[str, str, str | None]:
    return moment.kind, moment.step, moment.member


class PairKills(Kills):
    """The engine that carries out the operation dies at each moment; and at
    the end of each step, which is done and not recorded, once more with all
    other engines of the site."""

    def __init__(self, *kinds: str) -> None:
        super().__init__(*kinds)
        self._all_died: list[mortal.Moment] = []

    def ends(self, moment: mortal.Moment) -> bool:
        self.all_die = False
        if super().ends(moment):
            return True
        done = moment.kind == "after" and not moment.detail
        if not done or moment in self._all_died:
            return False
        self._all_died.append(moment)
        self.all_die = True
        return True

    def cases(self, workflow: str) -> list[list[str]]:
        both = [[workflow, "both", m.step, ""] for m in self._all_died]
        return super().cases(workflow) + both


class PairStepKills(PairKills):
    """The same at the end of each step only."""

    def __init__(self) -> None:
        super().__init__("after")

    def ends(self, moment: mortal.Moment) -> bool:
        return not moment.detail and super().ends(moment)


class UndoKills(Kills):
    """A step fails, and the engine dies at every moment from then on.

    :param step: the name of the one that fails.
    """

    def __init__(self, step: str) -> None:
        super().__init__(*KINDS)
        self._step = step
        self._failed = False

    def begin(self, step: str) -> None:
        if step == self._step:
            self._failed = True
            raise exception.UnexpectedState("It was told to fail.")

    def ends(self, moment: mortal.Moment) -> bool:
        return self._failed and super().ends(moment)


class Pauses(Kills):
    """Engines that stand still between their lease check and a call, as by
    SIGSTOP, while another one goes on.

    ``thaw`` lets them go on, as SIGCONT does; the first they do is the call.
    """

    grace = 0.2

    def __init__(self) -> None:
        super().__init__("before")
        self.thaw = threading.Event()
        self.late: list[str] = []
        self._still: set[int] = set()

    def ends(self, moment: mortal.Moment) -> bool:
        if not super().ends(moment):
            return False
        self._still.add(threading.get_ident())
        return True

    def carry(
        self,
        life: mortal.Life,
        request: Any,
        send: mortal.Send,
        timeout: Any,
    ) -> Any:
        try:
            return super().carry(life, request, send, timeout)
        except mortal.Death:
            if threading.get_ident() not in self._still:
                raise
        self.thaw.wait()
        life.resume()
        answer = send()
        self.late.append(
            f"{request.method} {request.path_url}: {answer.status_code}"
        )
        return answer
