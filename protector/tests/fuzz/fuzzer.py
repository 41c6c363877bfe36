# SPDX-License-Identifier: Apache-2.0
"""Sends what schemathesis makes of the document, and counts.

Where things are and what they hold is the ``Target``'s.
"""

import collections
from collections.abc import Iterable
import json
import os
import pathlib
import random
import time
from typing import Any, Protocol

import hypothesis
import requests
import schemathesis
from schemathesis import GenerationMode

from protector.tests.fuzz import oracle

Json = dict[str, Any]
GOOD, BAD = GenerationMode.POSITIVE, GenerationMode.NEGATIVE
SEED = "PROTECTOR_FUZZ_SEED"
# how many of the cases name things that are there
REAL = {GOOD: 0.8, BAD: 0.6}
_BODY_IDS = (
    "id",
    "instance_id",
    "local_project_id",
    "operation_id",
    "primary_site_id",
    "project_id",
    "protection_group_id",
    "recovery_point",
    "remote_site_id",
    "secondary_site_id",
    "step_id",
    "executor_site_id",
)


class Target(Protocol):
    """What is fuzzed.

    ``askers`` are those who send each request, one after the other.
    """

    askers: tuple[str, ...]

    def thing(self, name: str, label: str) -> str | None:
        """The id that a parameter or a key of a body may have."""

    def content(self) -> dict[str, Any]:
        """All that the database holds and nothing changes by itself, by
        what it is a part of."""

    def accepted(self, label: str) -> None:
        """A change was accepted: let it end."""

    def send(self, person: str, request: Json) -> requests.Response:
        """The answer that a person gets."""

    def provoked(self, label: str, answer: requests.Response) -> bool:
        """Whether a 503 is what the request was made to get."""


class Fuzzer:
    """:param name: of the run, in the counts.
    :param document: with the address in ``servers``.

    ``faults`` holds one request for each thing that was wrong.
    """

    def __init__(self, name: str, document: Json, target: Target) -> None:
        self._name = name
        self._url = document["servers"][0]["url"]
        self._schema = schemathesis.openapi.from_dict(document)
        self._oracle = oracle.Oracle(document)
        self._target = target
        seed = os.environ.get(SEED) or random.SystemRandom().getrandbits(32)
        self.seed = int(seed)
        self._random = random.Random(self.seed)  # noqa: S311 - no secret
        self.counts: collections.Counter[tuple[str, int]] = (
            collections.Counter()
        )
        self.faults: dict[tuple[str, str], str] = {}
        self._held: dict[str, Any] | None = None
        self._known: set[str] = set()

    def operations(self) -> list[Any]:
        return [found.ok() for found in self._schema.get_all_operations()]

    def run(
        self, operations: Iterable[Any], examples: int, seconds: float
    ) -> None:
        """Send good and bad cases of each operation, in turns.

        :param examples: most cases of an operation and mode.
        :param seconds: after which no new operation is begun.
        """
        end = time.monotonic() + seconds
        for operation in operations:
            for mode in (GOOD, BAD):
                if time.monotonic() < end:
                    self._many(operation, mode, examples)

    def _many(self, operation: Any, mode: Any, examples: int) -> None:
        @hypothesis.seed(self.seed)
        @hypothesis.settings(
            max_examples=examples,
            phases=[hypothesis.Phase.generate],
            database=None,
            deadline=None,
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        @hypothesis.given(case=operation.as_strategy(mode))
        def one(case: Any) -> None:
            for person in self._target.askers:
                self._one(case, mode, person)

        try:
            one()
        except hypothesis.errors.Unsatisfiable:
            # there is no bad request where nothing is asked for
            return

    def _one(self, case: Any, mode: Any, person: str) -> None:
        label = f"{case.method.upper()} {case.path}"
        if self._random.random() < REAL[mode]:
            self._name_real(case, mode, label)
        request = case.as_transport_kwargs(self._url)
        if self._held is None:
            self._held = self._target.content()
        answer = self._target.send(person, request)
        self.counts[label, answer.status_code] += 1
        for fault in self._wrong(case, label, answer):
            self.faults.setdefault(
                (label, fault),
                f"{person}: {json.dumps(request, default=repr)[:1500]}"
                f" -> {answer.status_code} {answer.text[:500]}",
            )
        if answer.status_code < 400 and case.method.upper() != "GET":
            self._target.accepted(label)
            self._held = None

    def _wrong(
        self, case: Any, label: str, answer: requests.Response
    ) -> Iterable[str]:
        status = answer.status_code
        if status >= 500 and not (
            status == 503 and self._target.provoked(label, answer)
        ):
            yield f"{status}"
        yield from self._oracle.faults(case.method, case.path, answer)
        if status >= 400 or case.method.upper() == "GET":
            held, found = self._held or {}, self._target.content()
            if changed := [k for k in found if found[k] != held.get(k)]:
                yield f"a refused request or a GET changed {changed}"
            self._held = found
        elif case.operation.body and _is_json(case.body):
            if not self._oracle.body_fits(case.method, case.path, case.body):
                yield "accepted, though the body is not as documented"

    def _name_real(self, case: Any, mode: Any, label: str) -> None:
        for name in case.path_parameters or {}:
            case.path_parameters[name] = self._id(
                name, case.path_parameters[name], label
            )
        if mode is GOOD:
            for name in case.headers or {}:
                case.headers[name] = self._id(name, case.headers[name], label)
            if isinstance(case.body, dict):
                case.body = self._real(case.body, label)

    def _real(self, value: Any, label: str) -> Any:
        if isinstance(value, list):
            return [self._real(item, label) for item in value]
        if not isinstance(value, dict):
            return value
        return {
            key: self._id(key, inner, label)
            if key in _BODY_IDS and isinstance(inner, str)
            else self._real(inner, label)
            for key, inner in value.items()
        }

    def _id(self, name: str, value: Any, label: str) -> Any:
        """That of a thing which is there, if the target has one."""
        found = self._target.thing(name, label)
        if found is None:
            return value
        if found not in self._known:
            # it may have been made just now
            self._held = None
            self._known.add(found)
        return found

    def write_counts(self) -> None:
        """Where the stage looks for them, if it does."""
        directory = os.environ.get("PROTECTOR_FUZZ_COUNTS")
        if directory is None:
            return
        told = {
            "seed": self.seed,
            "counts": [[*key, n] for key, n in sorted(self.counts.items())],
        }
        path = pathlib.Path(directory, f"{self._name}.json")
        path.write_text(json.dumps(told))


def _is_json(body: Any) -> bool:
    try:
        json.dumps(body, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True
