# SPDX-License-Identifier: Apache-2.0
"""Takes query and body off a request before anything interprets them.

Bodies are bounded in size and depth before they are parsed, and pecan, which
would hand their keys to the handlers as arguments, sees neither.
"""

import io
import json
import math
import re
from typing import Any
from urllib import parse

import webob
from webob import dec

from protector import exception

RAW = "protector.raw"
BODY = "protector.body"
QUERY = "protector.query"

MAX_DEPTH = 32
PEER_PREFIX = "/v1/peer/"
_CHUNK = 1 << 16
# a string, or a bracket
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[][{}]', re.DOTALL)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class Intake:
    """Middleware: leaves ``RAW`` (bytes), ``BODY`` (the parsed JSON, or
    None) and ``QUERY`` (a dict of strings) in the environment.

    :param max_body: most bytes of a user's body.
    :param max_document: most bytes of a body that a peer sends.
    """

    def __init__(
        self, application: Any, max_body: int, max_document: int
    ) -> None:
        self._application = application
        self._max_body = max_body
        self._max_document = max_document

    @dec.wsgify
    def __call__(self, request: webob.Request) -> webob.Response:
        environ = request.environ
        environ["PATH_INFO"] = _path(environ.get("PATH_INFO", ""))
        environ[QUERY] = query(environ.get("QUERY_STRING", ""))
        limit = (
            self._max_document
            if environ["PATH_INFO"].startswith(PEER_PREFIX)
            else self._max_body
        )
        raw = _read(environ, limit)
        environ[RAW] = raw
        environ[BODY] = _parsed(request, raw)
        _empty(environ)
        return request.get_response(self._application)


def _path(text: str) -> str:
    """One spelling for each path.

    :raises NotFound: it is not UTF-8.
    """
    try:
        text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        raise exception.NotFound("There is nothing at this path.") from None
    return text.rstrip("/") or "/"


def query(text: str) -> dict[str, str]:
    """:raises BadRequest: malformed, or a parameter comes twice."""
    try:
        pairs = parse.parse_qsl(
            text,
            keep_blank_values=True,
            errors="strict",
            max_num_fields=64,
        )
    except ValueError:
        raise exception.BadRequest("The query is malformed.") from None
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in found:
            raise exception.BadRequest(
                f"The query parameter {name[:64]!r} is given twice."
            )
        found[name] = value
    return found


def _read(environ: dict[str, Any], limit: int) -> bytes:
    """:raises BodyTooLarge: more than ``limit`` bytes."""
    try:
        left = int(environ.get("CONTENT_LENGTH") or 0)
    except ValueError:
        raise exception.BadRequest("Content-Length is no number.") from None
    chunked = environ.get("HTTP_TRANSFER_ENCODING", "").lower() == "chunked"
    if chunked:
        left = limit + 1
    if left > limit and not chunked:
        raise _too_large(limit)
    parts, size = [], 0
    while left > 0:
        part = environ["wsgi.input"].read(min(left, _CHUNK))
        if not part:
            break
        parts.append(part)
        size += len(part)
        left -= len(part)
    if size > limit:
        raise _too_large(limit)
    return b"".join(parts)


def _too_large(limit: int) -> exception.BodyTooLarge:
    return exception.BodyTooLarge(
        f"The body is larger than {limit} bytes.", limit=limit
    )


def _parsed(request: webob.Request, raw: bytes) -> Any:
    if not raw:
        return None
    if request.content_type != "application/json":
        raise exception.UnsupportedMediaType(
            f"The body is of type {request.content_type or 'unknown'}."
        )
    if (request.charset or "utf-8").lower() not in ("utf-8", "utf8"):
        raise exception.UnsupportedMediaType(
            f"The body is in {request.charset[:64]}, not in UTF-8."
        )
    return parse_json(raw)


def parse_json(raw: bytes) -> Any:
    """Strict JSON in UTF-8.

    :raises BadRequest: malformed, too deep, a key comes twice, or a text
        holds half a character.
    """
    try:
        text = raw.decode("utf-8")
        _check_depth(text)
        value = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
            parse_float=_finite,
        )
        if _SURROGATE.search(text):
            # half a character could not be stored
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as e:
        raise exception.BadRequest(
            f"The body is no valid JSON: {_cause(e)}."
        ) from None
    return value


def _check_depth(text: str) -> None:
    depth = 0
    for token in _TOKEN.finditer(text):
        if token[0] in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise ValueError(f"it is nested deeper than {MAX_DEPTH}")
        elif token[0] in "]}":
            depth -= 1


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key comes twice in an object")
    return found


def _finite(text: str) -> float:
    found = float(text)
    if not math.isfinite(found):
        raise ValueError(f"{text[:20]} is too large")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _cause(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at line {error.lineno}, column {error.colno}"
    if isinstance(error, UnicodeError):
        return "it holds text that is not UTF-8"
    return str(error)


def _empty(environ: dict[str, Any]) -> None:
    environ["wsgi.input"] = io.BytesIO()
    environ["CONTENT_LENGTH"] = "0"
    environ["QUERY_STRING"] = ""
    for name in ("CONTENT_TYPE", "HTTP_TRANSFER_ENCODING"):
        environ.pop(name, None)
