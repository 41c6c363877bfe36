# SPDX-License-Identifier: Apache-2.0
"""Filter, sort and trim a list as Neutron's query parameters say."""

import collections.abc
import typing

from werkzeug import datastructures

from protector.sandbox.cloud import errors, store

_PLAIN = frozenset(
    ("limit", "marker", "page_reverse", "fields", "sort_key", "sort_dir")
)
_TAGS = frozenset(("tags", "tags-any", "not-tags", "not-tags-any"))
_NESTED = frozenset(("fixed_ips",))

Query = datastructures.MultiDict[str, str]
Wanted = dict[str, list[str]]


def parse(query: Query, attributes: collections.abc.Container[str]) -> Wanted:
    """Return the filters of a query.

    :raises BadRequest: a parameter is no attribute.
    """
    wanted = {
        name: values for name, values in query.lists() if name not in _PLAIN
    }
    unknown = [
        name for name in wanted if name not in attributes and name not in _TAGS
    ]
    if unknown:
        raise errors.BadRequest(
            f"{sorted(unknown)} is invalid attribute for filtering",
            kind="HTTPBadRequest",
        )
    return wanted


def match(row: store.Document, wanted: Wanted) -> bool:
    """Tell whether a document passes all filters."""
    return all(_passes(row, name, vals) for name, vals in wanted.items())


def _passes(row: store.Document, name: str, values: list[str]) -> bool:
    if name in _TAGS:
        return _tagged(row, name, values)
    value = row.get(name)
    if name in _NESTED:
        return any(_nested(value or [], text) for text in values)
    if isinstance(value, list):
        return any(text in value for text in values)
    return any(_same(value, text) for text in values)


def _tagged(row: store.Document, name: str, values: list[str]) -> bool:
    asked = {tag for text in values for tag in text.split(",")}
    has = set(row.get("tags") or ())
    if name == "tags":
        return asked <= has
    if name == "tags-any":
        return bool(asked & has)
    if name == "not-tags":
        return not asked <= has
    return not asked & has


def _nested(items: list[dict[str, typing.Any]], text: str) -> bool:
    """``fixed_ips=ip_address=10.0.0.5``; ``_substr`` looks inside."""
    key, _, value = text.partition("=")
    if key.endswith("_substr"):
        key = key.removesuffix("_substr")
        return any(value in str(item.get(key)) for item in items)
    return any(item.get(key) == value for item in items)


def _same(value: typing.Any, text: str) -> bool:
    if isinstance(value, bool):
        return value == (text.lower() in ("true", "1", "yes"))
    if value is None:
        return text == ""
    return str(value) == text


def sort(rows: list[store.Document], query: Query) -> None:
    """Sort in place by ``sort_key`` and ``sort_dir``, pairwise."""
    keys = query.getlist("sort_key")
    ways = query.getlist("sort_dir")
    ways += ["asc"] * (len(keys) - len(ways))
    for key, way in reversed(list(zip(keys, ways, strict=False))):
        rows.sort(key=lambda row: str(row.get(key)), reverse=way == "desc")


def fields(rows: list[store.Document], query: Query) -> list[store.Document]:
    """Leave only the attributes that ``fields`` names."""
    names = query.getlist("fields")
    if not names:
        return rows
    return [{n: row[n] for n in names if n in row} for row in rows]
