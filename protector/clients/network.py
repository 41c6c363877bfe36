# SPDX-License-Identifier: Apache-2.0
"""Neutron: ports, networks, security groups, floating IPs, quotas.

By requests.  Answers are Neutron's own objects, but ports.

To an admin, which the service user is in every project, Neutron lists the
objects of all projects; so the lists here ask for those of the project.
"""

from typing import Any

from protector import exception
from protector.clients import rest, types

Json = dict[str, Any]
# filters that name one place, whoever owns what is there
PLACES = frozenset({"id", "device_id", "network_id", "port_id"})


class NetworkClient(rest.Service):
    """Neutron in one project."""

    service_type = "network"
    label = "Neutron"

    def _path(self, path: str) -> str:
        """The catalogue may name the service or its version 2.0."""
        endpoint = self._scope.session.reading(self.adapter.get_endpoint)
        if str(endpoint).rstrip("/").endswith("/v2.0"):
            return path
        return f"/v2.0{path}"

    def _all(self, path: str, key: str, filters: Json) -> list[Json]:
        """:param filters: values may be lists: any of them."""
        with self.calling(f"list {key}"):
            return list(self.pages(self._path(path), key, **filters))

    def _own(self, path: str, key: str, filters: Json) -> list[Json]:
        """Those of the project, unless a filter says otherwise."""
        if not PLACES & filters.keys():
            filters = {"project_id": self._scope.project_id, **filters}
        return self._all(path, key, filters)

    def _one(self, path: str, key: str, object_id: str) -> Json:
        with self.calling(f"read {key} {object_id}"):
            return self.read(self._path(f"{path}/{object_id}"))[key]

    def _make(self, path: str, key: str, body: Json) -> Json:
        name = f" {body['name']}" if body.get("name") else ""
        with self.calling(f"create {key}{name}"):
            return self.post(self._path(path), {key: body})[key]

    def _change(self, path: str, key: str, object_id: str, body: Json) -> Json:
        with self.calling(f"update {key} {object_id}"):
            target = self._path(f"{path}/{object_id}")
            return self.put(target, {key: body})[key]

    def _drop(self, path: str, key: str, object_id: str) -> None:
        with self.calling(f"delete {key} {object_id}"):
            self.remove(self._path(f"{path}/{object_id}"))

    # -- ports

    def ports(self, **filters: Any) -> list[types.Port]:
        """Ports of the project that match; with ``device_id``,
        ``network_id`` or ``id`` those of all projects."""
        found = self._own("/ports", "ports", filters)
        with self.calling("list ports"):
            return [_port(raw) for raw in found]

    def get_port(self, port_id: str) -> types.Port:
        """:raises CloudNotFound: there is none."""
        raw = self._one("/ports", "port", port_id)
        with self.calling(f"read port {port_id}"):
            return _port(raw)

    def create_port(self, body: Json) -> types.Port:
        """Neutron ignores ``tags`` here: a mark goes into
        ``description``.

        :raises CloudConflict: MAC or address is taken.
        """
        raw = self._make("/ports", "port", body)
        with self.calling("create port"):
            return _port(raw)

    def update_port(self, port_id: str, body: Json) -> types.Port:
        raw = self._change("/ports", "port", port_id, body)
        with self.calling(f"update port {port_id}"):
            return _port(raw)

    def delete_port(self, port_id: str) -> None:
        self._drop("/ports", "port", port_id)

    # -- networks

    def networks(self, **filters: Any) -> list[Json]:
        """Networks that the project can use: its own, those shared with
        it, and external ones."""
        project_id = self._scope.project_id
        return [
            found
            for found in self._all("/networks", "networks", filters)
            if found.get("project_id") == project_id
            or found.get("shared")
            or found.get("router:external")
        ]

    def network(self, network_id: str) -> Json:
        """:raises CloudNotFound: there is none."""
        return self._one("/networks", "network", network_id)

    def subnets(self, **filters: Any) -> list[Json]:
        """Subnets that match, ``network_id=...``, of all projects."""
        return self._all("/subnets", "subnets", filters)

    # -- security groups

    def security_groups(self, **filters: Any) -> list[Json]:
        """Those of the project, with rules in ``security_group_rules``."""
        return self._own("/security-groups", "security_groups", filters)

    def security_group(self, group_id: str) -> Json:
        """With its rules in ``security_group_rules``.

        :raises CloudNotFound: there is none.
        """
        return self._one("/security-groups", "security_group", group_id)

    def create_security_group(self, name: str, description: str = "") -> Json:
        """Neutron gives it two egress rules that allow everything."""
        body = {"name": name, "description": description}
        return self._make("/security-groups", "security_group", body)

    def create_security_group_rule(self, body: Json) -> Json:
        """:raises CloudConflict: the group has such a rule."""
        return self._make("/security-group-rules", "security_group_rule", body)

    def delete_security_group_rule(self, rule_id: str) -> None:
        self._drop("/security-group-rules", "security_group_rule", rule_id)

    def delete_security_group(self, group_id: str) -> None:
        """:raises CloudConflict: a port uses it."""
        self._drop("/security-groups", "security_group", group_id)

    # -- floating IPs

    def floating_ips(
        self, port_id: str | None = None, **filters: Any
    ) -> list[Json]:
        """Those of a port, or those of the project that match."""
        if port_id is not None:
            filters["port_id"] = port_id
        return self._own("/floatingips", "floatingips", filters)

    def create_floating_ip(self, body: Json) -> Json:
        return self._make("/floatingips", "floatingip", body)

    def update_floating_ip(self, floating_ip_id: str, body: Json) -> Json:
        """``{"port_id": None}`` takes it from its port."""
        return self._change("/floatingips", "floatingip", floating_ip_id, body)

    def delete_floating_ip(self, floating_ip_id: str) -> None:
        self._drop("/floatingips", "floatingip", floating_ip_id)

    # -- the cloud's own

    def extensions(self) -> set[str]:
        """Aliases of what this Neutron can do."""
        found = self._all("/extensions", "extensions", {})
        with self.calling("list extensions"):
            return {str(extension["alias"]) for extension in found}

    def quotas(self) -> list[types.Quota]:
        """Limits and use of the project; empty when this Neutron does not
        tell them (extension ``quota_details``)."""
        path = f"/quotas/{self._scope.project_id}/details.json"
        try:
            with self.calling("read quotas"):
                found = self.read(self._path(path))["quota"]
                return [
                    types.Quota(
                        resource=name,
                        limit=int(raw["limit"]),
                        in_use=int(raw["used"]),
                        reserved=int(raw["reserved"]),
                    )
                    for name, raw in found.items()
                ]
        except exception.CloudNotFound:
            return []


def _port(raw: Json) -> types.Port:
    return types.Port(
        id=raw["id"],
        name=raw.get("name") or "",
        network_id=raw["network_id"],
        mac_address=raw["mac_address"],
        fixed_ips=tuple(raw.get("fixed_ips") or ()),
        security_group_ids=tuple(raw.get("security_groups") or ()),
        device_id=raw.get("device_id") or "",
        status=raw["status"],
        description=raw.get("description") or "",
        raw=raw,
    )
