# SPDX-License-Identifier: Apache-2.0
"""Parking a server, and what the guest can do, real or emulated."""

import requests

from protector.tests.unit.sandbox.cloud import server_contract


class ShelveContractTest(server_contract.ServerContractTestCase):
    def test_a_parked_server_keeps_its_own(self) -> None:
        root, data = self.bootable(), self.new_volume()
        port = self.new_port()
        row = self.parked(root, data, nics=[{"port-id": port.id}])
        for volume in (root, data):
            self.assertEqual("reserved", self.idle(volume.id).status)
        seen = self.tenant.network.get_port(port.id)
        self.assertEqual(
            (row.id, "DOWN", port.mac_address),
            (seen.device_id, seen.status, seen.mac_address),
        )
        self.assertEqual(port.fixed_ips, seen.fixed_ips)
        admin = self.servers_admin.servers.get(row.id)
        self.assertIsNone(getattr(admin, "OS-EXT-SRV-ATTR:host"))
        self.servers.servers.unshelve(row)
        self.reach(row.id, "ACTIVE")
        self.assertEqual("in-use", self.idle(root.id).status)
        seen = self.tenant.network.get_port(port.id)
        self.assertEqual("ACTIVE", seen.status)

    def test_what_a_parked_volume_refuses(self) -> None:
        root = self.bootable()
        group = self.new_group(root)
        row = self.parked(root)
        volumes = self.volumes.volumes
        self.says(400, "currently reserved", volumes.extend, root, 2)
        self.says(400, "belong to a group", volumes.delete, root)
        self.says(
            400,
            f"Volume {root.id} status must be available, in-use, but current "
            "status is: reserved.",
            self.volumes.volume_snapshots.create,
            root.id,
        )
        self.says(
            400,
            "because volume is in an invalid state: reserved.",
            self.volumes.groups.update,
            group.id,
            remove_volumes=root.id,
        )
        self.says(
            400,
            "Cannot detach a root device volume",
            self.servers.volumes.delete_server_volume,
            row.id,
            root.id,
        )
        text = "while it is in vm_state shelved_offloaded"
        self.says(409, text, self.servers.servers.resize, row, "nowhere")
        attach = self.servers.servers.interface_attach
        self.says(409, text, attach, row, None, self.network.id, None)
        metadata = self.servers.servers.set_meta
        self.says(409, text, metadata, row, {"a": "b"})
        self.says(409, text, self.servers.servers.add_tag, row, "t")

    def test_groups_of_parked_volumes(self) -> None:
        root = self.bootable()
        group = self.new_group(root)
        row = self.parked(root)
        taken = self.volumes.group_snapshots.create(group.id, "undo")
        get = self.volumes.group_snapshots.get
        self.wait(lambda: get(taken.id).status == "available")
        self.volumes.group_snapshots.delete(taken.id)
        rows = self.volumes.group_snapshots.list
        self.wait(lambda: not rows())
        self.volumes.groups.delete(group.id, delete_volumes=True)
        self.wait(lambda: self.volume_is_gone(root.id))
        self.servers.servers.unshelve(row)
        actions = self.servers.instance_action.list
        self.wait(lambda: actions(row.id)[0].message == "Error")
        seen = self.reach(row.id, "SHELVED_OFFLOADED")
        self.assertFalse(hasattr(seen, "fault"))

    def test_data_volumes_of_a_parked_server(self) -> None:
        data = self.new_volume()
        row = self.parked(self.bootable())
        self.servers.volumes.create_server_volume(row.id, data.id)
        self.wait(lambda: self.idle(data.id).status == "in-use")
        self.servers.volumes.delete_server_volume(row.id, data.id)
        self.wait(lambda: self.idle(data.id).status == "available")

    def test_only_a_shelved_server_is_unshelved(self) -> None:
        row = self.boot_one()
        self.says(
            409,
            f"Cannot 'unshelve' instance {row.id} while it is in vm_state "
            "active",
            self.servers.servers.unshelve,
            row,
        )


class GuestTest(server_contract.ServerContractTestCase):
    """The emulator's own: guests, missing hosts, kills."""

    def setUp(self) -> None:
        super().setUp()
        self.need_emulator()

    def guest(
        self,
        method: str,
        server_id: str,
        volume_id: str,
        data: bytes | None = None,
        **query: int,
    ) -> requests.Response:
        path = f"control/servers/{server_id}/volumes/{volume_id}/data"
        return requests.request(
            method,
            f"{self.under_test.emulated.url}/{path}",
            data=data,
            params=query,
            timeout=30,
        )

    def test_a_guest_writes_only_when_it_runs(self) -> None:
        root = self.bootable()
        row = self.boot(root)
        control = self.under_test.emulated.control
        before = control("GET", f"volumes/{root.id}/digest")
        data = self.guest("PUT", row.id, root.id, b"x" * 16, offset=8192)
        self.assertTrue(data.ok, data.text)
        data = self.guest("GET", row.id, root.id, offset=8192, length=4)
        self.assertEqual(b"xxxx", data.content)
        after = control("GET", f"volumes/{root.id}/digest")
        self.assertNotEqual(before["digest"], after["digest"])
        self.servers.servers.stop(row)
        self.reach(row.id, "SHUTOFF")
        for volume_id in (root.id, row.id):
            answer = self.guest("PUT", row.id, volume_id, b"x")
            self.assertEqual(409, answer.status_code)

    def test_the_host_is_connected_while_the_server_is_there(self) -> None:
        root = self.bootable()
        row = self.boot(root)
        name = f"volume-{root.id}-cinder"
        connections = self.array.sdk().list_volume_private_connections
        self.assertEqual(1, len(connections(name)))
        self.servers.servers.shelve(row)
        self.reach(row.id, "SHELVED_OFFLOADED")
        self.assertEqual([], connections(name))

    def test_no_host(self) -> None:
        control = self.under_test.emulated.control
        parked = self.parked(self.bootable())
        control("PATCH", "settings", {"compute_down": True})
        self.addCleanup(control, "PATCH", "settings", {"compute_down": False})
        made = self.boot(self.bootable(), wait=False)
        row = self.reach(made.id, "ERROR")
        self.assertIn("No valid host was found.", row.fault["message"])
        self.servers.servers.unshelve(parked)
        actions = self.servers.instance_action.list
        self.wait(lambda: actions(parked.id)[0].message == "Error")
        self.reach(parked.id, "SHELVED_OFFLOADED")

    def test_a_dead_array_fails_the_boot_and_frees_the_volume(self) -> None:
        root = self.bootable()
        self.array.kill()
        try:
            made = self.boot(root, wait=False)
            row = self.reach(made.id, "ERROR")
            self.assertEqual(500, row.fault["code"])
        finally:
            self.array.start()
        self.assertEqual("available", self.idle(root.id).status)

    def test_higher_microversions_by_a_setting(self) -> None:
        control = self.under_test.emulated.control
        row = self.boot_one(scheduler_hints={"custom": "1"})
        control("PATCH", "settings", {"compute_max_version": "2.104"})
        self.addCleanup(
            control, "PATCH", "settings", {"compute_max_version": None}
        )
        answer = self.tenant.session.get(
            f"/servers/{row.id}",
            endpoint_filter={"service_type": "compute"},
            microversion="2.100",
        )
        hints = answer.json()["server"]["scheduler_hints"]
        self.assertEqual({"custom": "1"}, hints)
