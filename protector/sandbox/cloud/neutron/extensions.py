# SPDX-License-Identifier: Apache-2.0
"""What Neutron says it can do, and the lists that are short or empty."""

import collections.abc
import typing

from protector.sandbox.cloud import errors, wsgi

ALIASES = {
    "agent": "agent",
    "allowed-address-pairs": "Allowed Address Pairs",
    "availability_zone": "Availability Zone",
    "binding": "Port Binding",
    "dns-integration": "DNS Integration",
    "external-net": "Neutron external network",
    "extra_dhcp_opt": "Neutron Extra DHCP options",
    "filter-validation": "Filter parameters validation",
    "fip-port-details": "Floating IP Port Details Extension",
    "net-mtu": "Network MTU",
    "net-mtu-writable": "Network MTU (writable)",
    "pagination": "Pagination support",
    "port-security": "Port Security",
    "project-id": "project_id field enabled",
    "provider": "Provider Network",
    "quota_details": "Quota details management support",
    "quotas": "Quota management support",
    "router": "Neutron L3 Router",
    "security-group": "security-group",
    "security-groups-shared-filtering": "Security group filtering",
    "sorting": "Sorting support",
    "standard-attr-description": "standard-attr-description",
    "standard-attr-revisions": "Resource revision numbers",
    "standard-attr-tag": "Tag support for resources with standard attribute",
    "standard-attr-timestamp": "Resource timestamps",
    "stateful-security-group": "Stateful security group",
}
_EMPTY = ("agents", "subnetpools", "address_scopes", "address_groups")


def routes() -> collections.abc.Iterator[tuple[typing.Any, ...]]:
    """Yield the routes."""
    yield "GET", "/v2.0/extensions", index, "any"
    yield "GET", "/v2.0/extensions/<alias>", show, "any"
    yield "GET", "/v2.0/availability_zones", zones, "reader"
    for name in _EMPTY:
        rule = f"/v2.0/{name.replace('_', '-')}"
        policy = "admin" if name == "agents" else "reader"
        yield "GET", rule, _nothing(name), policy, f"get_{name[:-1]}"


def index(request: wsgi.Request) -> wsgi.Result:
    """List the extensions."""
    return {"extensions": [_view(alias) for alias in ALIASES]}


def show(request: wsgi.Request, alias: str) -> wsgi.Result:
    """Show one extension."""
    if alias not in ALIASES:
        raise errors.NotFound(
            f"Extension with alias {alias} does not exist",
            kind="HTTPNotFound",
        )
    return {"extension": _view(alias)}


def zones(request: wsgi.Request) -> wsgi.Result:
    """List the one availability zone."""
    return {
        "availability_zones": [
            {"name": "nova", "resource": kind, "state": "available"}
            for kind in ("network", "router")
        ]
    }


def _nothing(name: str) -> wsgi.Handler:
    def handler(request: wsgi.Request) -> wsgi.Result:
        return {name: []}

    return handler


def _view(alias: str) -> dict[str, typing.Any]:
    return {
        "alias": alias,
        "name": ALIASES[alias],
        "description": ALIASES[alias],
        "updated": "2020-01-01T00:00:00-00:00",
        "links": [],
    }
