# SPDX-License-Identifier: Apache-2.0
"""What a dry run is held to: the steps of the run, and no change."""

from collections.abc import Iterable
from typing import Any

import requests

from protector.sandbox import connect, layout

Json = dict[str, Any]
GRAPH = (
    "name",
    "member_id",
    "member",
    "after",
    "weight",
    "optional",
    "delay_seconds",
    "point_of_no_return",
)


def graph(steps: list[Json]) -> list[Json]:
    """What a plan and a run have in common."""
    return [{key: step[key] for key in GRAPH} for step in steps]


def called(sites: Iterable[layout.Site]) -> dict[str, Json]:
    """Each changing call that the sites' clouds and arrays were asked."""
    found = {}
    for site in sites:
        answer = requests.get(
            f"{site.cloud_url}/control/calls", timeout=connect.TIMEOUT
        )
        answer.raise_for_status()
        for call in answer.json()["calls"]:
            if not call["path"].endswith("/auth/tokens"):
                found[f"{site.cloud} {call['id']}"] = call
        for call in connect.control(site, "GET", "calls"):
            found[f"{site.array} {call['id']}"] = call
    return found
