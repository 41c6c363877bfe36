# SPDX-License-Identifier: Apache-2.0
"""The pieces that the schemas of all resources are made of."""

import datetime
import re
from typing import Any
from urllib import parse

import jsonschema

from protector import constants as c

Json = dict[str, Any]

FORMATS = jsonschema.FormatChecker(formats=())
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")


@FORMATS.checks("uuid")
def _is_uuid(value: Any) -> bool:
    return not isinstance(value, str) or bool(_UUID.match(value))


@FORMATS.checks("date-time")
def _is_time(value: Any) -> bool:
    if not isinstance(value, str):
        return True
    try:
        parsed = datetime.datetime.fromisoformat(value)
    except ValueError:
        return False
    return parsed.tzinfo is not None


@FORMATS.checks("uri", raises=ValueError)
def _is_uri(value: Any) -> bool:
    if not isinstance(value, str):
        return True
    parts = parse.urlsplit(value)
    # reading the port is what checks it
    return value.isascii() and bool(parts.hostname) and parts.port != 0


# -- requests

# no control character: these texts reach logs, tables and other services
LINE = r"^[^\x00-\x1f\x7f]*$"
TEXT = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"

UUID: Json = {"type": "string", "format": "uuid"}
NAME: Json = {
    "type": "string",
    "minLength": 1,
    "maxLength": 255,
    # not only blanks
    "pattern": r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$",
}
DESCRIPTION: Json = {"type": "string", "maxLength": 4096, "pattern": TEXT}
SHORT: Json = {
    "type": "string",
    "minLength": 1,
    "maxLength": 255,
    "pattern": LINE,
}
# Keystone's ids are no UUIDs everywhere
PROJECT: Json = {
    "type": "string",
    "pattern": "^[0-9A-Za-z][0-9A-Za-z_-]{0,63}$",
}
URL: Json = {
    "type": "string",
    "maxLength": 1024,
    "format": "uri",
    "pattern": r"^https?://[^\s\x00-\x1f\x7f]+$",
}
BOOLEAN: Json = {"type": "boolean"}


def integer(low: int, high: int) -> Json:
    return {"type": "integer", "minimum": low, "maximum": high}


def record(required: tuple[str, ...] = (), **properties: Json) -> Json:
    """An object with exactly these keys."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def envelope(key: str, content: Json) -> Json:
    return record((key,), **{key: content})


EMPTY: Json = record()
NOTHING: Json = {"type": "null"}
# a body where none is wanted is tolerated when it says nothing
NO_BODY: Json = {"anyOf": [NOTHING, EMPTY]}
NO_QUERY: Json = record()


# -- queries: every value is a text

_COUNT: Json = {"type": "string", "pattern": "^[1-9][0-9]{0,8}$"}
FLAG: Json = {"type": "string", "enum": ["true", "false", "True", "False"]}
FILTER: Json = {"type": "string", "maxLength": 255}
# an id; in links, the place of its row in the order follows
PLACE = "~"
_MARKER: Json = {
    "type": "string",
    "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    f"({PLACE}[A-Za-z0-9_-]{{0,1400}})?$",
}


def listing(sort_keys: tuple[str, ...], *filters: str) -> Json:
    """The query of a list: paging, sorting, and filters by field."""
    return record(
        limit=_COUNT,
        marker=_MARKER,
        sort_key={"type": "string", "enum": list(sort_keys)},
        sort_dir={"type": "string", "enum": ["asc", "desc"]},
        changes_since={"type": "string", "format": "date-time"},
        **dict.fromkeys(filters, FILTER),
    )


def without_times(query: Json) -> Json:
    """The same query of things that do not say when they changed."""
    properties = dict(query["properties"])
    del properties["changes_since"]
    return {**query, "properties": properties}


def across_projects(query: Json) -> Json:
    """The same query with ``all_tenants``."""
    properties = {**query["properties"], "all_tenants": FLAG}
    return {**query, "properties": properties}


# -- answers

STRING: Json = {"type": "string"}
INTEGER: Json = {"type": "integer"}
NUMBER: Json = {"type": "number"}
OBJECT: Json = {"type": "object"}
ARRAY: Json = {"type": "array"}
TIME: Json = {
    "type": "string",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$",
}
DATE: Json = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\d$"}


def nullable(schema: Json) -> Json:
    return {"anyOf": [schema, NOTHING]}


def enum(values: Any) -> Json:
    return {"type": "string", "enum": [str(v) for v in values]}


def array(items: Json) -> Json:
    return {"type": "array", "items": items}


def answer(**properties: Json) -> Json:
    """An object with all of these keys and no other."""
    return record(tuple(properties), **properties)


# what actions would be refused with, by their names
REFUSALS: Json = {
    "type": "object",
    "additionalProperties": answer(reason=STRING, message=STRING),
}


FINDING: Json = answer(
    code=enum(c.Finding),
    check=STRING,
    severity=enum(c.Severity),
    member=nullable(UUID),
    message=STRING,
    fix=STRING,
)


def page(plural: str, item: Json) -> Json:
    """The answer of a list."""
    link = answer(rel=STRING, href=STRING)
    return record(
        (plural,),
        **{plural: array(item), f"{plural}_links": array(link)},
    )
