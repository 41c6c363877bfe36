# SPDX-License-Identifier: Apache-2.0
"""The base of the contract tests of Nova: a network, and servers on it."""

import secrets
import typing

from novaclient import exceptions

from protector.tests.unit.sandbox.cloud import storage_contract


class ServerContractTestCase(storage_contract.StorageContractTestCase):
    """One cloud, with a network of the tenant."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        network = cls.tenant.network
        cls.network = network.create_network(name="contract-net")
        cls.addClassCleanup(network.delete_network, cls.network)
        cls.subnet = network.create_subnet(
            network_id=cls.network.id, ip_version=4, cidr="10.99.0.0/24"
        )
        flavors = cls.servers.flavors.list()
        cls.flavor = min(flavors, key=lambda row: row.ram)

    def boot(
        self, *volumes: typing.Any, wait: bool = True, **kwargs: typing.Any
    ) -> typing.Any:
        """Boot a server from volumes; return it when it is ACTIVE."""
        made = self.servers.servers.create(
            f"s-{secrets.token_hex(4)}",
            None,
            self.flavor,
            nics=kwargs.pop("nics", "none"),
            block_device_mapping_v2=[
                mapping(row.id, index) for index, row in enumerate(volumes)
            ],
            **kwargs,
        )
        self.addCleanup(self.drop_server, made.id)
        return self.reach(made.id, "ACTIVE") if wait else made

    def boot_one(self, **kwargs: typing.Any) -> typing.Any:
        """Boot a server from a new bootable volume."""
        return self.boot(self.bootable(), **kwargs)

    def bootable(self) -> typing.Any:
        """Make a blank volume that says it is bootable."""
        row = self.new_volume()
        self.volumes.volumes.set_bootable(row, True)
        return row

    def reach(self, server_id: str, status: str) -> typing.Any:
        """Return a server when it has a status and no task."""

        def there() -> bool:
            row = self.servers.servers.get(server_id)
            state = getattr(row, "OS-EXT-STS:task_state")
            return row.status == status and state is None

        self.wait(there)
        return self.servers.servers.get(server_id)

    def drop_server(self, server_id: str) -> None:
        """Delete a server if it is there, and wait until it is gone."""
        try:
            self.servers_admin.servers.delete(server_id)
        except exceptions.NotFound:
            return
        self.wait(lambda: self.server_is_gone(server_id))

    def server_is_gone(self, server_id: str) -> bool:
        """Whether a server is gone."""
        try:
            self.servers_admin.servers.get(server_id)
        except exceptions.NotFound:
            return True
        return False

    def parked(self, *volumes: typing.Any, **kwargs: typing.Any) -> typing.Any:
        """Boot, stop and shelve a server."""
        row = self.boot(*volumes, **kwargs)
        self.servers.servers.stop(row)
        self.reach(row.id, "SHUTOFF")
        self.servers.servers.shelve(row)
        return self.reach(row.id, "SHELVED_OFFLOADED")

    def new_port(self, **kwargs: typing.Any) -> typing.Any:
        """Make a port on the tenant's network."""
        port = self.tenant.network.create_port(
            network_id=self.network.id, **kwargs
        )
        self.addCleanup(self.tenant.network.delete_port, port)
        return port


def mapping(volume_id: str, index: int, **kwargs: object) -> dict:
    """Return the block device mapping of an existing volume."""
    return {
        "uuid": volume_id,
        "source_type": "volume",
        "destination_type": "volume",
        "boot_index": 0 if index == 0 else -1,
        "delete_on_termination": False,
        **kwargs,
    }
