# SPDX-License-Identifier: Apache-2.0
"""Suffixes, and which members a recovery point holds."""

import datetime

from protector.engine import replication
from protector.storage import base as storage
from protector.tests import base
from protector.tests.unit.engine import fake_scene

NOW = datetime.datetime(2026, 11, 24, tzinfo=datetime.UTC)
HERE, THERE = fake_scene.HERE, fake_scene.THERE


def point(*volumes: str) -> storage.Point:
    return storage.Point("a:g.1", "1", NOW, NOW, 1.0, 1, frozenset(volumes))


class MembersTest(base.TestCase):
    def test_the_suffix_tells_the_epoch(self) -> None:
        self.assertEqual("e2", replication.epoch_suffix(2))
        self.assertEqual(
            "e12-final-1a2b-1",
            replication.epoch_suffix(12, "final", "1a2b-1"),
        )

    def test_only_members_all_of_whose_volumes_are_in_it(self) -> None:
        one = fake_scene.member("one")
        two = fake_scene.member("two")
        two.volumes.append(fake_scene.volume(HERE, "two", 1))
        # of no account: the copy at the other site
        two.volumes.append(fake_scene.volume(THERE, "two", 0))
        members = [one, two]
        names = [f"{HERE}-{x}-cinder" for x in ("one-0", "two-0", "two-1")]
        for volumes, expected in (
            (names, ["m-one", "m-two"]),
            ([*names, "another"], ["m-one", "m-two"]),
            (names[:2], ["m-one"]),
            (names[1:], ["m-two"]),
            ([], []),
        ):
            found = replication.members_in(point(*volumes), members, HERE)
            self.assertEqual(expected, found)

    def test_a_member_without_volumes_is_in_no_point(self) -> None:
        bare = fake_scene.member("bare", volumes=[])
        self.assertEqual([], replication.members_in(point("x"), [bare], HERE))

    def test_a_volume_not_seen_on_the_array_is_in_no_point(self) -> None:
        member = fake_scene.member("one")
        member.volumes[0].array_volume = None
        self.assertEqual(
            [], replication.members_in(point("x"), [member], HERE)
        )
        self.assertEqual([], replication.array_volumes([member], HERE))

    def test_the_volumes_at_one_site(self) -> None:
        members = [fake_scene.member("one"), fake_scene.member("two")]
        members[0].volumes.append(fake_scene.volume(THERE, "one", 0))
        self.assertEqual(
            ["here-one-0-cinder", "here-two-0-cinder"],
            replication.array_volumes(members, HERE),
        )
        self.assertEqual(
            ["there-one-0-cinder"], replication.array_volumes(members, THERE)
        )
