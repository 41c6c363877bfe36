# SPDX-License-Identifier: Apache-2.0
"""The data path, the settings, and what an audit can see."""

import os
import signal

import purestorage

from protector.tests import base
from protector.tests.unit.sandbox.array import processes
from protector.tests.unit.sandbox.array.processes import eventually

_MIB = 1024**2


class ControlTest(base.TestCase):
    """One array with host ``h``; each test has names of its own."""

    process: processes.ArrayProcess

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.process = processes.ArrayProcess("array-t")
        cls.addClassCleanup(cls.process.remove)
        cls.process.start()
        cls.process.sdk().create_host("h")

    def setUp(self) -> None:
        super().setUp()
        self.array = self.process.sdk()

    def volume(self, name: str, connected: bool = True) -> str:
        """Make a volume of 8 MiB."""
        self.array.create_volume(name, 8 * _MIB)
        if connected:
            self.array.connect_host("h", name)
        return name

    def test_only_connected_hosts_write(self) -> None:
        name = self.volume("guarded", connected=False)
        for host in ("h", "other", None):
            answer = self.process.write(name, 0, b"no", host=host)
            self.assertEqual(403, answer.status_code)
        self.array.connect_host("h", name)
        self.assertEqual(200, self.process.write(name, 0, b"yes").status_code)
        self.assertEqual(b"yes\0", self.process.read(name, 0, 4))
        self.array.disconnect_host("h", name)
        self.assertEqual(403, self.process.write(name, 0, b"x").status_code)

    def test_nothing_is_written_beyond_the_end(self) -> None:
        name = self.volume("edge")
        answer = self.process.write(name, 8 * _MIB - 1, b"xx")
        self.assertEqual(400, answer.status_code)

    def test_digest_ignores_how_zeros_are_stored(self) -> None:
        one, two = self.volume("zeros1"), self.volume("zeros2")
        data = os.urandom(10000)
        self.process.write(one, 4000, data)
        self.process.write(two, 0, bytes(2 * _MIB))
        self.process.write(two, 4000, data)
        self.assertEqual(self.process.digest(one), self.process.digest(two))
        self.process.write(two, 4000, b"\1" + data[1:])
        self.process.write(one, 4000, b"\2" + data[1:])
        self.assertNotEqual(self.process.digest(one), self.process.digest(two))

    def test_overwrite_of_a_connected_volume_can_be_audited(self) -> None:
        source, target = self.volume("good"), self.volume("bad")
        self.process.write(source, 0, b"good")
        self.array.copy_volume(source, target, overwrite=True)
        self.assertEqual(b"good", self.process.read(target, 0, 4))
        volumes = self.process.control("GET", "inventory")["volumes"]
        counts = {v["name"]: v["overwritten_while_connected"] for v in volumes}
        self.assertEqual((0, 1), (counts[source], counts[target]))
        notes = [
            call["notes"]
            for call in self.process.control("GET", "calls")
            if call["path"] == "/api/1.19/volume/bad"
        ]
        self.assertEqual([[], ["overwritten_while_connected"]], notes)

    def test_snapshot_does_not_change_any_more(self) -> None:
        name = self.volume("frozen")
        self.process.write(name, 0, b"before")
        self.array.create_snapshot(name, suffix="s")
        self.process.write(name, 0, b"behind")
        self.assertEqual(b"before", self.process.read(f"{name}.s", 0, 6))
        self.array.copy_volume(f"{name}.s", name, overwrite=True)
        self.assertEqual(b"before", self.process.read(name, 0, 6))

    def test_eradication_follows_the_clock(self) -> None:
        name = self.volume("mortal", connected=False)
        self.array.destroy_volume(name)
        self.addCleanup(self.process.tune, clock_offset=0)
        self.process.tune(clock_offset=86000)
        told = self.array.get_volume(name, pending=True)
        self.assertLessEqual(told["time_remaining"], 400)
        self.process.tune(clock_offset=86401)
        eventually(
            lambda: (
                name
                not in [
                    v["name"] for v in self.array.list_volumes(pending=True)
                ]
            )
        )

    def test_bad_settings_are_refused(self) -> None:
        for bad in ({"nonsense": 1}, {"latency_ms": -1}, {"bandwidth": 0}):
            answer = self.process.request("PUT", "/control/settings", json=bad)
            self.assertEqual(400, answer.status_code)

    def test_kill_loses_nothing_that_was_answered(self) -> None:
        name = self.volume("durable")
        data = os.urandom(_MIB)
        self.process.write(name, 12345, data)
        self.array.create_snapshot(name, suffix="s")
        self.array.create_pgroup("durable", vollist=[name])
        before = self.process.control("GET", "inventory")
        digest = self.process.digest(f"{name}.s")
        self.process.kill()
        self.process.start()
        self.assertEqual(before, self.process.control("GET", "inventory"))
        self.assertEqual(data, self.process.read(name, 12345, _MIB))
        self.assertEqual(digest, self.process.digest(f"{name}.s"))

    def test_sigterm_ends_it_cleanly(self) -> None:
        self.assertEqual(0, self.process.end(signal.SIGTERM))
        self.process.start()
        self.assertIsInstance(self.array, purestorage.FlashArray)
        self.assertEqual("array-t", self.array.get()["array_name"])
