# SPDX-License-Identifier: Apache-2.0
"""protector-manage, as an operator runs it."""

import contextlib
import io
import pathlib
import uuid

import fixtures

from protector import secrets
from protector.cmd import manage, status
from protector.db import migration
from protector.tests import base

CONFIG_FILE = """
[database]
connection = sqlite:///{0}/db.sqlite
[secrets]
key_repository = {0}/keys
[service_auth]
auth_url = http://127.0.0.1:5000/v3
region_name = RegionOne
"""


class ManageTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        directory = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.keys = directory / "keys"
        self.file = directory / "protector.conf"
        self.file.write_text(CONFIG_FILE.format(directory))

    def run_main(self, main: object, *words: str) -> tuple[int, str]:
        """Exit status and output, or the complaint when it fails."""
        out, err = io.StringIO(), io.StringIO()
        with (
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            code = int(main(["--config-file", str(self.file), *words]) or 0)
        return code, out.getvalue() + (err.getvalue() if code else "")

    def manage(self, *words: str) -> str:
        code, text = self.run_main(manage.main, *words)
        self.assertEqual(0, code, text)
        return text.strip()

    def refused(self, *words: str) -> str:
        code, text = self.run_main(manage.main, *words)
        self.assertEqual(1, code, text)
        return text

    def test_database(self) -> None:
        self.assertEqual("empty", self.manage("db", "version"))
        self.assertIn("not at", self.refused("db", "check"))
        self.assertEqual(migration.head(), self.manage("db", "sync"))
        self.assertEqual("", self.manage("db", "check"))

    def test_site_init_makes_one_id_for_good(self) -> None:
        self.assertIn("db sync", self.refused("site", "init", "--name", "a"))
        self.manage("db", "sync")
        first = self.manage("site", "init", "--name", "site-a")
        self.assertEqual(first, str(uuid.UUID(first)))
        again = self.manage(
            *("site", "init", "--name", "site-one"),
            *("--endpoint", "http://127.0.0.1:8788"),
        )
        self.assertEqual(first, again)

    def test_a_lost_id_is_brought_back(self) -> None:
        self.manage("db", "sync")
        wanted = str(uuid.uuid4())
        given = ("site", "init", "--name", "site-a", "--id", wanted)
        self.assertEqual(wanted, self.manage(*given))

    def test_keys(self) -> None:
        self.manage("db", "sync")
        self.manage("secrets", "setup")
        self.manage("secrets", "setup")
        self.assertEqual([1], secrets.key_numbers(self.keys))
        self.manage("secrets", "rotate")
        self.assertEqual([1, 2], sorted(secrets.key_numbers(self.keys)))
        self.assertIn("0 credential", self.manage("secrets", "reseal"))
        mode = (self.keys / "1").stat().st_mode
        self.assertEqual(0o600, mode & 0o777)

    def test_purge(self) -> None:
        self.manage("db", "sync")
        self.assertIn("0 operation", self.manage("purge", "--days", "1"))

    def test_unknown_commands(self) -> None:
        for words in ((), ("db",), ("db", "drop"), ("site", "init")):
            self.assertRaises(SystemExit, self.run_main, manage.main, *words)

    def test_status_says_what_is_missing_until_nothing_is(self) -> None:
        code, text = self.run_main(status.main, "upgrade", "check")
        self.assertEqual(2, code)
        for command in ("db sync", "secrets setup"):
            self.assertIn(command, text)
        self.manage("db", "sync")
        self.manage("secrets", "setup")
        code, text = self.run_main(status.main, "upgrade", "check")
        self.assertEqual(2, code)
        self.assertIn("site init", text)
        self.manage("site", "init", "--name", "site-a")
        code, text = self.run_main(status.main, "upgrade", "check")
        self.assertEqual(0, code, text)
