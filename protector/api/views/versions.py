# SPDX-License-Identifier: Apache-2.0
"""The versions document."""

from typing import Any

from protector.api import microversion

ID = "v1"


def show(url: str) -> dict[str, Any]:
    """:param url: the root of the service as the client sees it."""
    newest = str(microversion.MAXIMUM)
    return {
        "id": ID,
        "status": "CURRENT",
        "min_version": str(microversion.MINIMUM),
        "version": newest,
        "max_version": newest,
        "links": [{"rel": "self", "href": f"{url}/{ID}"}],
    }
