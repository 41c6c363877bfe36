# SPDX-License-Identifier: Apache-2.0
"""What a route takes, answers and asks of the policy: its declaration.

The decorators only write it down (``declaration(handler)``); ``expose``
holds requests and answers to it, and tests walk it.
"""

from collections.abc import Callable, Iterator
import dataclasses
import functools
import json
import re
from typing import Any

import jsonschema
from jsonschema import exceptions as js_exc

from protector import exception
from protector.api import microversion
from protector.api.schemas import types

Json = dict[str, Any]
Version = microversion.Version
Handler = Callable[..., Any]

ATTRIBUTE = "protector_declaration"


@dataclasses.dataclass(frozen=True)
class Schema:
    """A JSON schema and the versions that it holds for, both included."""

    schema: Json
    min_version: Version = microversion.MINIMUM
    max_version: Version = microversion.MAXIMUM
    # what the documentation shows, where the handler looks closer
    shown: Json | None = None

    def fits(self, version: Version) -> bool:
        return self.min_version <= version <= self.max_version


@dataclasses.dataclass
class Declaration:
    """All that is declared of one handler."""

    bodies: list[Schema] = dataclasses.field(default_factory=list)
    queries: list[Schema] = dataclasses.field(default_factory=list)
    # by status
    responses: dict[int, list[Schema]] = dataclasses.field(
        default_factory=dict
    )
    # that a request must have, with their schemas; checked by the handler
    headers: Json = dataclasses.field(default_factory=dict)
    rules: tuple[str, ...] = ()
    public: bool = False


def declaration(handler: Handler) -> Declaration:
    """The declaration of a handler, empty when it has none yet."""
    found = getattr(handler, ATTRIBUTE, None)
    if found is None:
        found = Declaration()
        setattr(handler, ATTRIBUTE, found)
    return found


def rules(*names: str) -> Callable[[Handler], Handler]:
    """The policy rules that the handler asks, without ``protector:``."""

    def declare(handler: Handler) -> Handler:
        full = tuple(f"protector:{name}" for name in names)
        declaration(handler).rules = full
        return handler

    return declare


def public(handler: Handler) -> Handler:
    """The handler answers without a token."""
    declaration(handler).public = True
    return handler


def body(
    schema: Json,
    min_version: Version = microversion.MINIMUM,
    max_version: Version = microversion.MAXIMUM,
    shown: Json | None = None,
) -> Callable[[Handler], Handler]:
    """The schema of the request's body; without one there must be none.

    :param shown: the stricter one that the handler holds it to.
    """

    def declare(handler: Handler) -> Handler:
        made = Schema(schema, min_version, max_version, shown)
        declaration(handler).bodies.append(made)
        return handler

    return declare


def header(name: str, schema: Json) -> Callable[[Handler], Handler]:
    """A header that the handler asks for."""

    def declare(handler: Handler) -> Handler:
        declaration(handler).headers[name] = schema
        return handler

    return declare


def query(
    schema: Json,
    min_version: Version = microversion.MINIMUM,
    max_version: Version = microversion.MAXIMUM,
) -> Callable[[Handler], Handler]:
    """The schema of the query, all values texts."""

    def declare(handler: Handler) -> Handler:
        made = Schema(schema, min_version, max_version)
        declaration(handler).queries.append(made)
        return handler

    return declare


def response(
    status: int,
    schema: Json | None,
    min_version: Version = microversion.MINIMUM,
    max_version: Version = microversion.MAXIMUM,
) -> Callable[[Handler], Handler]:
    """The schema of the answer with this status; None for no body."""

    def declare(handler: Handler) -> Handler:
        made = Schema(
            types.NOTHING if schema is None else schema,
            min_version,
            max_version,
        )
        known = declaration(handler).responses.setdefault(status, [])
        known.append(made)
        return handler

    return declare


def check_query(declared: Declaration, version: Version, given: Json) -> None:
    """:raises BadRequest: an unknown parameter or a bad value."""
    found = fitting(declared.queries, version)
    _check(found.schema if found else types.NO_QUERY, given, "The query")


def check_body(declared: Declaration, version: Version, given: Any) -> None:
    """:raises BadRequest: it does not fit, is missing, or not expected."""
    found = fitting(declared.bodies, version)
    _check(found.schema if found else types.NO_BODY, given, "The body")


def check_value(schema: Json, given: Any, what: str) -> None:
    """A part of a body against a schema of its own.

    :param what: begins the sentence of the refusal.
    :raises BadRequest: it does not fit.
    """
    _check(schema, given, what)


def flag(query: Json, name: str) -> bool:
    """A flag of a valid query; without it no."""
    return str(query.get(name, "false")).lower() == "true"


def check_response(
    declared: Declaration, version: Version, status: int, given: Any
) -> str | None:
    """What is wrong with an answer; None when it is as declared."""
    found = fitting(declared.responses.get(status, []), version)
    if found is None:
        return f"status {status} is not declared"
    error = js_exc.best_match(_validator(found.schema).iter_errors(given))
    return None if error is None else _text(error, "The answer")


def fitting(schemas: list[Schema], version: Version) -> Schema | None:
    """The one that holds for a version."""
    return next((s for s in schemas if s.fits(version)), None)


def _check(schema: Json, given: Any, what: str) -> None:
    error = js_exc.best_match(_validator(schema).iter_errors(given))
    if error is not None:
        raise exception.BadRequest(_text(error, what), path=_path(error))


def _validator(schema: Json) -> Any:
    return _compiled(json.dumps(schema, sort_keys=True))


@functools.lru_cache(maxsize=512)
def _compiled(text: str) -> Any:
    return _Validator(json.loads(text), format_checker=types.FORMATS)


def _pattern(
    validator: Any, pattern: str, value: Any, schema: Json
) -> Iterator[js_exc.ValidationError]:
    """As JSON Schema means it: ``$`` is the end, not a newline before it."""
    if not validator.is_type(value, "string"):
        return
    if not re.search(re.sub(r"\$$", r"\\Z", pattern), value):
        yield js_exc.ValidationError(f"it does not match {pattern}")


_Validator = jsonschema.validators.extend(
    jsonschema.Draft202012Validator, {"pattern": _pattern}
)


def _text(error: js_exc.ValidationError, what: str) -> str:
    path = _path(error)
    place = f"{what}, at {path}" if path else what
    # a value may be a secret, and a long one helps nobody
    if error.validator in ("required", "additionalProperties", "oneOf"):
        return f"{place}: {error.message[:300]}."
    if error.validator in ("minProperties", "maxProperties"):
        return f"{place}: it has the wrong number of keys."
    wanted = json.dumps(error.validator_value)[:200]
    return f"{place}: the value does not fit {error.validator} {wanted}."


def _path(error: js_exc.ValidationError) -> str:
    return "/".join(str(part) for part in error.absolute_path)
