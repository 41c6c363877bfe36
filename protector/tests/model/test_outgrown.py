# SPDX-License-Identifier: Apache-2.0
"""A parked original whose volumes were outgrown while the group was away, and
a move back that failed once: whoever deleted the original meanwhile, the
retry finds its way."""

from typing import Any

from protector import exception
from protector.engine import steps
from protector.engine.context import StepContext
from protector.tests import base
from protector.tests.model import bed, mutations, world

TOKEN = 1
SIZE = 5


class OutgrownTest(base.TestCase):
    DEFAULT_TIMEOUT = 600

    def test_the_move_had_deleted_it(self) -> None:
        self._fail_at("volumes.overwrite")
        self.assertNotIn(self.original, self._servers())
        self._is_back_after_retry()

    def test_its_user_deletes_it(self) -> None:
        self._fail_at("replication.warm")
        self.place.clouds["a"].compute.delete_server(self.original)
        self._is_back_after_retry()

    def test_its_user_deletes_it_with_its_disks(self) -> None:
        self._fail_at("replication.warm")
        cloud = self.place.clouds["a"]
        disks = [d.volume_id for d in cloud.compute.disks[self.original]]
        cloud.compute.delete_server(self.original)
        for volume_id in disks:
            group_id = cloud.volume.get(volume_id).group_id
            cloud.volume.update_group(group_id, remove=[volume_id])
            cloud.volume.delete(volume_id)
        self._is_back_after_retry()

    def _servers(self) -> Any:
        return self.place.clouds["a"].compute.rows

    def _fail_at(self, name: str) -> None:
        """The move back fails once, and is taken back."""
        self.place = self.useFixture(bed.Bed())
        self.place.begin(1)
        self.place.run(35)
        self.original = self.place.servers["web"]
        self._move("b", "failover", "completed")
        self._grow()
        run, left = steps.STEPS[name].run, [name]

        def failing(ctx: StepContext) -> Any:
            if left:
                raise exception.UnexpectedState(f"{left.pop()} fails")
            return run(ctx)

        self.useFixture(mutations.Mutation((), runs={name: failing}))
        self.operation_id = self._move("a", "failback", "failed")

    def _move(self, letter: str, verb: str, status: str) -> str:
        path = f"/protection-groups/{self.place.group_id}/action"
        body = {verb: {"type": "planned"}}
        answer = self.place.sites[letter].ask("POST", path, body)
        self.assertEqual(202, answer[0], answer)
        self.place.settle()
        last = world.held(self.place, letter).operations[-1]
        self.assertEqual((verb, status), (last.kind, last.status), last.error)
        return str(last.id)

    def _grow(self) -> None:
        """The user's volumes at b, to which something is written, too."""
        cloud = self.place.clouds["b"]
        (server,) = world.running(self.place, "b", "web")
        for disk in cloud.compute.disks[server.id]:
            cloud.volume.set(disk.volume_id, size=SIZE)
            volume = cloud.volume.on_array(disk.volume_id)
            volume.size, volume.content = SIZE, frozenset({TOKEN})
        self.place.run(60)

    def _is_back_after_retry(self) -> None:
        site = self.place.sites["a"]
        path = f"/operations/{self.operation_id}/action"
        answer = site.ask("POST", path, {"retry": {}})
        self.assertLess(answer[0], 300, answer)
        self.place.settle()
        (server,) = world.running(self.place, "a", "web")
        cloud = self.place.clouds["a"]
        sizes = {
            cloud.volume.get(d.volume_id).size
            for d in cloud.compute.disks[server.id]
        }
        self.assertEqual({SIZE}, sizes)
        held = world.contents(self.place, "a", server.id)
        self.assertEqual({TOKEN}, held)
        (member,) = world.held(self.place, "a").members
        self.assertEqual(server.id, member.copy(site.site_id).server_id)
