# SPDX-License-Identifier: Apache-2.0
"""Connects the arrays for replication and makes pods, as their operator does.

By the vendor's SDK and REST; beside that it only lowers the emulation's
limit of how often a schedule may come round.
"""

from typing import Any

import purestorage
import requests

from protector.sandbox import layout as layouts

# the handshake of TLS is part of it, on a machine that may be busy
CONNECT_SECONDS = 10.0
READ_SECONDS = 10.0
TIMEOUT = (CONNECT_SECONDS, READ_SECONDS)
TYPE = "sync-replication"
"""The link carries both: groups with a schedule, and stretched pods."""
FREQUENCY_SECONDS = 30
"""The least between two points; real arrays: 300."""


def arrays(a: layouts.Site, b: layouts.Site) -> bool:
    """Connect the arrays of two sites; again does nothing.

    :returns: whether it was to be done.
    :raises purestorage.PureError: an array refused or did not answer.
    """
    source = session(a)
    if any(
        r["array_name"] == b.array for r in source.list_array_connections()
    ):
        return False
    key = session(b).get(connection_key=True)["connection_key"]
    source.connect_array(b.array_target, key, [TYPE])
    for site in (a, b):
        control(site, "PUT", "settings", min_frequency=FREQUENCY_SECONDS)
    return True


def pod(site: layouts.Site, other: layouts.Site) -> bool:
    """Make a site's pod and stretch it to another array; again does nothing.

    :returns: whether it was to be done.
    :raises purestorage.PureError: an array refused or did not answer.
    """
    array = session(site)
    known = {p["name"]: p["arrays"] for p in array.list_pods()}
    if site.pod not in known:
        array.create_pod(site.pod)
    if len(known.get(site.pod, ())) > 1:
        return False
    array.add_pod(site.pod, other.array)
    # hosts reach their own site's array only, so that is to go on alone
    array.set_pod(site.pod, failover_preference=[site.array])
    return True


def session(site: layouts.Site) -> purestorage.FlashArray:
    """The SDK's session with a site's array."""
    return purestorage.FlashArray(
        site.array_target,
        api_token=site.array_token,
        request_kwargs={"timeout": TIMEOUT, "verify": str(site.array_ca)},
    )


def control(site: layouts.Site, method: str, path: str, **body: Any) -> Any:
    """Call an array's ``/control/<path>``; returns its JSON.

    :raises requests.RequestException: no answer, or a refusal.
    """
    answer = requests.request(
        method,
        f"{site.array_url}/control/{path}",
        json=body or None,
        timeout=TIMEOUT,
        verify=str(site.array_ca),
    )
    answer.raise_for_status()
    return answer.json()
