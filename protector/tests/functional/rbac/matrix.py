# SPDX-License-Identifier: Apache-2.0
"""Reads ``matrix.yaml``; asks nobody anything."""

from collections.abc import Iterator
import dataclasses
import functools
import pathlib
from typing import Any

import yaml

Json = dict[str, Any]

FILE = pathlib.Path(__file__).with_name("matrix.yaml")
TENANT = "{tenant}"
# keys of a body that are no action
BESIDE = ("dry_run",)


@dataclasses.dataclass(frozen=True)
class Row:
    """One request; ``answers`` and ``own`` are names of answers."""

    method: str
    template: str
    answers: str
    own: str
    ok: int
    body: Any
    document: bool
    things: dict[str, str]

    @property
    def route(self) -> str:
        return f"{self.method} {self.template}"

    @property
    def action(self) -> str | None:
        """The verb, where the body of the route holds one of several."""
        if not self.template.endswith("/action"):
            return None
        if "verb" in self.body:
            return str(self.body["verb"])
        (name,) = (key for key in self.body if key not in BESIDE)
        return str(name)


@dataclasses.dataclass(frozen=True)
class Cell:
    """One row asked by one person, and the code of the answer.

    ``own``: at the path of the person's own project.
    """

    row: Row
    person: str
    own: bool
    code: int

    def __str__(self) -> str:
        where = " (own path)" if self.own else ""
        body = f" {self.row.body}" if self.row.action else ""
        return f"{self.person}: {self.row.route}{where}{body}"


@dataclasses.dataclass(frozen=True)
class Matrix:
    people: dict[str, Json]
    answers: dict[str, dict[str, int | str]]
    rows: list[Row]

    def cells(self, person: str) -> Iterator[Cell]:
        """Each row once, and at the person's own path where that is
        another one."""
        told = self.people[person]
        project = told.get("project", "tenant")
        scoped = told.get("scoped", True)
        for row in self.rows:
            code = self._code(row, row.answers, person)
            yield Cell(row, person, False, code)
            if TENANT in row.template and scoped and project != "tenant":
                code = self._code(row, row.own, person)
                yield Cell(row, person, True, code)

    def _code(self, row: Row, answers: str, person: str) -> int:
        found = self.answers[answers][person]
        return row.ok if found == "ok" else int(found)


@functools.cache
def load() -> Matrix:
    """:raises KeyError: a row or an answer lacks something."""
    found = yaml.safe_load(FILE.read_text("utf-8"))
    return Matrix(
        people=found["people"],
        answers=found["answers"],
        rows=[_row(given) for given in found["rows"]],
    )


def _row(given: Json) -> Row:
    method, template = given["route"].split(" ")
    return Row(
        method=method,
        template=template,
        answers=given["answers"],
        own=given.get("own", given["answers"]),
        ok=given.get("ok", 200),
        body=given.get("body"),
        document=given.get("document", False),
        things=given.get("with", {}),
    )
