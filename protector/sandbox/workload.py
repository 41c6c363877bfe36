# SPDX-License-Identifier: Apache-2.0
"""Make the tour's servers in a tenant's project, through the public APIs.

It works the same against an emulated and a real cloud, and again after it
was interrupted: what has the right name already is taken as it is.
"""

import base64
import dataclasses
import ipaddress
import typing

from keystoneauth1 import session as keystone_session
from openstack import connection

ROOT_GIB = DATA_GIB = 1
WAIT_SECONDS = 300
POLL_SECONDS = 1
FIRST_ADDRESS = 11
"""The first server's place in the subnet; the others follow."""
USER_DATA = "#cloud-config\nhostname: {name}\nssh_pwauth: false\n"
Json = dict[str, typing.Any]


@dataclasses.dataclass(frozen=True)
class Plan:
    """One server to make.

    :ivar volumes: how many, the boot volume among them.
    """

    name: str
    role: str
    volumes: int


@dataclasses.dataclass(frozen=True)
class Names:
    """What the cloud must have already, by name, and the servers to make.

    :ivar image: what boot volumes are made from; empty: they are blank.
    :ivar external_network: where the first server's floating IP is from;
        None: no floating IP.
    """

    servers: tuple[Plan, ...] = (
        Plan("web-server-1", "web", 2),
        Plan("app-server-1", "app", 2),
        Plan("db-server-1", "db", 3),
    )
    network: str = "net1"
    security_group: str = "web"
    flavor: str = "m1.tiny"
    image: str = "cirros"
    volume_type: str = "replicated-ssd"
    keypair: str = "demo-key"
    external_network: str | None = "public"


@dataclasses.dataclass(frozen=True)
class Server:
    """A server that was made.

    :ivar volume_ids: in boot order, the boot volume first.
    :ivar port_ids: in the order of its NICs, as are ``macs`` and ``ips``
        (fixed addresses).
    """

    id: str
    name: str
    volume_ids: tuple[str, ...]
    port_ids: tuple[str, ...]
    macs: tuple[str, ...]
    ips: tuple[str, ...]


def create_workload(
    session: keystone_session.Session,
    names: Names | None = None,
    region: str | None = None,
) -> list[Server]:
    """Make the servers, wait until they are ACTIVE, and describe them.

    :param session: of a member of the tenant's project; the keypair is or
        becomes that user's.
    :param region: needed when the catalog has several.
    :raises openstack.exceptions.SDKException: refused, something is
        missing, or not ready within 300 seconds.
    """
    cloud = connection.Connection(session=session, region_name=region)
    try:
        return _Workload(cloud, names or Names()).make()
    finally:
        cloud.close()


class _Workload:
    def __init__(self, cloud: connection.Connection, names: Names) -> None:
        self._cloud = cloud
        self._names = names

    def make(self) -> list[Server]:
        self._ensure_keypair()
        plans = self._names.servers
        volumes = {plan.name: self._volumes(plan) for plan in plans}
        for rows in volumes.values():
            for row in rows:
                self._wait_for_volume(row)
        ports = {p.name: self._port(i, p) for i, p in enumerate(plans)}
        made = [
            self._server(plan, volumes[plan.name], ports[plan.name])
            for plan in plans
        ]
        made = [self._wait_for_server(row) for row in made]
        if plans and self._names.external_network:
            self._floating_ip(ports[plans[0].name])
        return [
            _describe(row, volumes[row.name], ports[row.name]) for row in made
        ]

    def _ensure_keypair(self) -> None:
        compute, name = self._cloud.compute, self._names.keypair
        if compute.find_keypair(name) is None:
            compute.create_keypair(name=name)

    def _volumes(self, plan: Plan) -> list[typing.Any]:
        names = [f"{plan.name}-boot"]
        names += [f"{plan.name}-data-{n}" for n in range(1, plan.volumes)]
        return [
            self._volume(name, boot=index == 0)
            for index, name in enumerate(names)
        ]

    def _volume(self, name: str, boot: bool) -> typing.Any:
        storage = self._cloud.block_storage
        for row in storage.volumes(name=name):
            return row
        attributes: Json = {
            "name": name,
            "size": ROOT_GIB if boot else DATA_GIB,
            "volume_type": self._names.volume_type,
        }
        if boot and self._names.image:
            image = self._cloud.image.find_image(
                self._names.image, ignore_missing=False
            )
            attributes["image_id"] = image.id
        made = storage.create_volume(**attributes)
        if boot and not self._names.image:
            self._wait_for_volume(made)
            storage.set_volume_bootable_status(made, True)
        return made

    def _wait_for_volume(self, row: typing.Any) -> None:
        if row.status == "in-use":
            return
        self._cloud.block_storage.wait_for_status(
            row,
            "available",
            failures=["error"],
            interval=POLL_SECONDS,
            wait=WAIT_SECONDS,
        )

    def _port(self, index: int, plan: Plan) -> typing.Any:
        network = self._cloud.network
        name = f"{plan.name}-port"
        for row in network.ports(name=name):
            return row
        net = network.find_network(self._names.network, ignore_missing=False)
        group = network.find_security_group(
            self._names.security_group, ignore_missing=False
        )
        subnet = next(iter(network.subnets(network_id=net.id, ip_version=4)))
        first = ipaddress.ip_network(subnet.cidr)[FIRST_ADDRESS]
        return network.create_port(
            name=name,
            network_id=net.id,
            security_group_ids=[group.id],
            fixed_ips=[
                {"subnet_id": subnet.id, "ip_address": str(first + index)}
            ],
        )

    def _server(
        self, plan: Plan, volumes: list[typing.Any], port: typing.Any
    ) -> typing.Any:
        compute = self._cloud.compute
        for row in compute.servers(name=f"^{plan.name}$"):
            return row
        flavor = compute.find_flavor(self._names.flavor, ignore_missing=False)
        data = USER_DATA.format(name=plan.name).encode()
        return compute.create_server(
            name=plan.name,
            description=f"The {plan.role} server of the tour",
            flavor_id=flavor.id,
            key_name=self._names.keypair,
            metadata={"role": plan.role},
            user_data=base64.b64encode(data).decode(),
            networks=[{"port": port.id}],
            block_device_mapping=[
                _mapping(row, index) for index, row in enumerate(volumes)
            ],
        )

    def _wait_for_server(self, row: typing.Any) -> typing.Any:
        return self._cloud.compute.wait_for_server(
            row, interval=POLL_SECONDS, wait=WAIT_SECONDS
        )

    def _floating_ip(self, port: typing.Any) -> None:
        network = self._cloud.network
        for _row in network.ips(port_id=port.id):
            return
        external = network.find_network(
            self._names.external_network, ignore_missing=False
        )
        network.create_ip(floating_network_id=external.id, port_id=port.id)


def _mapping(volume: typing.Any, index: int) -> Json:
    return {
        "uuid": volume.id,
        "source_type": "volume",
        "destination_type": "volume",
        "boot_index": 0 if index == 0 else -1,
        "delete_on_termination": False,
    }


def _describe(
    server: typing.Any, volumes: list[typing.Any], port: typing.Any
) -> Server:
    return Server(
        id=server.id,
        name=server.name,
        volume_ids=tuple(row.id for row in volumes),
        port_ids=(port.id,),
        macs=(port.mac_address,),
        ips=tuple(item["ip_address"] for item in port.fixed_ips),
    )
