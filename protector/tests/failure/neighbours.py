# SPDX-License-Identifier: Apache-2.0
"""Neighbours that misbehave: what an engine's requests meet.

The work behind a request is done or not by the real emulator; only what the
engine gets to see is made here, so that nobody has to wait for a timeout.
"""

import re
import threading
from typing import Any
import urllib.parse

import requests

from protector.tests.failure import mortal

SERVICES = {
    "/identity": "Keystone",
    "/compute": "Nova",
    "/volume": "Cinder",
    "/network": "Neutron",
    "/image": "Glance",
    "/placement": "Placement",
    "/api/": "array",
    "/v1/peer": "peer",
}
Case = tuple[str, str, str]
JSON = {"Content-Type": "application/json"}
SLOW_SECONDS = 0.05
PAUSE_SECONDS = 0.02
READS = 2
"""How many readings of one service fail in one step."""


class Unbounded(AssertionError):
    """A request would have waited for ever."""


def service(request: Any) -> str:
    """Whose request it is."""
    path = urllib.parse.urlsplit(request.url).path
    for prefix, name in SERVICES.items():
        if path.startswith(prefix):
            return name
    # where it listens is asked without a path
    return "peer"


def too_many(request: Any, send: mortal.Send) -> Any:
    return _answer(request, 429, b"slow down", {"Retry-After": "0"})


def unavailable(request: Any, send: mortal.Send) -> Any:
    return _answer(request, 503, b"<html>no backend</html>")


def hangs(request: Any, send: mortal.Send) -> Any:
    raise requests.ReadTimeout("Read timed out.", request=request)


def hangs_after(request: Any, send: mortal.Send) -> Any:
    _ = send().content
    raise requests.ReadTimeout("Read timed out.", request=request)


def cut_half_way(request: Any, send: mortal.Send) -> Any:
    _ = send().content
    raise requests.ConnectionError(
        "('Connection aborted.', RemoteDisconnected())", request=request
    )


def refused(request: Any, send: mortal.Send) -> Any:
    raise requests.ConnectionError("Connection refused", request=request)


def garbage(request: Any, send: mortal.Send) -> Any:
    web = {"Content-Type": "text/html"}
    return _answer(request, send().status_code, b"\x00<garbage", web)


def truncated(request: Any, send: mortal.Send) -> Any:
    answer = send()
    body = answer.content
    half = body[: len(body) // 2]
    return _answer(request, answer.status_code, half, dict(answer.headers))


def another_answer(request: Any, send: mortal.Send) -> Any:
    answer = send()
    _ = answer.content
    body = b'{"another": [1]}'
    return _answer(request, answer.status_code, body, JSON)


def slow(request: Any, send: mortal.Send) -> Any:
    mortal.pause(SLOW_SECONDS)
    return send()


KINDS = {
    "slow": slow,
    "429": too_many,
    "503": unavailable,
    "hangs": hangs,
    "hangs after the work": hangs_after,
    "cut half way": cut_half_way,
    "garbage": garbage,
    "truncated": truncated,
    "another answer": another_answer,
}
NONSENSE = ("garbage", "truncated", "another answer")
"""200, and nothing that can be understood."""


class Once(mortal.Plan):
    """Each change of each step, and its first readings of each service, meet
    it once; then all is well.

    :param kinds: of the cases, in turn.

    ``met``: service, step and request of each case, and its kind.
    """

    def __init__(self, *kinds: str) -> None:
        self._kinds = kinds
        self.met: dict[Case, str] = {}
        # who was asked anything at all
        self.asked: set[str] = set()
        self._steps: set[str] = set()

    def cases(self, workflow: str) -> list[list[str]]:
        return [
            [name, kind, *where] for (name, *where), kind in self.met.items()
        ]

    def patience(self, seconds: float) -> float:
        return min(seconds, PAUSE_SECONDS)

    def carry(
        self,
        life: mortal.Life,
        request: Any,
        send: mortal.Send,
        timeout: Any,
    ) -> Any:
        bounded(request, timeout)
        step, member = mortal.step_here()
        call = mortal.anonymous(f"{request.method} {request.path_url}")
        case = (service(request), f"{step} {member or ''}".strip(), call)
        self.asked.add(case[0])
        if step not in self._steps:
            self._steps.add(step)
            # the next one has to sign in
            life.forget_tokens()
        if self._over(case) or not self._strikes(case, request):
            return send()
        return KINDS[self.met.setdefault(case, self._turn(case))](
            request, send
        )

    def _turn(self, case: Case) -> str:
        return self._kinds[len(self.met) % len(self._kinds)]

    def _over(self, case: Case) -> bool:
        return case in self.met

    def _strikes(self, case: Case, request: Any) -> bool:
        if mortal.changes(request):
            return True
        same = [met for met in self.met if met[:2] == case[:2]]
        return len(same) < READS


class Sampled(Once):
    """Each service is like that once, in each of the ways; in a step it is
    for one reading and for one change.  Then all is well.

    :param left: the ways that each service has left; of several operations.
    """

    def __init__(self, left: dict[str, list[str]]) -> None:
        super().__init__()
        self._left = left
        self._struck: set[tuple[str, str, bool]] = set()

    def _strikes(self, case: Case, request: Any) -> bool:
        here = (*case[:2], mortal.changes(request))
        if here in self._struck or not self._left.get(case[0]):
            return False
        self._struck.add(here)
        return True

    def _turn(self, case: Case) -> str:
        left = self._left[case[0]]
        # members meet it side by side
        return left.pop() if left else "slow"


class Always(Once):
    """One service is like that for all who ask it to change something.

    :param reads: and for all who only read.
    :param since: from the beginning of that step on; by default of the first.
    """

    def __init__(
        self, kind: str, name: str, reads: bool = False, since: str = ""
    ) -> None:
        super().__init__(kind)
        self.name = name
        self._reads = reads
        self._since = since
        self._ill = threading.Event()
        self._begun = threading.Event()

    def begin(self, step: str) -> None:
        if step == self._since or not self._since:
            self._ill.set()

    def __str__(self) -> str:
        return f"{self.name} {self._kinds[0]}"

    def carry(
        self,
        life: mortal.Life,
        request: Any,
        send: mortal.Send,
        timeout: Any,
    ) -> Any:
        if self._ill.is_set() and not self._begun.is_set():
            self._begun.set()
            # or whether Keystone is asked would be a matter of luck
            life.forget_tokens()
        return super().carry(life, request, send, timeout)

    def outside(self, request: Any, send: mortal.Send) -> Any:
        # who signs in there signs in for the steps, too
        ill = self.name == "Keystone" and self._begun.is_set()
        if ill and service(request) == self.name:
            return KINDS[self._kinds[0]](request, send)
        return send()

    def _strikes(self, case: Case, request: Any) -> bool:
        changes = mortal.changes(request) or self._reads
        return self._begun.is_set() and case[0] == self.name and changes

    def _over(self, case: Case) -> bool:
        return False


def bounded(request: Any, timeout: Any) -> None:
    """:raises Unbounded: it has no time to connect or to read."""
    given = timeout if isinstance(timeout, tuple) else (timeout, timeout)
    if any(not seconds or seconds > 60 for seconds in given):
        raise Unbounded(f"{request.method} {request.url}: {timeout}")


def _answer(
    request: Any,
    status: int,
    body: bytes,
    headers: dict[str, str] | None = None,
) -> requests.Response:
    made = requests.Response()
    made.status_code = status
    made.url = request.url
    made.request = request
    made.headers.update(headers or {})
    made._content = body
    return made


def named(text: str, name: str) -> bool:
    """Whether a message names the service."""
    return re.search(name, text, re.IGNORECASE) is not None
