# SPDX-License-Identifier: Apache-2.0
"""The tour's servers, on an emulated site."""

from protector.sandbox import workload
from protector.tests import base
from protector.tests.fixtures import (
    emulated_arrays,
    emulated_cloud,
    emulated_site,
)


class WorkloadTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        arrays = self.useFixture(emulated_arrays.EmulatedArrays())
        self.site = self.useFixture(
            emulated_cloud.EmulatedCloud(
                array=emulated_site.array_of(arrays.a, arrays.b.name),
                peer_array=emulated_site.array_of(arrays.b, arrays.a.name),
            )
        )

    def test_it_is_made_once(self) -> None:
        session = self.site.session()
        made = workload.create_workload(session)
        self.assertEqual(
            {"web-server-1": 2, "app-server-1": 2, "db-server-1": 3},
            {row.name: len(row.volume_ids) for row in made},
        )
        self.assertEqual(made, workload.create_workload(session))
        cloud = self.site.connect()
        self.addCleanup(cloud.close)
        servers = {row.id: row for row in cloud.compute.servers()}
        self.assertEqual({row.id for row in made}, set(servers))
        self.assertEqual(7, len(list(cloud.block_storage.volumes())))
        for row in made:
            seen = servers[row.id]
            self.assertEqual("ACTIVE", seen.status)
            self.assertEqual("demo-key", seen.key_name)
            self.assertEqual([{"name": "web"}], seen.security_groups)
            ports = list(cloud.network.ports(device_id=row.id))
            self.assertEqual(list(row.port_ids), [p.id for p in ports])
            self.assertEqual(row.macs[0], ports[0].mac_address)
        address = next(iter(cloud.network.ips()))
        self.assertEqual(made[0].port_ids[0], address.port_id)
