# SPDX-License-Identifier: Apache-2.0
"""Neutron's security groups and their rules.

Each project has a group ``default`` from the first moment it is looked
for; it cannot be deleted.
"""

import ipaddress
import typing

from protector.sandbox.cloud import context, errors, store
from protector.sandbox.cloud.neutron import collection, quotas
from protector.sandbox.cloud.neutron.collection import Attribute, Caller

_PROTOCOLS = frozenset(
    ("tcp", "udp", "icmp", "icmpv6", "ipv6-icmp", "ah", "dccp", "egp", "esp")
    + ("gre", "igmp", "ipip", "ospf", "pgm", "rsvp", "sctp", "udplite")
    + ("vrrp", "any")
)
_SAME = (
    "direction",
    "ethertype",
    "protocol",
    "port_range_min",
    "port_range_max",
    "remote_ip_prefix",
    "remote_group_id",
)


class SecurityGroups(collection.Collection):
    """Security groups."""

    plural, singular, title = (
        "security_groups",
        "security_group",
        "Security group",
    )
    attributes = collection.COMMON | {
        "stateful": Attribute(True),
        "shared": collection.READ_ONLY,
        "is_default": collection.READ_ONLY,
        "security_group_rules": collection.READ_ONLY,
    }

    def __init__(self, cloud: context.Cloud, limits: quotas.Quotas) -> None:
        super().__init__(cloud, limits)
        self._rules = cloud.store.table("security_group_rules")

    def default(self, project_id: str) -> store.Document:
        """Return the project's default group; make it if need be."""
        with self._store.lock:
            group = self.table.first(project_id=project_id, is_default=True)
            if group is not None:
                return group
            group = self._blank(project_id)
            group["name"] = "default"
            group["description"] = "Default security group"
            group.update(is_default=True, shared=False)
            self.table.put(group)
            for direction in ("egress", "ingress"):
                for ethertype in ("IPv4", "IPv6"):
                    self._add_rule(group, direction, ethertype)
            return group

    def listing(self, caller: Caller) -> None:
        """Make the default group before it is missed."""
        if caller.project_id:
            self.default(caller.project_id)

    def creating(
        self,
        caller: Caller,
        row: store.Document,
        given: dict[str, typing.Any],
    ) -> None:
        """Give it the two rules that let traffic out."""
        self.default(row["project_id"])
        if row["name"] == "default":
            raise errors.Conflict(
                "Default security group already exists.",
                kind="SecurityGroupDefaultAlreadyExists",
            )
        row.update(is_default=False, shared=False)
        for ethertype in ("IPv4", "IPv6"):
            self._add_rule(row, "egress", ethertype)

    def updating(
        self,
        caller: Caller,
        row: store.Document,
        given: dict[str, typing.Any],
        before: store.Document,
    ) -> None:
        """Keep the name of the default group."""
        if before["is_default"] and "name" in given:
            raise errors.Conflict(
                "Updating default security group not allowed.",
                kind="SecurityGroupCannotUpdateDefault",
            )

    def deleting(self, caller: Caller, row: store.Document) -> None:
        """Refuse while a port has it; its rules go with it."""
        if row["is_default"] and not caller.is_admin:
            raise errors.Conflict(
                "Insufficient rights for removing default security group.",
                kind="SecurityGroupCannotRemoveDefault",
            )
        ports = self._store.table("ports")
        if ports.first(lambda port: row["id"] in port["security_groups"]):
            raise errors.Conflict(
                f"Security Group {row['id']} in use.",
                kind="SecurityGroupInUse",
            )
        for rule in self._rules.list(security_group_id=row["id"]):
            self._rules.delete(rule["id"])

    def not_found(self, key: typing.Any) -> errors.NotFound:
        """Return the 404."""
        return errors.NotFound(
            f"Security group {key} does not exist",
            kind="SecurityGroupNotFound",
        )

    def computed(self, row: store.Document) -> dict[str, typing.Any]:
        """Show its rules."""
        rows = self._rules.list(security_group_id=row["id"])
        return {
            "security_group_rules": [
                {**rule, "tenant_id": rule["project_id"]} for rule in rows
            ]
        }

    def _add_rule(
        self, group: store.Document, direction: str, ethertype: str
    ) -> None:
        now = self._cloud.clock.zulu()
        inside = direction == "ingress"
        self._rules.put(
            {
                "id": context.new_id(),
                "project_id": group["project_id"],
                "security_group_id": group["id"],
                "direction": direction,
                "ethertype": ethertype,
                "protocol": None,
                "port_range_min": None,
                "port_range_max": None,
                "remote_ip_prefix": None,
                "remote_group_id": group["id"] if inside else None,
                "remote_address_group_id": None,
                "normalized_cidr": None,
                "belongs_to_default_sg": group["name"] == "default",
                "description": "",
                "tags": [],
                "created_at": now,
                "updated_at": now,
                "revision_number": 0,
            }
        )


class SecurityGroupRules(collection.Collection):
    """The rules of security groups; they are made and deleted only."""

    plural, singular, title = (
        "security_group_rules",
        "security_group_rule",
        "Security group rule",
    )
    required = ("security_group_id", "direction")
    attributes = {
        **{k: v for k, v in collection.COMMON.items() if k != "name"},
        "security_group_id": Attribute(put=False),
        "direction": Attribute(put=False),
        "ethertype": Attribute("IPv4", put=False),
        "protocol": Attribute(None, put=False),
        "port_range_min": Attribute(None, put=False),
        "port_range_max": Attribute(None, put=False),
        "remote_ip_prefix": Attribute(None, put=False),
        "remote_group_id": Attribute(None, put=False),
        "remote_address_group_id": Attribute(None, put=False),
        "normalized_cidr": collection.READ_ONLY,
        "belongs_to_default_sg": collection.READ_ONLY,
    }

    def __init__(
        self,
        cloud: context.Cloud,
        limits: quotas.Quotas,
        groups: SecurityGroups,
    ) -> None:
        super().__init__(cloud, limits)
        self._groups = groups

    def creating(
        self,
        caller: Caller,
        row: store.Document,
        given: dict[str, typing.Any],
    ) -> None:
        """Check it against Neutron's rules for rules."""
        group = self._groups.find(caller, row["security_group_id"])
        row["project_id"] = group["project_id"]
        row["belongs_to_default_sg"] = group["is_default"]
        if row["protocol"] is not None:
            row["protocol"] = str(row["protocol"]).lower()
        if row["protocol"] == "any":
            row["protocol"] = None
        _check_rule(row)
        row["normalized_cidr"] = row["remote_ip_prefix"]
        if row["remote_group_id"]:
            self._groups.find(caller, row["remote_group_id"])
        same = {name: row[name] for name in _SAME}
        other = self.table.first(security_group_id=group["id"], **same)
        if other is not None:
            raise errors.Conflict(
                f"Security group rule already exists. Rule id is "
                f"{other['id']}.",
                kind="SecurityGroupRuleExists",
            )

    def not_found(self, key: typing.Any) -> errors.NotFound:
        """Return the 404."""
        return errors.NotFound(
            f"Security group rule {key} does not exist",
            kind="SecurityGroupRuleNotFound",
        )


def _check_rule(row: store.Document) -> None:
    if row["direction"] not in ("ingress", "egress"):
        raise _bad("direction", row["direction"], "['ingress', 'egress']")
    if row["ethertype"] not in ("IPv4", "IPv6"):
        raise _bad("ethertype", row["ethertype"], "['IPv4', 'IPv6']")
    _check_protocol(row)
    _check_range(row)
    if row["remote_group_id"] and row["remote_ip_prefix"]:
        raise errors.BadRequest(
            "Only remote_ip_prefix or remote_group_id may be provided.",
            kind="SecurityGroupRemoteGroupAndRemoteIpPrefix",
        )
    if row["remote_ip_prefix"]:
        try:
            cidr = ipaddress.ip_network(row["remote_ip_prefix"], strict=False)
        except ValueError:
            raise _bad(
                "remote_ip_prefix", row["remote_ip_prefix"], "a CIDR"
            ) from None
        if f"IPv{cidr.version}" != row["ethertype"]:
            raise errors.BadRequest(
                f"Conflicting value ethertype {row['ethertype']} for CIDR "
                f"{row['remote_ip_prefix']}",
                kind="SecurityGroupRuleParameterConflict",
            )


def _check_protocol(row: store.Document) -> None:
    protocol = row["protocol"]
    if protocol is None or protocol in _PROTOCOLS:
        return
    if not (protocol.isdecimal() and 0 <= int(protocol) <= 255):
        raise errors.BadRequest(
            f"Security group rule protocol {protocol} not supported. Only "
            f"protocol values {sorted(_PROTOCOLS)} and integer "
            "representations [0 to 255] are supported.",
            kind="SecurityGroupRuleInvalidProtocol",
        )


def _check_range(row: store.Document) -> None:
    low, high = row["port_range_min"], row["port_range_max"]
    if low is None and high is None:
        return
    protocol = row["protocol"]
    if protocol is None:
        raise errors.BadRequest(
            "Must also specify protocol if port range is given.",
            kind="SecurityGroupProtocolRequiredWithPorts",
        )
    if protocol.startswith("icmp"):
        return
    if low is None or high is None or not 0 < low <= high <= 65535:
        raise errors.BadRequest(
            "For TCP/UDP protocols, port_range_min must be <= port_range_max",
            kind="SecurityGroupInvalidPortRange",
        )


def _bad(name: str, value: typing.Any, allowed: str) -> errors.BadRequest:
    return errors.BadRequest(
        f"Invalid input for {name}. Reason: '{value}' is not in {allowed}.",
        kind="HTTPBadRequest",
    )
