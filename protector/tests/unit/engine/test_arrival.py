# SPDX-License-Identifier: Apache-2.0
"""Content that exists nowhere else is known, or taken for such."""

from protector.engine import arrival
from protector.tests.unit.engine import arrival_case

PARKED = ["shelve", "stop"]


class UniqueTest(arrival_case.ArrivalCase):
    """Of a server at the target, parked by a planned move."""

    def setUp(self) -> None:
        super().setUp()
        self.parked_id = self.park()

    def is_unique(self, *since: str) -> bool:
        """:param since: what was done since the parking, newest first."""
        self.there.compute.actions[self.parked_id] = [*since, *PARKED]
        return arrival.content_is_unique(self.again(), self.row())

    def test_what_stood_still_since_it_was_stopped(self) -> None:
        for since in ((), ("lock",), ("shelveOffload",)):
            self.assertFalse(self.is_unique(*since), since)

    def test_whatever_lets_it_run(self) -> None:
        for action in (
            "start",
            "unshelve",
            "reboot",
            "rebuild",
            "restore",
            "unlock",
            "detach_volume",
            "of a Nova to come",
        ):
            self.assertTrue(self.is_unique(action), action)

    def test_what_comes_after_does_not_hide_it(self) -> None:
        for newer in (("shelve",), ("stop",), ("shelveOffload", "shelve")):
            self.assertTrue(self.is_unique(*newer, "unshelve"), newer)

    def test_that_it_ran_before_is_in_the_last_point(self) -> None:
        self.there.compute.actions[self.parked_id] = ["shelve", "start"]
        self.assertFalse(arrival.content_is_unique(self.again(), self.row()))

    def test_nobody_knows_when_it_was_stopped(self) -> None:
        self.set_copy(stop_request_id=None)
        self.assertTrue(self.is_unique())

    def test_nova_does_not_know_that_it_was_stopped(self) -> None:
        self.set_copy(stop_request_id="req-of-another")
        self.assertTrue(self.is_unique())

    def test_one_that_came_up_and_was_not_settled(self) -> None:
        """Its move was superseded before the group settled there."""
        self.set_copy(role="gone")
        self.assertTrue(self.is_unique())

    def test_volumes_that_never_had_a_server(self) -> None:
        self.set_copy(role="gone", server_id=None)
        self.assertFalse(self.is_unique())
