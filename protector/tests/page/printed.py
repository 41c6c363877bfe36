# SPDX-License-Identifier: Apache-2.0
"""Compares what a command printed with what the page shows, ids and times
aside (erratum a, b, i and j)."""

import re

ID = "<id>"
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
_AGO = re.compile(r"\(\d+ \w+ ago\)")
_SPAN = re.compile(r"\b\d+ ?ms\b")
_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
# a UUID, or one of the page's decorated ones
_ID = re.compile(
    rf"(?:{_UUID}|(?:pg|cg|member)-[0-9a-f-]{{8,}}|member-\w+\.\."
    r"|site-[ab]-uuid|<[a-z-]*uuid[a-z-]*>|a1b2c3d4-[0-9-]+)"
)


def report(text: str, names: dict[str, str]) -> list[str]:
    """The lines of a report, without indentation and empty lines.

    :param names: what stands for a name of the page, ``{"Site A": ...}``.
    """
    for printed, meant in names.items():
        text = text.replace(printed, meant)
    text = _TIME.sub("<time>", text)
    text = _AGO.sub("(<span> ago)", text)
    text = _SPAN.sub("<span>", text)
    return [line.strip() for line in text.splitlines() if line.strip()]


def table(text: str) -> list[list[str]]:
    """The rows of a table, the head first."""
    rows = [
        [cell.strip() for cell in line.strip().strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("|")
    ]
    return [[value(cell) for cell in row] for row in rows]


def value(text: str) -> str:
    """A value with what differs from run to run replaced."""
    if _ID.fullmatch(text):
        return ID
    return _TIME.sub("<time>", text)
