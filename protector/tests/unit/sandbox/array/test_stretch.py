# SPDX-License-Identifier: Apache-2.0
"""Stretched pods whose arrays part: who goes on, and what comes back."""

from typing import Any
import uuid

import purestorage

from protector.tests import base
from protector.tests.unit.sandbox.array import processes
from protector.tests.unit.sandbox.array.processes import eventually

_DEFAULTS = {
    "mediator_reachable": True,
    "resync_seconds": 0,
    "overwrite_without_peer": True,
    "purity": "6.3.13",
}


class StretchTest(base.TestCase):
    """Two arrays; each test has a stretched pod with a connected volume."""

    one: processes.ArrayProcess
    two: processes.ArrayProcess

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.one, cls.two = processes.connected_pair("sync-replication")
        cls.addClassCleanup(cls.one.remove)
        cls.addClassCleanup(cls.two.remove)
        for process in (cls.one, cls.two):
            process.sdk().create_host("h")

    def setUp(self) -> None:
        super().setUp()
        self.a, self.b = self.one.sdk(), self.two.sdk()
        self.pod = f"pod-{uuid.uuid4().hex[:8]}"
        self.volume = f"{self.pod}::v"
        self.a.create_pod(self.pod)
        self.a.add_pod(self.pod, "array-b")
        self.a.create_volume(self.volume, "1M")
        self.a.connect_host("h", self.volume)
        self.b.connect_host("h", self.volume)
        self.write(self.one, b"well")
        self.addCleanup(self.leave)

    def leave(self) -> None:
        """Take the pod from the pair, so that no later test sees it."""
        self.cut(False)
        for process in (self.one, self.two):
            process.tune(**_DEFAULTS)
        self.await_states("online", "online")
        for array in (self.a, self.b):
            array.disconnect_host("h", self.volume)
        self.a.destroy_volume(self.volume)
        self.a.remove_pod(self.pod, "array-b")
        self.a.destroy_pod(self.pod)
        self.a.eradicate_pod(self.pod)

    def cut(self, cut: bool) -> None:
        self.one.control("PUT", "links/array-b", json={"cut": cut})

    def write(self, process: Any, data: bytes) -> int:
        return process.write(self.volume, 0, data).status_code

    def bytes_at(self, process: processes.ArrayProcess) -> bytes:
        return process.read(self.volume, 0, 4)

    def states(self, array: purestorage.FlashArray) -> dict[str, str]:
        """What an array tells of the pod's arrays."""
        told = array.get_pod(self.pod)["arrays"]
        return {one["name"]: one["status"] for one in told}

    def await_states(self, one: str, two: str) -> None:
        """Wait until each array is, by its own word, in that state."""

        def reached() -> bool:
            return (one, two) == (
                self.states(self.a)["array-a"],
                self.states(self.b)["array-b"],
            )

        eventually(reached, what=f"{one}, {two}")

    def refused(self, call: Any, *args: Any, **kwargs: Any) -> str:
        error = self.assertRaises(
            purestorage.PureHTTPError, call, *args, **kwargs
        )
        self.assertEqual(400, error.code)
        return error.text

    def test_one_goes_on_and_the_other_keeps_old_bytes(self) -> None:
        self.a.create_snapshot(self.volume, suffix="old")
        self.cut(True)
        self.await_states("online", "offline")
        self.assertEqual("offline", self.states(self.a)["array-b"])
        self.assertEqual("unknown", self.states(self.b)["array-a"])
        (frozen,) = [
            one["frozen_at"]
            for one in self.b.get_pod(self.pod)["arrays"]
            if one["name"] == "array-b"
        ]
        self.assertGreater(frozen, 1_600_000_000_000)
        self.assertEqual(200, self.write(self.one, b"newer"))
        self.assertEqual(400, self.write(self.two, b"wrong"))
        self.assertEqual(b"newe", self.bytes_at(self.one))
        self.assertEqual(b"well", self.bytes_at(self.two))
        self.assertEqual(b"well", self.two.read(f"{self.volume}.old", 0, 4))
        self.a.create_volume(f"{self.pod}::w", "1M")
        self.a.extend_volume(self.volume, "2M")
        for call in (
            lambda: self.b.create_volume(f"{self.pod}::x", "1M"),
            lambda: self.b.copy_volume(self.volume, f"out-{self.pod}"),
            lambda: self.b.create_pgroup(f"{self.pod}::g"),
            lambda: self.b.extend_volume(self.volume, "3M"),
        ):
            self.assertIn("not online", self.refused(call))
        self.cut(False)
        self.await_states("online", "online")
        self.assertEqual(b"newe", self.bytes_at(self.two))
        self.assertEqual(2 << 20, self.b.get_volume(self.volume)["size"])
        self.b.destroy_volume(f"{self.pod}::w")
        self.assertEqual(200, self.write(self.two, b"both"))
        self.assertEqual(b"both", self.bytes_at(self.one))

    def test_the_preferred_array_goes_on(self) -> None:
        self.a.set_pod(self.pod, failover_preference=["array-b"])
        self.cut(True)
        self.await_states("offline", "online")
        self.assertEqual(400, self.write(self.one, b"wrong"))
        self.assertEqual(200, self.write(self.two, b"here"))
        self.assertEqual(b"well", self.bytes_at(self.one))

    def test_who_does_not_reach_the_mediator_loses(self) -> None:
        self.one.tune(mediator_reachable=False)
        told = self.b.get_pod(self.pod)["arrays"]
        self.assertEqual(
            {"array-a": "unreachable", "array-b": "online"},
            {one["name"]: one["mediator_status"] for one in told},
        )
        self.assertEqual(200, self.write(self.one, b"fine"))
        self.cut(True)
        self.await_states("offline", "online")

    def test_without_a_mediator_nobody_goes_on(self) -> None:
        for process in (self.one, self.two):
            process.tune(mediator_reachable=False)
        self.cut(True)
        self.await_states("offline", "offline")
        for process in (self.one, self.two):
            self.assertEqual(400, self.write(process, b"none"))
        self.two.tune(mediator_reachable=True)
        self.await_states("offline", "online")

    def test_no_mediator_and_then_the_link_again(self) -> None:
        for process in (self.one, self.two):
            process.tune(mediator_reachable=False)
        self.cut(True)
        self.await_states("offline", "offline")
        self.cut(False)
        self.await_states("online", "online")
        self.assertEqual(200, self.write(self.two, b"back"))
        self.assertEqual(b"back", self.bytes_at(self.one))

    def test_coming_back_takes_its_time(self) -> None:
        self.one.tune(resync_seconds=3600)
        self.cut(True)
        self.write(self.one, b"late")
        self.cut(False)
        self.await_states("online", "resyncing")
        self.assertEqual("resyncing", self.states(self.a)["array-b"])
        self.assertEqual(400, self.write(self.two, b"wrong"))
        self.assertEqual(b"well", self.bytes_at(self.two))
        self.cut(True)
        self.await_states("online", "offline")
        self.cut(False)
        self.one.tune(resync_seconds=0)
        self.await_states("online", "online")
        self.assertEqual(b"late", self.bytes_at(self.two))

    def test_overwrites_without_the_other_are_let_or_not(self) -> None:
        plain = f"plain-{self.pod}"
        self.a.create_volume(plain, "1M")
        self.cut(True)
        self.a.copy_volume(plain, self.volume, overwrite=True)
        self.assertEqual(b"well", self.bytes_at(self.two))
        self.one.tune(overwrite_without_peer=False)
        text = self.refused(
            self.a.copy_volume, plain, self.volume, overwrite=True
        )
        self.assertIn("cannot be overwritten", text)
        self.a.copy_volume(plain, f"{self.pod}::new")
        self.a.destroy_volume(f"{self.pod}::new")

    def test_old_arrays_overwrite_nothing_in_stretched_pods(self) -> None:
        plain = f"plain-{self.pod}"
        self.a.create_volume(plain, "1M")
        self.one.tune(purity="6.0.9")
        self.assertEqual("6.0.9", self.a.get()["version"])
        text = self.refused(
            self.a.copy_volume, plain, self.volume, overwrite=True
        )
        self.assertIn("stretched pod", text)

    def test_a_lost_array_is_taken_out(self) -> None:
        self.cut(True)
        for force in ({}, {"with_unknown": True}):
            self.assertIn("not online", self.refused(
                self.b.remove_pod, self.pod, "array-a", **force))  # fmt: skip
        self.a.remove_pod(self.pod, "array-b")
        self.assertEqual({"array-a": "online"}, self.states(self.a))
        self.b.get_pod(f"{self.pod}.restretch", pending=True)
        self.cut(False)
        eventually(lambda: self.a.list_array_connections()[0]["status"]
                   == "connected")  # fmt: skip
        self.a.add_pod(self.pod, "array-b")
        self.b.connect_host("h", self.volume)

    def test_a_disconnect_is_let_through(self) -> None:
        self.cut(True)
        self.b.disconnect_host("h", self.volume)
        self.cut(False)
        self.await_states("online", "online")
        self.b.connect_host("h", self.volume)

    def test_a_new_name_of_an_array_is_followed(self) -> None:
        """By id: the pod must not fall apart over a name."""
        session = self.one.request(
            "POST",
            "/api/2.17/login",
            headers={"api-token": processes.TOKEN},
        ).headers["x-auth-token"]

        def called(name: str) -> None:
            answer = self.one.request(
                "PATCH",
                "/api/2.17/arrays",
                json={"name": name},
                headers={"x-auth-token": session},
            )
            self.assertEqual(200, answer.status_code, answer.text)
            eventually(lambda: name in self.states(self.b))

        self.addCleanup(called, "array-a")
        called("array-new")
        self.write(self.one, b"name")
        self.a.create_volume(f"{self.pod}::w", "1M")
        self.a.destroy_volume(f"{self.pod}::w")
        self.assertEqual(
            {"array-new": "online", "array-b": "online"},
            eventually(lambda: self.states(self.a)),
        )


class DeathTest(base.TestCase):
    """Arrays of a stretched pod that die."""

    def setUp(self) -> None:
        super().setUp()
        self.one, self.two = processes.connected_pair("sync-replication")
        self.addCleanup(self.one.remove)
        self.addCleanup(self.two.remove)
        a = self.one.sdk()
        a.create_host("h")
        a.create_pod("pod")
        a.add_pod("pod", "array-b")
        a.create_volume("pod::v", "1M")
        a.connect_host("h", "pod::v")
        self.one.write("pod::v", 0, b"well")

    def states(self, process: processes.ArrayProcess) -> list[str]:
        told = process.sdk().get_pod("pod")["arrays"]
        return [one["status"] for one in told]

    def test_a_change_finds_the_other_dead(self) -> None:
        self.two.kill()
        self.one.sdk().create_volume("pod::w", "1M")
        self.one.write("pod::v", 0, b"late")
        self.two.start()
        eventually(lambda: self.states(self.two) == ["online", "online"])
        self.assertEqual(b"late", self.two.read("pod::v", 0, 4))
        self.assertEqual(2, len(self.two.sdk().list_volumes()))

    def test_the_home_of_the_pod_dies(self) -> None:
        self.one.kill()
        eventually(lambda: self.states(self.two) == ["offline", "online"])
        b = self.two.sdk()
        b.create_host("h")
        b.connect_host("h", "pod::v")
        self.two.write("pod::v", 0, b"late")
        self.one.start()
        eventually(lambda: self.states(self.one) == ["online", "online"])
        self.assertEqual(b"late", self.one.read("pod::v", 0, 4))

    def test_who_fell_out_does_not_go_on_when_the_other_dies(self) -> None:
        self.one.control("PUT", "links/array-b", json={"cut": True})
        self.one.write("pod::v", 0, b"late")
        self.one.kill()
        self.two.kill()
        self.two.start()
        self.assertEqual(["unknown", "offline"], self.states(self.two))
        self.assertEqual(b"well", self.two.read("pod::v", 0, 4))
        self.one.start()
        self.one.control("PUT", "links/array-b", json={"cut": False})
        eventually(lambda: self.states(self.two) == ["online", "online"])
        self.assertEqual(b"late", self.two.read("pod::v", 0, 4))

    def test_no_mediator_no_takeover(self) -> None:
        self.one.tune(mediator_reachable=False)
        self.two.kill()
        eventually(lambda: self.states(self.one)[0] == "offline")
        self.assertEqual(400, self.one.write("pod::v", 0, b"no").status_code)
        self.two.start()
        eventually(lambda: self.states(self.one) == ["online", "online"])
