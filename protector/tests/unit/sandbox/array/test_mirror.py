# SPDX-License-Identifier: Apache-2.0
"""Mirror mode: plain files of a test bed's Cinder seen as array volumes."""

import contextlib
import json
import os
import pathlib
import sqlite3
import tempfile
import uuid

import purestorage

from protector.tests import base
from protector.tests.unit.sandbox.array import processes
from protector.tests.unit.sandbox.array.processes import eventually

_MIB = 1024**2


class MirrorTest(base.TestCase):
    """A mirrored array replicates to a plain one."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        home = tempfile.TemporaryDirectory(prefix="mirror-")
        cls.addClassCleanup(home.cleanup)
        cls.pool = pathlib.Path(home.name)
        (cls.pool / "groups").mkdir()
        cls.process = processes.ArrayProcess("array-m", mirror=cls.pool)
        cls.target = processes.ArrayProcess("array-n")
        for process in (cls.process, cls.target):
            cls.addClassCleanup(process.remove)
            process.launch()
        for process in (cls.process, cls.target):
            process.wait_ready()
        key = cls.target.sdk().get(connection_key=True)["connection_key"]
        cls.process.sdk().connect_array(cls.target.target, key, ["async"])

    def setUp(self) -> None:
        super().setUp()
        self.array = self.process.sdk()
        self.path = self.pool / f"volume-{uuid.uuid4()}"
        self.name = f"{self.path.name}-cinder"
        with self.path.open("wb") as file:
            file.truncate(4 * _MIB)
            file.write(b"cinder")
        self.addCleanup(self.path.unlink, missing_ok=True)

    def group(self, *volumes: str) -> str:
        """Write a group's file; return the protection group's name."""
        number = str(uuid.uuid4())
        path = self.pool / "groups" / f"{number}.json"
        self.write_group(path, *volumes)
        self.addCleanup(path.unlink, missing_ok=True)
        return f"consisgroup-{number}-cinder"

    def write_group(self, path: pathlib.Path, *volumes: str) -> None:
        """Write a group's file with these members."""
        content = {
            "id": path.stem,
            "name": "g",
            "volumes": volumes,
            "replication": "enabled",
        }
        path.write_text(json.dumps(content))

    def test_files_come_and_go(self) -> None:
        told = self.array.get_volume(self.name)
        self.assertEqual(4 * _MIB, told["size"])
        self.assertEqual(b"cinder", self.process.read(self.name, 0, 6))
        os.truncate(self.path, 8 * _MIB)
        again = self.array.get_volume(self.name)
        self.assertEqual(8 * _MIB, again["size"])
        self.assertEqual(told["serial"], again["serial"])
        self.path.unlink()
        error = self.assertRaises(
            purestorage.PureHTTPError, self.array.get_volume, self.name
        )
        self.assertIn("does not exist", error.text)

    def test_other_files_are_not_shown(self) -> None:
        for name in (f"snapshot-{uuid.uuid4()}", "volume-x", "stray"):
            path = self.pool / name
            path.write_bytes(b"x")
            self.addCleanup(path.unlink)
        names = [v["name"] for v in self.array.list_volumes()]
        self.assertIn(self.name, names)
        for name in names:
            self.assertRegex(name, "^volume-[0-9a-f-]{36}-cinder$")

    def test_hosts_write_without_connection(self) -> None:
        answer = self.process.write(self.name, 0, b"guest!", host=None)
        self.assertEqual(200, answer.status_code)
        self.assertEqual(b"guest!", self.path.read_bytes()[:6])

    def test_overwrite_is_in_place(self) -> None:
        self.array.create_snapshot(self.name, suffix="s")
        inode = self.path.stat().st_ino
        with self.path.open("r+b") as file:
            file.write(b"spoilt")
            file.seek(3 * _MIB)
            file.write(b"rubbish")
        os.truncate(self.path, 6 * _MIB)
        self.array.copy_volume(f"{self.name}.s", self.name, overwrite=True)
        self.assertEqual(inode, self.path.stat().st_ino)
        self.assertEqual(6 * _MIB, self.path.stat().st_size)
        content = self.path.read_bytes()
        self.assertEqual(b"cinder", content.rstrip(b"\0"))

    def test_overwrite_that_a_kill_broke_off_is_finished(self) -> None:
        number = self.array.get_volume(self.name)["serial"]
        self.process.kill()
        copy = self.process.state / "blocks" / "interrupted.raw"
        copy.write_bytes(b"whole".ljust(4 * _MIB, b"\0"))
        with contextlib.closing(
            sqlite3.connect(self.process.state / "array.sqlite")
        ) as database:
            database.execute(
                "INSERT INTO overwrites SELECT id, ? FROM volumes"
                " WHERE serial = ?",
                (str(copy), number),
            )
            database.commit()
        self.process.start()
        self.assertEqual(b"whole\0", self.process.read(self.name, 0, 6))
        self.assertFalse(copy.exists())

    def test_staging_volumes_are_the_arrays_own(self) -> None:
        self.array.copy_volume(self.name, f"dr-{self.path.name[7:20]}")
        self.assertEqual(
            1,
            sum(
                path.name.startswith("volume-")
                for path in self.pool.iterdir()
                if path == self.path
            ),
        )
        told = self.array.get_volume(f"dr-{self.path.name[7:20]}")
        self.assertEqual(self.name, told["source"])

    def test_mirrored_things_are_changed_by_their_files_only(self) -> None:
        group = self.group(self.path.name)
        for call in (
            lambda: self.array.destroy_volume(self.name),
            lambda: self.array.rename_volume(self.name, "other"),
            lambda: self.array.set_pgroup(group, remvollist=[self.name]),
            lambda: self.array.destroy_pgroup(group),
        ):
            error = self.assertRaises(purestorage.PureHTTPError, call)
            self.assertIn("follows its file", error.text)

    def test_group_follows_its_file(self) -> None:
        group = self.group(self.path.name)
        self.assertEqual([self.name], self.array.get_pgroup(group)["volumes"])
        path = self.pool / "groups" / f"{group[12:-7]}.json"
        self.write_group(path)
        self.assertIsNone(self.array.get_pgroup(group)["volumes"])
        path.write_text("{")
        self.assertIsNone(self.array.get_pgroup(group)["volumes"])
        path.unlink()
        self.assertRaises(
            purestorage.PureHTTPError, self.array.get_pgroup, group
        )

    def test_group_is_replicated_and_keeps_its_plan(self) -> None:
        group = self.group(self.path.name)
        target = self.target.sdk()
        self.array.set_pgroup(group, addtargetlist=["array-n"])
        target.set_pgroup(f"array-m:{group}", allowed=True)
        self.array.set_pgroup(group, replicate_frequency=900)
        told = self.array.create_pgroup_snapshot(group, replicate_now=True)
        name = f"array-m:{told['name']}"
        eventually(
            lambda: [
                s
                for s in target.get_pgroup(
                    f"array-m:{group}", snap=True, transfer=True
                )
                if s["completed"]
            ]
        )
        self.assertEqual(
            self.process.digest(self.name),
            self.target.digest(f"{name}.{self.name}"),
        )
        self.process.kill()
        self.process.start()
        told = self.array.get_pgroup(group, schedule=True)
        self.assertEqual(900, told["replicate_frequency"])
        self.assertTrue(self.array.get_pgroup(group)["targets"][0]["allowed"])
