# SPDX-License-Identifier: Apache-2.0
"""Give ports their IP and MAC addresses, each once.

All reads and writes happen inside the caller's transaction.
"""

import collections.abc
import ipaddress
import re
import secrets
import typing

from protector.sandbox.cloud import errors, store

_MAC = re.compile(r"^([0-9a-f]{2}:){5}[0-9a-f]{2}$")
FixedIp = dict[str, str]


class Addresses:
    """Allocates addresses on the networks of one cloud."""

    def __init__(self, storage: store.Store) -> None:
        self._ports = storage.table("ports")
        self._subnets = storage.table("subnets")

    def mac(self, network_id: str, asked: str | None, port_id: str) -> str:
        """Return the MAC asked for, or a free one.

        :raises Conflict: another port of the network has it.
        :raises BadRequest: it is not one.
        """
        rows = self._ports.list(network_id=network_id)
        used = {row["mac_address"] for row in rows if row["id"] != port_id}
        if asked is None:
            return _free_mac(used)
        asked = str(asked).lower()
        if not _MAC.match(asked):
            raise errors.BadRequest(
                f"Invalid input for mac_address. Reason: '{asked}' is not "
                "a valid MAC address.",
                kind="HTTPBadRequest",
            )
        if asked in used:
            raise errors.Conflict(
                "Unable to complete operation for network "
                f"{network_id}. The mac address {asked} is in use.",
                kind="MacAddressInUse",
            )
        return asked

    def fixed_ips(
        self,
        network_id: str,
        asked: list[dict[str, str]] | None,
        port_id: str,
    ) -> list[FixedIp]:
        """Return the addresses of a port.

        :param asked: entries with ``subnet_id``, ``ip_address`` or both;
            None: one of each IP version there is; []: none.
        :raises Conflict: in use, or none left.
        :raises BadRequest: not of the network.
        """
        subnets = self._subnets.list(network_id=network_id)
        if asked is None:
            versions = {row["ip_version"]: row for row in reversed(subnets)}
            asked = [
                {"subnet_id": versions[version]["id"]}
                for version in sorted(versions)
            ]
        found: list[FixedIp] = []
        for entry in asked:
            taken = self._taken(network_id, port_id)
            taken |= {item["ip_address"] for item in found}
            found.append(_one(network_id, subnets, entry, taken))
        return found

    def _taken(self, network_id: str, port_id: str) -> set[str]:
        return {
            item["ip_address"]
            for row in self._ports.list(network_id=network_id)
            if row["id"] != port_id
            for item in row["fixed_ips"]
        }


def _free_mac(used: collections.abc.Container[str]) -> str:
    while True:
        tail = secrets.token_bytes(3)
        mac = "fa:16:3e:" + ":".join(f"{byte:02x}" for byte in tail)
        if mac not in used:
            return mac


def _one(
    network_id: str,
    subnets: list[store.Document],
    entry: dict[str, str],
    taken: set[str],
) -> FixedIp:
    address, subnet_id = entry.get("ip_address"), entry.get("subnet_id")
    if subnet_id:
        subnets = [row for row in subnets if row["id"] == subnet_id]
        if not subnets:
            raise errors.BadRequest(
                f"Failed to create port on network {network_id}, because "
                f"fixed_ips included invalid subnet {subnet_id}.",
                kind="InvalidInput",
            )
    if not address:
        return _next_free(network_id, subnets, taken)
    subnet = _subnet_of(address, subnets, bool(subnet_id))
    address = str(ipaddress.ip_address(address))
    if address in taken:
        raise errors.Conflict(
            f"IP address {address} already allocated in subnet {subnet['id']}",
            kind="IpAddressAlreadyAllocated",
        )
    return {"subnet_id": subnet["id"], "ip_address": address}


def _subnet_of(
    address: str, subnets: list[store.Document], named: bool
) -> store.Document:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        raise errors.BadRequest(
            f"Invalid input for fixed_ips. Reason: '{address}' is not a "
            "valid IP address.",
            kind="HTTPBadRequest",
        ) from None
    for row in subnets:
        cidr = ipaddress.ip_network(row["cidr"])
        if parsed in cidr and parsed != cidr.network_address:
            return row
    if named:
        raise errors.BadRequest(
            f"IP address {address} is not a valid IP for the specified "
            "subnet.",
            kind="InvalidIpForSubnet",
        )
    raise errors.BadRequest(
        f"IP address {address} is not a valid IP for any of the subnets on "
        "the specified network.",
        kind="InvalidIpForNetwork",
    )


def _next_free(
    network_id: str, subnets: list[store.Document], taken: set[str]
) -> FixedIp:
    for row in subnets:
        for address in _pool(row):
            if address not in taken:
                return {"subnet_id": row["id"], "ip_address": address}
    raise errors.Conflict(
        f"No more IP addresses available on network {network_id}.",
        kind="IpAddressGenerationFailure",
    )


def _pool(row: store.Document) -> collections.abc.Iterator[str]:
    for pool in row["allocation_pools"]:
        address: typing.Any = ipaddress.ip_address(pool["start"])
        last: typing.Any = ipaddress.ip_address(pool["end"])
        while address <= last:
            if str(address) != row["gateway_ip"]:
                yield str(address)
            address += 1
