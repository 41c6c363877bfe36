# SPDX-License-Identifier: Apache-2.0
"""What users did at the site that took over, and what became of the
originals meanwhile, when a group is taken home: also without a word from the
site that it leaves."""

from typing import Any

from protector import constants as c
from protector.clients import types
from protector.tests import base
from protector.tests.model import bed, cloud, invariants, world

THERE, LATER = 1, 2
PLANNED = {"type": "planned"}
UNPLANNED = {"type": "unplanned", "confirm": True}
# both sites have settled what is new, and a point of it is there
SETTLED = 300


class ChangedThereTest(base.TestCase):
    DEFAULT_TIMEOUT = 600

    def setUp(self) -> None:
        super().setUp()
        self.place = self.useFixture(bed.Bed())
        self.place.begin(1)
        self.watch = invariants.Watch(self.place)
        self.place.run(35)
        self.original = self.place.servers["web"]
        self.home, self.away = (self.place.clouds[s] for s in "ab")

    # -- to rebuilt originals

    def test_planned_to_originals_that_are_gone(self) -> None:
        self._move("b", c.Verb.FAILOVER, UNPLANNED)
        self._lose_the_originals()
        self._write(THERE)
        self._move("a", c.Verb.FAILBACK, PLANNED)
        self._is_rebuilt()

    def test_unplanned_to_originals_that_are_gone(self) -> None:
        self._move("b", c.Verb.FAILOVER, UNPLANNED)
        self._lose_the_originals()
        self._write(THERE)
        self._send()
        self._move("a", c.Verb.FAILBACK, UNPLANNED)
        self._is_rebuilt()

    def _lose_the_originals(self) -> None:
        """Their user deletes what was fenced, server and volumes."""
        self.home.compute.unlock(self.original)
        disks = self.home.compute.disks[self.original]
        self.home.compute.delete_server(self.original)
        for disk in disks:
            self._delete(self.home, disk.volume_id)

    def _is_rebuilt(self) -> None:
        (server,) = world.running(self.place, "a", "web")
        self.assertNotEqual(self.original, server.id)
        self.assertEqual(2, len(self.home.compute.disks[server.id]))
        self.assertIn(THERE, world.contents(self.place, "a", server.id))
        self._is_well()

    # -- to originals, after changes at the other site

    def test_unplanned_after_volumes_were_attached_and_detached(self) -> None:
        """What no point holds stays where it is, with its content."""
        server = self._moved()
        made = self.away.volume.create(
            name="new", size=1, volume_type=cloud.TYPE, metadata={}
        )
        self._attach(server.id, made.id)
        self._write(THERE)
        detached = self._detach(server.id, 1)
        self._write(LATER)
        self._send()
        self._move("a", c.Verb.FAILBACK, UNPLANNED)
        self._is_home()
        for volume_id, expected in (
            (made.id, {THERE, LATER}),
            (detached, {THERE}),
        ):
            held = self.away.volume.on_array(volume_id).content
            self.assertEqual(expected, held)

    def test_unplanned_after_a_volume_was_deleted(self) -> None:
        server = self._moved()
        self._write(THERE)
        self._send()
        self._delete(self.away, self._detach(server.id, 1))
        self._move("a", c.Verb.FAILBACK, UNPLANNED)
        self._is_home()

    def _moved(self) -> Any:
        """The server at the other site, where the group was moved to."""
        self._move("b", c.Verb.FAILOVER, PLANNED)
        (server,) = world.running(self.place, "b", "web")
        return server

    def _is_home(self) -> None:
        """With all disks of the original and what was sent."""
        (server,) = world.running(self.place, "a", "web")
        self.assertEqual(self.original, server.id)
        disks = self.home.compute.disks[server.id]
        self.assertEqual(2, len(disks))
        for disk in disks:
            held = self.home.volume.on_array(disk.volume_id).content
            self.assertIn(THERE, held)
        self._is_well()

    # -- what users do

    def _attach(self, server_id: str, volume_id: str) -> None:
        disks = self.away.compute.disks[server_id]
        disks.append(
            types.Attachment(server_id, volume_id, "/dev/vdc", None, False)
        )
        self.away.volume.set(
            volume_id, status="in-use", server_ids=(server_id,)
        )
        self.away.volume.on_array(volume_id).hosts = cloud.HOST

    def _detach(self, server_id: str, place: int) -> str:
        """The id of the volume."""
        disk = self.away.compute.disks[server_id].pop(place)
        self.away.volume.set(disk.volume_id, status="available", server_ids=())
        self.away.volume.on_array(disk.volume_id).hosts = ()
        return str(disk.volume_id)

    def _delete(self, site: Any, volume_id: str) -> None:
        """Out of the group first: Cinder deletes nothing that is in one."""
        group_id = site.volume.get(volume_id).group_id
        site.volume.update_group(group_id, remove=[volume_id])
        site.volume.delete(volume_id)

    def _write(self, token: int) -> None:
        """By the guest at the other site, to all its disks."""
        (server,) = world.running(self.place, "b", "web")
        self.watch.written.add(token)
        for disk in self.away.compute.disks[server.id]:
            volume = self.away.volume.on_array(disk.volume_id)
            volume.content |= {token}

    # -- moves

    def _send(self) -> None:
        """What was written is in a point."""
        self._ask("b", c.Verb.REPLICATE, {})
        self.place.run(SETTLED)

    def _move(self, letter: str, verb: str, args: Any) -> None:
        self._ask(letter, verb, args)
        last = world.held(self.place, letter).operations[-1]
        self.assertEqual(
            (verb, "completed"), (last.kind, last.status), last.error
        )
        self.place.run(SETTLED)

    def _ask(self, letter: str, verb: str, args: Any) -> None:
        path = f"/protection-groups/{self.place.group_id}/action"
        answer = self.place.sites[letter].ask("POST", path, {verb: args})
        self.assertEqual(202, answer[0], answer)
        self.place.settle()

    def _is_well(self) -> None:
        """One copy runs, nothing is lost, both sites agree."""
        self.assertEqual([], world.running(self.place, "b", "web"))
        self.watch.check()
