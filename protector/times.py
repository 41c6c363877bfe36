# SPDX-License-Identifier: Apache-2.0
"""Times as users see them."""

import datetime


def iso(value: datetime.datetime | None) -> str | None:
    """ISO 8601 in UTC with ``Z``, whole seconds."""
    if value is None:
        return None
    return value.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
