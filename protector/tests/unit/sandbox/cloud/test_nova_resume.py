# SPDX-License-Identifier: Apache-2.0
"""A cloud that is killed finishes what it had accepted."""

from protector.sandbox import workload
from protector.tests import base
from protector.tests.fixtures import emulated_arrays, emulated_site
from protector.tests.unit.sandbox.cloud import storage_contract

FAST, SLOW = 0.01, 1.0
"""Seconds before a change begins."""
PLAN = workload.Names(
    servers=(workload.Plan("web-server-1", "web", 2),), external_network=None
)


class KillTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        arrays = self.useFixture(emulated_arrays.EmulatedArrays())
        self.site = self.useFixture(emulated_site.CloudProcess(arrays))
        self.client = self.site.connect()
        self.addCleanup(self.client.close)

    def kill_before(self, kind: str) -> None:
        """Kill the cloud while a change of this kind waits its turn."""
        tasks = self.site.pending
        emulated_arrays.wait_until(lambda: kind in tasks(), 30)
        self.site.kill()
        self.site.start()
        self.site.settings(task_delays={"*": FAST})

    def test_every_stage(self) -> None:
        self.site.settings(task_delays={"*": FAST})
        made = workload.create_workload(self.client.session, PLAN)[0]
        nova = storage_contract.nova(self.client)
        for act, kind, status in (
            (nova.servers.stop, "server.change", "SHUTOFF"),
            (nova.servers.shelve, "server.shelve", "SHELVED_OFFLOADED"),
            (nova.servers.unshelve, "server.unshelve", "ACTIVE"),
        ):
            self.site.settings(task_delays={"*": SLOW})
            act(made.id)
            self.kill_before(kind)
            emulated_arrays.wait_until(
                lambda wanted=status: (
                    nova.servers.get(made.id).status == wanted
                ),
                30,
            )
        self.assertEqual(
            set(made.volume_ids),
            {v.volumeId for v in nova.volumes.get_server_volumes(made.id)},
        )
