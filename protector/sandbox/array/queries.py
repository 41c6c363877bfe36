# SPDX-License-Identifier: Apache-2.0
"""What all REST 2.x lists have in common: filter, sort, pages.

A filter is ``field=value``, joined by ``and``, ``or``, ``not`` and brackets;
a field alone stands for ``field=true``, a dot leads into an object and ``*``
in a text for anything (FlashArray REST 2 guide, "Filtering").  It works on
the items as they are shown.
"""

import base64
from collections.abc import Callable, Mapping, Sequence
import fnmatch
import operator
import re
from typing import Any

from protector.sandbox.array import errors

Item = Mapping[str, Any]
Test = Callable[[Item], bool]

_TOKEN = re.compile(
    r"\s*(?:(?P<mark>[()]|<=|>=|!=|=|<|>)"
    r"|(?P<text>'[^']*'|\"[^\"]*\")"
    r"|(?P<word>[\w.+-]+))"
)
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
_FIELD = re.compile(r"[a-z_]\w*(\.\w+)*")


def select(items: Sequence[Item], query: Mapping[str, Any]) -> dict[str, Any]:
    """The body of an answer: the page of ``items`` that ``query`` asks for.

    :param query: ``filter``, ``sort``, ``limit``, ``offset``,
        ``continuation_token``, ``total_item_count``.
    :raises ArrayError: a filter, field or token that is none.
    """
    rows = _sorted(matching(items, query.get("filter")), query.get("sort"))
    start = _start(query.get("continuation_token")) or query.get("offset") or 0
    limit = query.get("limit")
    end = len(rows) if limit is None else start + limit
    more = end < len(rows) and limit != 0
    body: dict[str, Any] = {
        "items": rows[start:end],
        "more_items_remaining": more,
    }
    if more:
        body["continuation_token"] = _token(end)
    if query.get("total_item_count"):
        body["total_item_count"] = len(rows)
    return body


def matching(items: Sequence[Item], text: str | None) -> list[Item]:
    """The items that pass a filter; all of them if there is none."""
    if not text:
        return list(items)
    test = _Parser(text).whole()
    return [item for item in items if test(item)]


class _Parser:
    """Reads one filter, left to right, ``and`` before ``or``."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[str] = []
        at = 0
        while text[at:].strip():
            match = _TOKEN.match(text, at)
            if match is None:
                raise self._bad()
            self._tokens.append(match[0].strip())
            at = match.end()

    def whole(self) -> Test:
        test = self._either()
        if self._tokens:
            raise self._bad()
        return test

    def _either(self) -> Test:
        tests = [self._both()]
        while self._next("or"):
            tests.append(self._both())
        return lambda item: any(test(item) for test in tests)

    def _both(self) -> Test:
        tests = [self._one()]
        while self._next("and"):
            tests.append(self._one())
        return lambda item: all(test(item) for test in tests)

    def _one(self) -> Test:
        if self._next("not"):
            test = self._one()
            return lambda item: not test(item)
        if self._next("("):
            test = self._either()
            if not self._next(")"):
                raise self._bad()
            return test
        return self._comparison()

    def _comparison(self) -> Test:
        field = self._take()
        if not _FIELD.fullmatch(field):
            raise self._bad()
        if not self._tokens or self._tokens[0] not in (*_COMPARE, "=", "!="):
            return lambda item: value_of(item, field) is True
        sign, wanted = self._take(), self._take().strip("'\"")
        if sign in _COMPARE:
            compare = _COMPARE[sign]
            return lambda item: _ordered(
                compare, value_of(item, field), wanted
            )
        same = sign == "="
        return lambda item: _equal(value_of(item, field), wanted) is same

    def _next(self, token: str) -> bool:
        if self._tokens and self._tokens[0] == token:
            self._tokens.pop(0)
            return True
        return False

    def _take(self) -> str:
        if not self._tokens:
            raise self._bad()
        return self._tokens.pop(0)

    def _bad(self) -> errors.ArrayError:
        return errors.ArrayError("Invalid filter.", self._text)


def value_of(item: Any, field: str) -> Any:
    """The value of ``a.b`` in an item; of a list, all of its values."""
    for part in field.split("."):
        item = item.get(part) if isinstance(item, Mapping) else None
    return item


def _equal(value: Any, wanted: str) -> bool:
    if isinstance(value, list | tuple):
        return any(_equal(one, wanted) for one in value)
    if isinstance(value, bool):
        return wanted.lower() == str(value).lower()
    if isinstance(value, int | float):
        return _number(wanted) == value
    if value is None:
        return False
    return fnmatch.fnmatchcase(str(value).lower(), wanted.lower())


def _ordered(
    compare: Callable[[Any, Any], bool], value: Any, wanted: str
) -> bool:
    if isinstance(value, int | float):
        number = _number(wanted)
        return number is not None and compare(value, number)
    return value is not None and compare(str(value), wanted)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _sorted(rows: list[Item], keys: Sequence[str] | None) -> list[Item]:
    for key in reversed(keys or ()):
        field = key.rstrip("+-")

        def by(row: Item, field: str = field) -> tuple[bool, Any]:
            value = value_of(row, field)
            return value is not None, value if value is not None else 0

        rows = sorted(rows, key=by, reverse=key.endswith("-"))
    return rows


def _token(start: int) -> str:
    return base64.urlsafe_b64encode(str(start).encode()).decode()


def _start(token: str | None) -> int:
    if not token:
        return 0
    try:
        return int(base64.urlsafe_b64decode(token))
    except ValueError as error:
        raise errors.ArrayError("Invalid token.", token) from error
