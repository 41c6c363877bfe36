# SPDX-License-Identifier: Apache-2.0
"""Finds times in answers that do not have the one form of all times."""

import re

_ANY = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d")
_SHOWN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def strange(value: object, path: str = "") -> list[str]:
    """Where in a JSON value a time stands in another form."""
    if isinstance(value, dict):
        return [p for k, v in value.items() for p in strange(v, f"{path}/{k}")]
    if isinstance(value, list):
        return [p for v in value for p in strange(v, path)]
    if not isinstance(value, str) or not _ANY.match(value):
        return []
    return [] if _SHOWN.fullmatch(value) else [f"{path}: {value}"]
