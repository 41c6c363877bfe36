# SPDX-License-Identifier: Apache-2.0
"""Nova: servers, their volumes, and what a server is made from.

Through python-novaclient up to its last microversion, 2.96, and by requests
where it does not reach: whole servers (2.98 and 2.100 add image properties
and scheduler hints), and its lists and creations, because for these it
writes a completion cache below the home directory of the process.
"""

from collections.abc import Collection, Iterable
from typing import Any

from novaclient import api_versions
from novaclient import client as nova_client

from protector import exception, lazy
from protector.clients import rest, types

Json = dict[str, Any]
LIBRARY_MAXIMUM = (2, 96)


class ComputeClient(rest.Service):
    """Nova in one project."""

    service_type = "compute"
    label = "Nova"
    understood = (2, 100)

    @lazy.Lazy
    def _nova(self) -> Any:
        return nova_client.Client(
            api_versions.APIVersion(self.best(LIBRARY_MAXIMUM)),
            session=self._scope.session,
            service_type=self.service_type,
            endpoint_type=self._scope.access.interface,
            region_name=self._scope.access.region_name,
            global_request_id=self._scope.request_id,
        )

    # -- servers

    def get_server(self, server_id: str) -> types.Server:
        """:raises CloudNotFound: there is none."""
        with self.calling(f"read server {server_id}"):
            return _server(self.read(f"/servers/{server_id}")["server"])

    def list_servers(
        self,
        ids: Collection[str] | None = None,
        all_projects: bool = False,
        metadata: dict[str, str] | None = None,
        tags: Iterable[str] = (),
        name: str | None = None,
    ) -> list[types.Server]:
        """Servers of the project, or of all projects.

        :param ids: only these; missing ones are left out.
        :param metadata: only servers that have all of these.
        :param tags: only servers that have all of these (Nova 2.26).
        :param name: only servers of exactly this name.
        """
        if ids is not None and not all_projects and len(ids) <= 1:
            found = self._few(ids)
        else:
            found = self._listed(all_projects, tags)
        return [
            server
            for server in found
            if (ids is None or server.id in ids)
            and (name is None or server.name == name)
            and (metadata or {}).items() <= server.metadata.items()
            and set(tags) <= set(server.raw.get("tags", tags))
        ]

    def _few(self, ids: Collection[str]) -> list[types.Server]:
        found = []
        for server_id in ids:
            try:
                found.append(self.get_server(server_id))
            except exception.CloudNotFound:
                continue
        return found

    def _listed(
        self, all_projects: bool, tags: Iterable[str]
    ) -> list[types.Server]:
        params: Json = {"limit": rest.PAGE}
        if all_projects:
            params["all_tenants"] = "1"
        if tags:
            params["tags"] = ",".join(tags)
        with self.calling("list servers"):
            pages = self.pages("/servers/detail", "servers", **params)
            return [_server(raw) for raw in pages]

    def create_server(self, body: Json, hints: Json | None = None) -> str:
        """Create a server; return its id.

        :param body: the ``server`` object of the request, as Nova wants it
            at the lower of its own highest microversion and 2.100.
        :param hints: scheduler hints.
        """
        request: Json = {"server": body}
        if hints:
            request["os:scheduler_hints"] = hints
        with self.calling(f"create server {body.get('name')}"):
            return str(self.post("/servers", request)["server"]["id"])

    def delete_server(self, server_id: str) -> None:
        with self.calling(f"delete server {server_id}"):
            self._nova.servers.delete(server_id)

    def start(self, server_id: str) -> None:
        with self.calling(f"start server {server_id}"):
            self._nova.servers.start(server_id)

    def stop(self, server_id: str) -> None:
        with self.calling(f"stop server {server_id}"):
            self._nova.servers.stop(server_id)

    def shelve(self, server_id: str) -> None:
        """A server with its root on a volume is offloaded at once."""
        with self.calling(f"shelve server {server_id}"):
            self._nova.servers.shelve(server_id)

    def unshelve(self, server_id: str) -> None:
        """Failing later is silent: look at ``instance_actions``."""
        with self.calling(f"unshelve server {server_id}"):
            self._nova.servers.unshelve(server_id)

    def lock(self, server_id: str, reason: str) -> None:
        """Only with a token of another project the owner cannot unlock.

        Below 2.73 Nova does not keep the reason.
        """
        with self.calling(f"lock server {server_id}"):
            if self._nova.api_version < api_versions.APIVersion("2.73"):
                self._nova.servers.lock(server_id)
            else:
                self._nova.servers.lock(server_id, reason=reason)

    def unlock(self, server_id: str) -> None:
        with self.calling(f"unlock server {server_id}"):
            self._nova.servers.unlock(server_id)

    def set_tags(self, server_id: str, tags: Iterable[str]) -> None:
        """Replace all tags."""
        with self.calling(f"set tags of server {server_id}"):
            self._nova.servers.set_tags(server_id, list(tags))

    def console_output(self, server_id: str, lines: int | None = None) -> str:
        """The end of the guest's serial console."""
        with self.calling(f"read the console of server {server_id}"):
            text = self._nova.servers.get_console_output(server_id, lines)
            return str(text or "")

    def instance_actions(self, server_id: str) -> list[types.InstanceAction]:
        """What was done to a server, newest first."""
        path = f"/servers/{server_id}/os-instance-actions"
        with self.calling(f"read the actions of server {server_id}"):
            found = self.read(path)["instanceActions"]
            actions = [
                types.InstanceAction(
                    action=raw["action"],
                    request_id=raw["request_id"],
                    start_time=raw["start_time"],
                    message=raw.get("message"),
                )
                for raw in found
            ]
        return sorted(actions, key=lambda a: a.start_time, reverse=True)

    # -- volumes and ports of a server

    def attachments(self, server_id: str) -> list[types.Attachment]:
        """In the order Nova lists them."""
        path = f"/servers/{server_id}/os-volume_attachments"
        with self.calling(f"list the volumes of server {server_id}"):
            return [
                types.Attachment(
                    server_id=raw.get("serverId", server_id),
                    volume_id=raw["volumeId"],
                    device=raw.get("device"),
                    tag=raw.get("tag"),
                    delete_on_termination=raw.get("delete_on_termination"),
                )
                for raw in self.read(path)["volumeAttachments"]
            ]

    def attach_volume(
        self,
        server_id: str,
        volume_id: str,
        device: str | None = None,
        tag: str | None = None,
    ) -> None:
        """Attach; the volume is kept when the server is deleted."""
        body: Json = {"volumeId": volume_id}
        if device:
            body["device"] = device
        if tag:
            body["tag"] = tag
        path = f"/servers/{server_id}/os-volume_attachments"
        with self.calling(f"attach volume {volume_id} to {server_id}"):
            self.post(path, {"volumeAttachment": body})

    def detach_volume(self, server_id: str, volume_id: str) -> None:
        with self.calling(f"detach volume {volume_id} from {server_id}"):
            self._nova.volumes.delete_server_volume(server_id, volume_id)

    def set_delete_on_termination(
        self, server_id: str, volume_id: str, flag: bool
    ) -> None:
        """:raises CloudError: Nova is older than 2.85 (Ussuri)."""
        with self.calling(f"keep volume {volume_id} of {server_id}"):
            if self._nova.api_version < api_versions.APIVersion("2.85"):
                raise exception.CloudError(
                    f"Nova at site {self._scope.site_name} cannot change "
                    "delete_on_termination; it needs microversion 2.85."
                )
            self._nova.volumes.update_server_volume(
                server_id, volume_id, volume_id, delete_on_termination=flag
            )

    def attach_port(self, server_id: str, port_id: str) -> None:
        body = {"interfaceAttachment": {"port_id": port_id}}
        with self.calling(f"attach port {port_id} to {server_id}"):
            self.post(f"/servers/{server_id}/os-interface", body)

    def detach_port(self, server_id: str, port_id: str) -> None:
        with self.calling(f"detach port {port_id} from {server_id}"):
            self._nova.servers.interface_detach(server_id, port_id)

    # -- what servers are made from

    def flavors(self) -> list[types.Flavor]:
        """Those the project may use, and for an admin the private ones.

        Below 2.61 without their extra specs.
        """
        with self.calling("list flavors"):
            found = self.pages("/flavors/detail", "flavors", is_public="None")
            return [_flavor(raw) for raw in found]

    def flavor(self, flavor_id: str) -> types.Flavor:
        """With extra specs, whatever Nova's age."""
        with self.calling(f"read flavor {flavor_id}"):
            raw = self.read(f"/flavors/{flavor_id}")["flavor"]
            if "extra_specs" not in raw:
                specs = self.read(f"/flavors/{flavor_id}/os-extra_specs")
                raw |= specs
            return _flavor(raw)

    def keypair(self, name: str, user_id: str | None = None) -> types.Keypair:
        """The service user's keypair, or that of ``user_id`` (2.10, an
        admin's right)."""
        owner = {"user_id": user_id} if user_id else {}
        with self.calling(f"read keypair {name}"):
            raw = self.read(f"/os-keypairs/{name}", **owner)
            return _keypair(raw["keypair"])

    def keypairs(self) -> list[types.Keypair]:
        """Those of the service user."""
        with self.calling("list keypairs"):
            found = self.read("/os-keypairs")["keypairs"]
            return [_keypair(row["keypair"]) for row in found]

    def import_keypair(
        self, name: str, public_key: str, type: str = "ssh"
    ) -> types.Keypair:
        """Give the service user a keypair.

        :raises CloudConflict: it has one of that name.
        """
        body = {"name": name, "public_key": public_key, "type": type}
        with self.calling(f"import keypair {name}"):
            raw = self.post("/os-keypairs", {"keypair": body})["keypair"]
            return _keypair(raw | {"type": type})

    def delete_keypair(self, name: str) -> None:
        """Delete a keypair of the service user."""
        with self.calling(f"delete keypair {name}"):
            self._nova.keypairs.delete(name)

    def server_group(self, group_id: str) -> Json:
        """Id, name, members, and ``policy`` (2.64) or ``policies``."""
        with self.calling(f"read server group {group_id}"):
            return self.read(f"/os-server-groups/{group_id}")["server_group"]

    def server_groups(self) -> list[Json]:
        with self.calling("list server groups"):
            return self.read("/os-server-groups")["server_groups"]

    def create_server_group(self, name: str, policy: str) -> Json:
        body: Json = {"name": name}
        with self.calling(f"create server group {name}"):
            if self.server_maximum < (2, 64):
                body["policies"] = [policy]
            else:
                body["policy"] = policy
            made = self.post("/os-server-groups", {"server_group": body})
            return made["server_group"]

    def delete_server_group(self, group_id: str) -> None:
        """Its members go on without it."""
        with self.calling(f"delete server group {group_id}"):
            self.remove(f"/os-server-groups/{group_id}")

    def availability_zones(self) -> list[str]:
        """Names of those that are up."""
        with self.calling("list availability zones"):
            zones = self.read("/os-availability-zone")
            return [
                zone["zoneName"]
                for zone in zones["availabilityZoneInfo"]
                if zone["zoneState"]["available"]
            ]

    def services(self) -> list[Json]:
        """Nova's own: ``binary``, ``host``, ``state``; for admins."""
        with self.calling("list services"):
            return list(self.read("/os-services")["services"])

    def quotas(self) -> list[types.Quota]:
        """Limits and use of the project."""
        project_id = self._scope.project_id
        with self.calling("read quotas"):
            path = f"/os-quota-sets/{project_id}/detail"
            found = self.read(path)["quota_set"]
            return [
                types.Quota(
                    resource=name,
                    limit=int(raw["limit"]),
                    in_use=int(raw["in_use"]),
                    reserved=int(raw["reserved"]),
                )
                for name, raw in found.items()
                if isinstance(raw, dict)
            ]


def _server(raw: Json) -> types.Server:
    """Of a cell that is down Nova gives id, status UNKNOWN and project."""
    volumes = raw.get("os-extended-volumes:volumes_attached") or ()
    return types.Server(
        id=raw["id"],
        name=raw.get("name", ""),
        status=raw["status"],
        task_state=raw.get("OS-EXT-STS:task_state"),
        locked=bool(raw.get("locked", False)),
        locked_reason=raw.get("locked_reason"),
        project_id=raw["tenant_id"],
        user_id=raw.get("user_id", ""),
        key_name=raw.get("key_name"),
        metadata=raw.get("metadata") or {},
        volume_ids=tuple(volume["id"] for volume in volumes),
        root_device_name=raw.get("OS-EXT-SRV-ATTR:root_device_name"),
        fault=(raw.get("fault") or {}).get("message"),
        raw=raw,
    )


def _flavor(raw: Json) -> types.Flavor:
    return types.Flavor(
        id=raw["id"],
        name=raw["name"],
        vcpus=int(raw["vcpus"]),
        ram=int(raw["ram"]),
        disk=int(raw["disk"]),
        ephemeral=int(raw.get("OS-FLV-EXT-DATA:ephemeral") or 0),
        # Nova says "" for none below 2.75
        swap=int(raw.get("swap") or 0),
        extra_specs=raw.get("extra_specs") or {},
    )


def _keypair(raw: Json) -> types.Keypair:
    return types.Keypair(
        name=raw["name"],
        # 2.2 and later
        type=raw.get("type", "ssh"),
        public_key=raw["public_key"],
    )
