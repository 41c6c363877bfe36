# SPDX-License-Identifier: Apache-2.0
"""The networks, router and security group of a fresh cloud."""

import typing

from protector.sandbox.cloud import context
from protector.sandbox.cloud.neutron.collection import Caller

NETWORKS = (
    ("net1", "10.20.0.0/24", "demo", False),
    ("test-net1", "10.20.0.0/24", "demo", False),
    ("public", "198.51.100.0/24", "admin", True),
)
"""Name, range, owner, external.  The drill's network has the range of the
real one, so that addresses can stay the same in a drill."""
WEB_PORTS = (22, 443)


def seed_neutron(cloud: context.Cloud, network: typing.Any) -> None:
    """Write them, owned by demo; the external network by admin."""
    rows = cloud.store.table("projects").list()
    projects = {row["name"]: row["id"] for row in rows}
    with cloud.store.lock:
        made = {
            name: _network(network, projects[owner], name, cidr, external)
            for name, cidr, owner, external in NETWORKS
        }
        demo = Caller(projects["demo"], True)
        _router(network, demo, made)
        _security_group(network, demo)


def _network(
    network: typing.Any, owner: str, name: str, cidr: str, external: bool
) -> dict[str, typing.Any]:
    caller = Caller(owner, True)
    made = network.networks.create(
        caller, {"name": name, "router:external": external}
    )
    network.subnets.create(
        caller,
        {
            "name": f"{name}-v4",
            "network_id": made["id"],
            "cidr": cidr,
            "ip_version": 4,
            "enable_dhcp": not external,
        },
    )
    return network.networks.view(
        caller, network.networks.find(caller, made["id"])
    )


def _router(
    network: typing.Any,
    demo: Caller,
    made: dict[str, dict[str, typing.Any]],
) -> None:
    router = network.routers.create(
        demo,
        {
            "name": "router1",
            "external_gateway_info": {"network_id": made["public"]["id"]},
        },
    )
    subnet_id = made["net1"]["subnets"][0]
    network.routers.connect(demo, router["id"], {"subnet_id": subnet_id})


def _security_group(network: typing.Any, demo: Caller) -> None:
    group = network.security_groups.create(
        demo, {"name": "web", "description": "ssh and https"}
    )
    for port in WEB_PORTS:
        network.security_group_rules.create(
            demo,
            {
                "security_group_id": group["id"],
                "direction": "ingress",
                "protocol": "tcp",
                "port_range_min": port,
                "port_range_max": port,
                "remote_ip_prefix": "0.0.0.0/0",
            },
        )
