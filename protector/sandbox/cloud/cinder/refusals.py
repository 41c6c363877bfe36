# SPDX-License-Identifier: Apache-2.0
"""Cinder's refusals, word for word.

Source: cinder/exception.py 29.0.0.
"""

import typing

from protector.sandbox.cloud import errors


def invalid_volume(reason: str) -> errors.ApiError:
    """400."""
    return errors.BadRequest(f"Invalid volume: {reason}")


def invalid_input(reason: str) -> errors.ApiError:
    """400."""
    return errors.BadRequest(f"Invalid input received: {reason}")


def invalid_field(name: str, value: object, reason: str) -> errors.ApiError:
    """400, as a schema refuses a body's field."""
    return errors.BadRequest(
        f"Invalid input for field/attribute {name}. Value: {value}. {reason}"
    )


def invalid_snapshot(reason: str) -> errors.ApiError:
    """400."""
    return errors.BadRequest(f"Invalid snapshot: {reason}")


def invalid_group(reason: str) -> errors.ApiError:
    """400, as the groups API prefixes it."""
    return errors.BadRequest(f"Invalid Group: {reason}")


def not_found(what: str, key: str) -> errors.ApiError:
    """404; ``what`` is Volume, Snapshot, Group, GroupSnapshot ..."""
    return errors.NotFound(f"{what} {key} could not be found.")


def over_limit(text: str) -> errors.ApiError:
    """413."""
    return errors.OverLimit(text, headers={"Retry-After": "0"})


def forbidden(action: str) -> errors.ApiError:
    """403."""
    return errors.Forbidden(f"Policy doesn't allow {action} to be performed.")


def or_string(values: typing.Sequence[str]) -> str:
    """Return ``a or b or c`` (cinder.utils.build_or_str)."""
    return " or ".join(values)
