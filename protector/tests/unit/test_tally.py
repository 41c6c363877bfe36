# SPDX-License-Identifier: Apache-2.0
"""The count of a stage's tests misses nothing that was to run."""

import io
import pathlib
import subprocess
import sys
import tempfile

import subunit

from protector.tests import base

TALLY = pathlib.Path(__file__).parents[3] / "tools" / "stages" / "tally.py"


class TallyTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.listed = pathlib.Path(folder) / "listed"
        self.result = pathlib.Path(folder) / "result"
        self._stream = io.BytesIO()
        self._events = subunit.StreamResultToBytes(self._stream)

    def _ended(self, status: str, key: str, reason: str = "") -> None:
        if reason:
            self._events.status(
                test_id=key,
                file_name="traceback",
                file_bytes=reason.encode(),
                mime_type="text/plain; charset=utf8",
            )
        self._events.status(test_id=key, test_status=status)

    def _tally(self, *listed: str) -> tuple[int, str, str]:
        """The exit status, what is printed and the counts."""
        self.listed.write_text("\n".join(listed))
        done = subprocess.run(
            [sys.executable, TALLY, self.listed, self.result],
            input=self._stream.getvalue(),
            capture_output=True,
            check=False,
            timeout=60,
        )
        self.assertEqual(b"", done.stderr)
        counts = self.result.read_text().strip()
        return done.returncode, done.stdout.decode(), counts

    def test_all_ran(self) -> None:
        self._ended("success", "m.A.test_1")
        self._ended("skip", "m.A.test_2", "no cloud")
        self.assertEqual(
            (0, "", "1 0 1"), self._tally("m.A.test_1", "m.A.test_2")
        )

    def test_a_failure_is_shown_with_its_reason(self) -> None:
        self._ended("fail", "m.A.test_1", "Traceback:\nValueError: 7")
        self.assertEqual(
            (
                1,
                "FAILED m.A.test_1\n    Traceback:\n    ValueError: 7\n",
                "0 1 0",
            ),
            self._tally("m.A.test_1"),
        )

    def test_what_did_not_run_is_a_failure(self) -> None:
        self._ended("success", "m.A.test_1")
        self._events.status(test_id="m.A.test_2", test_status="inprogress")
        status, told, counts = self._tally(
            "m.A.test_1", "m.A.test_2", "m.A.test_3"
        )
        self.assertEqual((1, "1 2 0"), (status, counts))
        self.assertIn("FAILED m.A.test_2\n", told)
        self.assertIn(
            "FAILED m.A.test_3\n    it was listed and did not run\n", told
        )

    def test_a_class_that_is_skipped_as_a_whole_ran(self) -> None:
        self._ended("skip", "setUpClass (m.A)", "no cloud")
        self._ended("skip", "setUpModule (n)", "no cloud")
        self.assertEqual(
            (0, "", "0 0 2"), self._tally("m.A.test_1", "n.B.test_1")
        )
