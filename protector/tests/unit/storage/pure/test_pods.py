# SPDX-License-Identifier: Apache-2.0
"""Each state that an array tells of a pod, those too that the emulated
arrays are never in."""

from types import SimpleNamespace
from typing import Any

from protector import exception
from protector.storage.pure import adapter, pods
from protector.tests import base

NAME = "pod-a::volume-1-cinder"
ARRAYS = ("array-a", "array-b")
NOT_ONLINE = ("offline", "resyncing", "suspended", "unknown", "a new one")


def pod(here: str, mediator: str = "online", **values: Any) -> adapter.Pod:
    """A pod that is online at the other array.

    :param here: its state on ``array-a``.
    """
    given = {
        "name": "pod-a",
        "arrays": {"array-a": here, "array-b": "online"},
        "mediators": {"array-a": mediator, "array-b": "online"},
        "destroyed": False,
    }
    return adapter.Pod(**given | values)


def array(*found: adapter.Pod) -> Any:
    return SimpleNamespace(pods=lambda: {one.name: one for one in found})


class PodsTest(base.TestCase):
    def not_online(self, one: Any) -> exception.PodNotOnline:
        """What an array says of a pod that it cannot use."""
        return self.assertRaises(
            exception.PodNotOnline,
            pods.require_online,
            one,
            "array-a",
            NAME,
        )

    def test_online_is_used(self) -> None:
        online = array(pod("online"))
        pods.require_online(online, "array-a", NAME)
        pods.require_writable(online, "array-a", NAME)
        self.assertIsNone(pods.obstacle(online, "array-a", NAME))
        self.assertIsNone(pods.degraded(pod("online"), ARRAYS))

    def test_anything_else_is_not_forced(self) -> None:
        for state in NOT_ONLINE:
            one = array(pod(state))
            error = self.not_online(one)
            self.assertIn(f"is {state} on array array-a", error.message)
            self.assertTrue(error.remedy)
            self.assertRaises(
                exception.PodRefuses,
                pods.require_writable,
                one,
                "array-a",
                NAME,
            )
            self.assertIn(state, pods.degraded(pod(state), ARRAYS))

    def test_a_pod_that_is_not_there(self) -> None:
        for one in (array(), array(pod("online", destroyed=True))):
            remedy = self.not_online(one).remedy
            self.assertIn("Stretch the pod", remedy)

    def test_a_refused_overwrite_is_the_pods_if_one_side_is_away(self) -> None:
        refused = exception.ArrayError("no")
        for state in NOT_ONLINE:
            told = pods.refusal(array(pod(state)), NAME, refused)
            self.assertIsInstance(told, exception.PodRefuses)
        whole = array(pod("online"))
        self.assertIs(refused, pods.refusal(whole, NAME, refused))

    def test_no_mediator_is_degraded(self) -> None:
        told = pods.degraded(pod("online", mediator="unreachable"), ARRAYS)
        self.assertIn("mediator", told)
        self.assertIn("unreachable", told)

    def test_what_lies_in_no_pod_needs_none(self) -> None:
        pods.require_online(array(), "array-a", "volume-1-cinder")
        pods.require_writable(array(), "array-a", "volume-1-cinder")
