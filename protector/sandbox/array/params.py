# SPDX-License-Identifier: Apache-2.0
"""Parameters of REST requests: read, typed, and strange ones refused.

Those of REST 1.x come as a JSON body, also of a GET, or in the query string;
an array takes both.
"""

from collections.abc import Mapping
import json
from typing import Any

from werkzeug.wrappers import Request

from protector.sandbox.array import errors

# the types that a parameter may have
BOOL, INT, TEXT, LIST, ANY = "bool", "int", "text", "list", "any"

Spec = Mapping[str, str]


def read(request: Request, spec: Spec) -> dict[str, Any]:
    """Return the parameters by name; the body's win over the query's.

    Raises ``ArrayError`` as ``typed`` does, and for a body that is no JSON
    object.
    """
    values: dict[str, Any] = request.args.to_dict()
    values.update(body(request))
    return typed(values, spec)


def typed(values: Mapping[str, Any], spec: Spec) -> dict[str, Any]:
    """Return ``values`` as the types that ``spec`` tells.

    Raises ``ArrayError`` for one that is not in it or of another type.
    """
    for name in values:
        if name not in spec:
            raise errors.ArrayError(f"Unknown parameter: {name}.", name)
    return {
        name: _typed(name, value, spec[name]) for name, value in values.items()
    }


def body(request: Request, rows: str | None = None) -> dict[str, Any]:
    """Return the JSON object in the body; {} for none and for null.

    ``rows``: what to call a list of objects, if there may be one.
    """
    text = request.get_data()
    if not text:
        return {}
    try:
        content = json.loads(text)
    except ValueError as error:
        raise errors.ArrayError("The body is not JSON.") from error
    if content is None:
        return {}
    if rows and isinstance(content, list):
        if all(isinstance(row, dict) for row in content):
            return {rows: content}
    if not isinstance(content, dict):
        raise errors.ArrayError("The body is not a JSON object.")
    return content


def _typed(name: str, value: Any, kind: str) -> Any:
    """Return ``value`` as ``kind``; None (JSON null) stays None."""
    if value is None or kind == ANY:
        return value
    if kind == LIST and isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    if kind == BOOL and value in ("true", "True", "false", "False"):
        return value in ("true", "True")
    if kind == INT and isinstance(value, str) and value.isdigit():
        return int(value)
    if not _fits(value, kind):
        raise errors.ArrayError(f"Invalid value for {name}.", name)
    return value


def _fits(value: Any, kind: str) -> bool:
    if kind == LIST:
        return isinstance(value, list) and all(
            isinstance(item, str) for item in value
        )
    if kind == BOOL:
        return isinstance(value, bool)
    if kind == INT:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, str)
