# SPDX-License-Identifier: Apache-2.0
"""Reads what a FlashArray answers over REST 1.x when it refuses.

The array says nearly everything with status 400 and a text, so the texts
decide.  They are those that cinder/volume/drivers/pure.py matches.
"""

import json

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


def translate(
    array: base.Array, error: purestorage.PureError
) -> exception.ArrayError:
    """Our error for one of the SDK's."""
    if not isinstance(error, purestorage.PureHTTPError):
        return trust.no_answer(array, error.reason)
    if error.code in _DENIED:
        return exception.ArrayError(
            f"Array {array.name} denies access ({error.code}).",
            remedy=f"Check api_token in [{array.name}] and its rights.",
        )
    said = _messages(error.text)
    if error.code >= 500 or error.code in _OVERLOADED or not said:
        return exception.ArrayUnavailable(
            f"Array {array.name} answered {error.code}: "
            f"{trust.shown(array, error.text)}"
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
