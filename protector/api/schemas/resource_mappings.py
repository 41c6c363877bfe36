# SPDX-License-Identifier: Apache-2.0
"""Schemas of resource mappings."""

from protector.api.schemas import types

_PAIR = types.record(
    ("primary", "secondary"), primary=types.SHORT, secondary=types.SHORT
)
_NETWORK = types.record(
    ("primary", "secondary"),
    primary=types.SHORT,
    secondary=types.SHORT,
    primary_test=types.SHORT,
    secondary_test=types.SHORT,
    subnets=types.array(_PAIR),
)
_TIER = types.record(
    ("members",),
    members={**types.array(types.UUID), "uniqueItems": True},
    delay_seconds=types.integer(0, 3600),
)


def _many(item: types.Json) -> types.Json:
    return {**types.array(item), "maxItems": 500}


MAPPINGS = types.record(
    networks=_many(_NETWORK),
    flavors=_many(_PAIR),
    security_groups=_many(_PAIR),
    keypairs=_many(_PAIR),
    availability_zones=_many(_PAIR),
    boot_tiers=_many(_TIER),
)
UPDATE = types.envelope("mappings", MAPPINGS)
SHOW = types.envelope("mappings", MAPPINGS)
