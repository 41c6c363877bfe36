# SPDX-License-Identifier: Apache-2.0
"""What of a recipe a Nova is too old to be told.

Pure data: the builder leaves it out, preflight tells it.
"""

from typing import Any

Json = dict[str, Any]
Version = tuple[int, int]
# fields of a create request, by the microversion that brought them
SINCE: dict[str, Version] = {
    "description": (2, 19),
    "tags": (2, 52),
    "hostname": (2, 90),
}


def of(recipe: Json, maximum: Version) -> list[str]:
    """Fields of the recipe that are lost at such a Nova."""
    return [
        field
        for field, since in SINCE.items()
        if recipe.get(field) and maximum < since
    ]


def without(body: Json, maximum: Version) -> Json:
    """A create request that such a Nova takes."""
    return {
        k: v for k, v in body.items() if k not in SINCE or maximum >= SINCE[k]
    }
