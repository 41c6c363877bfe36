# SPDX-License-Identifier: Apache-2.0
"""Reads what a FlashArray answers when it refuses.

The array says nearly everything with status 400 and a text, so the texts
decide.  They are those that cinder/volume/drivers/pure.py matches.
"""

import json
import re
from typing import Any

import purestorage

from protector import exception
from protector.storage import base
from protector.storage.pure import trust

_MISSING = (
    "does not exist",
    "has been destroyed",
    "could not be found",
    "No such volume or snapshot",
)
_DENIED = (401, 403)
_OVERLOADED = (408, 429)
_NO_ERROR_OBJECT = "Response is not a"
_STATUS = re.compile(r"\((\d+)\)$|status code: (\d+)")
_NO_TLS = "no TLS connection; is the certificate trusted?"


def translate(
    array: base.Array, error: purestorage.PureError
) -> exception.ArrayError:
    """Our error for one of the REST 1.x SDK's."""
    if not isinstance(error, purestorage.PureHTTPError):
        return trust.no_answer(array, error.reason)
    return _judged(array, error.code, _messages(error.text), error.text)


def refused(array: base.Array, answer: Any) -> exception.ArrayError:
    """Our error for an answer of the REST 2.x SDK that is a refusal.

    The SDK puts words of its own in the place of a body that is not an
    array's.
    """
    entries = [(e.context, e.message) for e in answer.errors]
    said = " ".join(": ".join(filter(None, words)) for words in entries)
    if said.startswith(_NO_ERROR_OBJECT):
        said = ""
    return _judged(array, answer.status_code, said, said)


def no_session(array: base.Array, error: Exception) -> exception.ArrayError:
    """Our error for a login that failed over REST 2.x.

    The SDK tells the status in its text only.
    """
    text = str(error)
    found = _STATUS.search(text)
    code = int(found[1] or found[2]) if found else None
    return _judged(array, code, "", text)


def _judged(
    array: base.Array, code: int | None, said: str, raw: str
) -> exception.ArrayError:
    """Our error for a status.

    :param code: 0 is what the SDK of REST 2.x makes of a failure of TLS.
    :param said: the array's own words; ``raw``: all that was answered.
    """
    if code == 0:
        return trust.no_answer(array, _NO_TLS)
    if code in _DENIED:
        return exception.ArrayDenied(
            f"Array {array.name} denies access ({code}).",
            remedy=f"Check api_token in [{array.name}] and its rights.",
        )
    if not code or not said or code >= 500 or code in _OVERLOADED:
        return exception.ArrayUnavailable(
            f"Array {array.name} answered {code}: {trust.shown(array, raw)}"
        )
    text = trust.shown(array, said)
    kind = exception.ArrayError
    if any(missing in text for missing in _MISSING):
        kind = exception.ArrayNotFound
    return kind(f"Array {array.name}: {text}")


def _messages(body: str) -> str:
    """The array's own words, "name: text"; empty if they are not its own.

    Errors are JSON lists of ``{"msg", "ctx", ...}``.
    """
    try:
        said = json.loads(body)
        entries = said if isinstance(said, list) else [said]
        return " ".join(
            ": ".join(filter(None, (entry.get("ctx"), entry["msg"])))
            for entry in entries
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        return ""
