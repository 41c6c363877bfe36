# SPDX-License-Identifier: Apache-2.0
"""What Nova does with servers, real or emulated."""

import base64
import secrets

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from protector.tests.unit.sandbox.cloud import server_contract
from protector.tests.unit.sandbox.cloud.storage_contract import nova


class BootContractTest(server_contract.ServerContractTestCase):
    def test_version_discovery(self) -> None:
        found = self.servers.versions.get_current()
        self.assertEqual("2.1", found.min_version)
        minor = int(found.version.split(".")[1])
        self.assertGreaterEqual(minor, 96)

    def test_boot_from_volumes(self) -> None:
        root, data = self.bootable(), self.new_volume()
        row = self.boot(root, data, tags=["red"], meta={"role": "web"})
        self.assertEqual("", row.image)
        self.assertEqual(self.flavor.name, row.flavor["original_name"])
        self.assertEqual({"role": "web"}, row.metadata)
        self.assertEqual(["red"], row.tags)
        self.assertEqual(1, getattr(row, "OS-EXT-STS:power_state"))
        found = self.servers.volumes.get_server_volumes(row.id)
        self.assertEqual({root.id, data.id}, {item.volumeId for item in found})
        seen = self.idle(root.id)
        self.assertEqual("in-use", seen.status)
        self.assertEqual(row.id, seen.attachments[0]["server_id"])

    def test_what_only_an_admin_sees(self) -> None:
        row = self.boot_one(userdata=b"#!/bin/true")
        hidden = ("user_data", "root_device_name", "host")
        for name in hidden:
            self.assertFalse(hasattr(row, f"OS-EXT-SRV-ATTR:{name}"), name)
        self.assertTrue(hasattr(row, "OS-EXT-SRV-ATTR:hostname"))
        seen = self.servers_admin.servers.get(row.id)
        text = getattr(seen, "OS-EXT-SRV-ATTR:user_data")
        self.assertEqual(b"#!/bin/true", base64.b64decode(text))
        device = getattr(seen, "OS-EXT-SRV-ATTR:root_device_name")
        first = self.servers.volumes.get_server_volumes(row.id)[0]
        self.assertEqual(device, first.device)

    def test_the_flavor_before_2_47(self) -> None:
        row = self.boot_one()
        old = nova(self.tenant, "2.46").servers.get(row.id)
        self.assertEqual(self.flavor.id, old.flavor["id"])

    def test_a_key_belongs_to_its_user(self) -> None:
        name = f"k-{secrets.token_hex(4)}"
        key = (
            ed25519.Ed25519PrivateKey.generate()
            .public_key()
            .public_bytes(
                serialization.Encoding.OpenSSH,
                serialization.PublicFormat.OpenSSH,
            )
            .decode()
        )
        self.servers_admin.keypairs.create(name, public_key=key)
        self.addCleanup(self.servers_admin.keypairs.delete, name)
        self.says(
            400, "Invalid key_name provided.", self.boot_one, key_name=name
        )
        self.servers.keypairs.create(name, public_key=key)
        row = self.boot_one(key_name=name)
        self.servers.keypairs.delete(name)
        self.assertEqual(name, self.servers.servers.get(row.id).key_name)
        owner = self.tenant.current_user_id
        self.says(
            404,
            f"Keypair {name} not found for user {owner}",
            self.servers.keypairs.get,
            name,
        )

    def test_the_root_must_be_bootable(self) -> None:
        row = self.new_volume()
        text = f"Block Device {row.id} is not bootable."
        self.says(400, text, self.boot, row)
        missing = "11111111-2222-3333-4444-555555555555"
        self.says(
            400,
            "Block Device Mapping is Invalid: failed to get volume "
            f"{missing}.",
            self.servers.servers.create,
            "x",
            None,
            self.flavor,
            nics="none",
            block_device_mapping_v2=[server_contract.mapping(missing, 0)],
        )

    def test_a_boot_order_without_a_root(self) -> None:
        row = self.bootable()
        self.says(
            400,
            "Boot sequence for the instance and image/block device mapping "
            "combination is not valid.",
            self.servers.servers.create,
            "x",
            None,
            self.flavor,
            nics="none",
            block_device_mapping_v2=[server_contract.mapping(row.id, 1)],
        )

    def test_a_volume_in_use(self) -> None:
        row = self.bootable()
        self.boot(row)
        self.says(
            400,
            f"Volume {row.id} status must be available or downloading to "
            "reserve, but the current status is in-use.",
            self.boot,
            row,
        )

    def test_networks_must_be_named(self) -> None:
        self.says(
            400,
            "Port id 11111111-2222-3333-4444-555555555555 could not be found",
            self.boot_one,
            nics=[{"port-id": "11111111-2222-3333-4444-555555555555"}],
        )

    def test_a_given_port_is_bound_and_survives(self) -> None:
        port = self.new_port(fixed_ips=[{"ip_address": "10.99.0.77"}])
        row = self.boot_one(nics=[{"port-id": port.id}])
        get = self.tenant.network.get_port
        seen = get(port.id)
        self.assertEqual((row.id, "ACTIVE"), (seen.device_id, seen.status))
        address = row.addresses["contract-net"][0]
        self.assertEqual("10.99.0.77", address["addr"])
        self.assertEqual(port.mac_address, address["OS-EXT-IPS-MAC:mac_addr"])
        text = f"Port {port.id} is still in use."
        self.says(409, text, self.boot_one, nics=[{"port-id": port.id}])
        self.drop_server(row.id)
        seen = get(port.id)
        self.assertEqual(("", "DOWN"), (seen.device_id, seen.status))
        self.assertEqual(port.mac_address, seen.mac_address)

    def test_a_made_port_goes_with_its_server(self) -> None:
        row = self.boot_one(nics=[{"net-id": self.network.id}])
        found = self.servers.servers.interface_list(row.id)
        self.assertEqual(self.network.id, found[0].net_id)
        self.drop_server(row.id)
        ports = self.tenant.network.ports(network_id=self.network.id)
        self.assertNotIn(found[0].port_id, [port.id for port in ports])

    def test_delete_on_termination_and_groups(self) -> None:
        root, grouped = self.bootable(), self.new_volume()
        self.new_group(grouped)
        made = self.servers.servers.create(
            "dot",
            None,
            self.flavor,
            nics="none",
            block_device_mapping_v2=[
                server_contract.mapping(
                    item.id, index, delete_on_termination=True
                )
                for index, item in enumerate((root, grouped))
            ],
        )
        self.reach(made.id, "ACTIVE")
        self.drop_server(made.id)
        rows = self.volumes.volumes.list
        self.wait(lambda: root.id not in [row.id for row in rows()])
        self.wait(lambda: self.idle(grouped.id).status == "available")

    def test_the_flag_can_be_cleared(self) -> None:
        root = self.bootable()
        row = self.boot(root)
        update = self.servers.volumes.update_server_volume
        for flag in (True, False):
            update(row.id, root.id, root.id, delete_on_termination=flag)
            found = self.servers.volumes.get_server_volume(row.id, root.id)
            self.assertEqual(flag, found.delete_on_termination)

    def test_a_volume_made_at_boot(self) -> None:
        made = self.servers.servers.create(
            "fresh",
            None,
            self.flavor,
            nics="none",
            block_device_mapping_v2=[
                {
                    "uuid": self.image.id,
                    "source_type": "image",
                    "destination_type": "volume",
                    "volume_size": 1,
                    "boot_index": 0,
                    "volume_type": self.volume_type.name,
                    "delete_on_termination": True,
                }
            ],
        )
        self.addCleanup(self.drop_server, made.id)
        self.reach(made.id, "ACTIVE")
        found = self.servers.volumes.get_server_volumes(made.id)
        self.assertEqual("true", self.idle(found[0].volumeId).bootable)

    def test_quota(self) -> None:
        project = self.tenant.current_project_id
        self.servers_admin.quotas.update(project, instances=0)
        self.addCleanup(self.servers_admin.quotas.delete, project)
        self.says(
            403,
            "Quota exceeded for instances: Requested 1, but already used 0 "
            "of 0 instances",
            self.boot_one,
        )

    def test_lists(self) -> None:
        row = self.boot_one(tags=["a", "b"])
        find = self.servers.servers.list
        for options in (
            {"name": row.name},
            {"status": "ACTIVE", "name": row.name},
            {"tags": "a,b"},
            {"changes-since": row.created, "name": row.name},
        ):
            found = [item.id for item in find(search_opts=options)]
            self.assertEqual([row.id], found, options)
        self.assertEqual([], find(search_opts={"tags": "a,c"}))
        self.says(
            403,
            "os_compute_api:servers:detail:get_all_tenants",
            find,
            search_opts={"all_tenants": 1},
        )
        every = self.servers_admin.servers.list(
            search_opts={"all_tenants": 1, "tags": "a,b"}
        )
        self.assertEqual([row.id], [item.id for item in every])
        self.says(
            404,
            f"Instance {row.id} could not be found.",
            nova(self.stranger).servers.get,
            row.id,
        )


class ActionsContractTest(server_contract.ServerContractTestCase):
    def test_stop_and_start(self) -> None:
        row = self.boot_one()
        self.servers.servers.stop(row)
        self.reach(row.id, "SHUTOFF")
        self.says(
            409,
            f"Cannot 'stop' instance {row.id} while it is in vm_state stopped",
            self.servers.servers.stop,
            row,
        )
        self.servers.servers.start(row)
        self.reach(row.id, "ACTIVE")
        names = [a.action for a in self.servers.instance_action.list(row.id)]
        self.assertEqual(["start", "stop", "create"], names)
        first = self.servers.instance_action.list(row.id)[0]
        shown = self.servers.instance_action.get(row.id, first.request_id)
        self.assertEqual("Success", shown.events[0]["result"])

    def test_pause_and_suspend_refuse_stop(self) -> None:
        row = self.boot_one()
        self.servers.servers.pause(row)
        self.reach(row.id, "PAUSED")
        text = "while it is in vm_state paused"
        self.says(409, text, self.servers.servers.stop, row)
        self.servers.servers.unpause(row)
        self.reach(row.id, "ACTIVE")
        self.servers.servers.suspend(row)
        self.reach(row.id, "SUSPENDED")
        self.servers.servers.shelve(row)
        self.reach(row.id, "SHELVED_OFFLOADED")

    def test_reboot_rescue_and_reset(self) -> None:
        row = self.boot_one()
        self.servers.servers.reboot(row, "HARD")
        self.reach(row.id, "ACTIVE")
        self.says(
            403,
            "os_compute_api:os-admin-actions:reset_state",
            self.servers.servers.reset_state,
            row,
        )
        self.servers_admin.servers.reset_state(row)
        self.assertEqual("ERROR", self.servers.servers.get(row.id).status)
        self.servers.servers.stop(row)
        self.reach(row.id, "SHUTOFF")

    def test_a_lock_by_a_token_of_the_project_is_the_owners(self) -> None:
        row = self.boot_one()
        self.servers.servers.lock(row, reason="maintenance")
        seen = self.servers.servers.get(row.id)
        self.assertEqual(
            (True, "maintenance"), (seen.locked, seen.locked_reason)
        )
        text = f"Instance {row.id} is locked"
        self.says(409, text, self.servers.servers.stop, row)
        self.says(409, text, self.servers.servers.delete, row)
        self.servers.servers.unlock(row)
        self.servers.servers.stop(row)
        self.reach(row.id, "SHUTOFF")

    def test_a_lock_by_an_admin_elsewhere_holds(self) -> None:
        row = self.boot_one()
        self.servers_admin.servers.lock(row.id)
        self.says(
            403,
            "Policy doesn't allow os_compute_api:os-lock-server:unlock:"
            "unlock_override to be performed.",
            self.servers.servers.unlock,
            row,
        )
        text = f"Instance {row.id} is locked"
        self.says(409, text, self.servers.servers.stop, row)
        self.servers_admin.servers.stop(row.id)
        self.reach(row.id, "SHUTOFF")
        self.servers_admin.servers.unlock(row.id)
        self.servers.servers.start(row)
        self.reach(row.id, "ACTIVE")

    def test_data_volumes_come_and_go(self) -> None:
        root, data = self.bootable(), self.new_volume()
        row = self.boot(root)
        attached = self.servers.volumes.create_server_volume(row.id, data.id)
        self.assertTrue(attached.device.startswith("/dev/"))
        self.wait(lambda: self.idle(data.id).status == "in-use")
        self.says(
            400,
            f"volume {data.id} is already attached to instances: {row.id}",
            self.servers.volumes.create_server_volume,
            row.id,
            data.id,
        )
        self.says(
            400,
            "Cannot detach a root device volume",
            self.servers.volumes.delete_server_volume,
            row.id,
            root.id,
        )
        self.servers.volumes.delete_server_volume(row.id, data.id)
        self.wait(lambda: self.idle(data.id).status == "available")
        self.says(
            404,
            f"Instance {row.id} is not attached to volume {data.id}",
            self.servers.volumes.delete_server_volume,
            row.id,
            data.id,
        )

    def test_an_attachment_in_use_is_protected(self) -> None:
        root = self.bootable()
        self.boot(root)
        key = self.idle(root.id).attachments[0]["attachment_id"]
        self.says(
            409,
            "using the Compute API",
            self.volumes.attachments.delete,
            key,
        )

    def test_interfaces_come_and_go(self) -> None:
        row = self.boot_one()
        attach = self.servers.servers.interface_attach
        made = attach(row, None, self.network.id, None)
        self.assertEqual(self.network.id, made.net_id)
        self.servers.servers.interface_detach(row, made.port_id)
        listed = self.servers.servers.interface_list
        self.wait(lambda: not listed(row))

    def test_resize(self) -> None:
        hosts = self.servers_admin.hypervisors.list()
        if self.under_test.emulated is None and len(hosts) < 2:
            self.skipTest("Nova does not resize to the same host")
        name = f"f-{secrets.token_hex(4)}"
        flavors = self.servers_admin.flavors
        other = flavors.create(name, self.flavor.ram * 2, 1, self.flavor.disk)
        self.addCleanup(flavors.delete, other)
        row = self.boot_one()
        self.servers.servers.resize(row, other)
        self.reach(row.id, "VERIFY_RESIZE")
        self.servers.servers.confirm_resize(row)
        seen = self.reach(row.id, "ACTIVE")
        self.assertEqual(other.name, seen.flavor["original_name"])

    def test_server_groups(self) -> None:
        group = self.servers.server_groups.create("g", "soft-anti-affinity")
        self.addCleanup(self.servers.server_groups.delete, group.id)
        row = self.boot_one(scheduler_hints={"group": group.id})
        self.assertEqual([group.id], row.server_groups)
        found = self.servers.server_groups.get(group.id)
        self.assertEqual([row.id], found.members)
