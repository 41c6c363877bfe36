# SPDX-License-Identifier: Apache-2.0
"""Whom to trust on the wire, and what its failures mean.

Translates what goes wrong below an array's own answers: connections, TLS and
answers that are none.  An array's refusals are read elsewhere.
"""

from collections.abc import Iterator
import contextlib

import requests
import urllib3

from protector import exception
from protector.storage import base

_GARBAGE = (AttributeError, IndexError, KeyError, TypeError, ValueError)
_SHOWN = 300


def verify(array: base.Array) -> str | bool:
    """The ``verify`` of requests: a CA bundle, the system's, or none."""
    if not array.verify:
        return False
    return array.ca_file or True


def shown(array: base.Array, text: object) -> str:
    """``text`` of at most 300 characters, without the array's token."""
    words = str(text)
    if array.api_token:
        words = words.replace(array.api_token, "***")
    return words[:_SHOWN]


@contextlib.contextmanager
def translated(array: base.Array) -> Iterator[None]:
    """Turn every failure of the wire into ours.

    Causes are cut off: their texts may hold what was sent.

    :raises ArrayUnavailable: no answer, or one that cannot be read.
    :raises ArrayError: the CA file cannot be read.
    """
    try:
        yield
    except exception.ProtectorError:
        raise
    except requests.exceptions.JSONDecodeError:
        raise _broken(array, "is not JSON") from None
    except requests.exceptions.RequestException as error:
        raise no_answer(array, error) from None
    except urllib3.exceptions.HTTPError as error:
        raise no_answer(array, error) from None
    except OSError as error:
        raise exception.ArrayError(
            f"Array {array.name}: {shown(array, error)}",
            remedy=f"Check ca_file in [{array.name}].",
        ) from None
    except _GARBAGE as error:
        kind = type(error).__name__
        raise _broken(array, f"cannot be understood ({kind})") from None


def no_answer(array: base.Array, error: object) -> exception.ArrayUnavailable:
    """The error for a request that failed below HTTP."""
    text = shown(array, error)
    remedy = "Check that the array's management interface can be reached."
    if "certificate" in text.lower():
        remedy = (
            f"Check the array's certificate and ca_file in [{array.name}]."
        )
    return exception.ArrayUnavailable(
        f"Array {array.name} does not answer: {text}", remedy=remedy
    )


def _broken(array: base.Array, how: str) -> exception.ArrayUnavailable:
    return exception.ArrayUnavailable(
        f"The answer of array {array.name} {how}."
    )
