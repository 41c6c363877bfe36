# SPDX-License-Identifier: Apache-2.0
"""The executable ``openstack``: exit codes, streams, signals, terminals.

What is shown is tested elsewhere, within one process, which is quicker.
"""

from __future__ import annotations

import os
import pty
import signal
import threading

from protectorclient.tests import fake_cloud
from protectorclient.tests.osc import base

QUOTA = {
    "reason": "QuotaExceeded",
    "message": "no more instances",
    "remedy": "raise the quota.",
}
_ESCAPE = "\x1b["


class GroupCase(base.ProcessCase):
    """One group exists."""

    def setUp(self) -> None:
        super().setUp()
        self.one = self.site_a.make_group("prod-web-app")

    def attach_again(self) -> str:
        """The command that watches the operation."""
        op_id = self.site_a.operations[0]["id"]
        return f"openstack protector operation watch {op_id}\n"


class ExitTest(GroupCase):
    """The exit code, and what is on which stream."""

    def test_done_is_0_with_plain_progress_on_stderr(self) -> None:
        result = self.group("failover prod-web-app -f json")
        self.assertEqual(0, result.code, result.err)
        self.assertEqual("completed", result.json()["status"])
        lines = result.err.splitlines()
        self.assertEqual(7, len(lines))
        for line in lines:
            self.assertRegex(line, r"^failover prod-web-app: \d+% [\d:]+ \w+")

    def test_failed_is_1_with_the_operation_on_stdout(self) -> None:
        self.site_a.fate = ("failed", QUOTA)
        result = self.group("failover prod-web-app -f json")
        self.assertEqual(1, result.code)
        self.assertEqual("QuotaExceeded", result.json()["error"]["reason"])
        self.assertIn("no more instances raise the quota.", result.err)

    def test_refused_is_1_with_nothing_on_stdout(self) -> None:
        refusal = fake_cloud.error(409, "InvalidStatus", "it is busy")
        self.site_a.instead.append(("POST", "action", refusal))
        result = self.group("failover prod-web-app -f json")
        self.assertEqual((1, ""), (result.code, result.out))
        self.assertEqual("it is busy (InvalidStatus, req-1234)\n", result.err)

    def test_usage_is_2(self) -> None:
        result = self.group("failover")
        self.assertEqual((2, ""), (result.code, result.out))
        self.assertIn("usage: openstack protector", result.err)

    def test_timeout_is_3_and_says_how_to_attach_again(self) -> None:
        self.site_a.fate = ("running", None)
        result = self.group("failover prod-web-app --timeout 0.2 -f json")
        self.assertEqual((3, ""), (result.code, result.out))
        self.assertTrue(result.err.endswith(self.attach_again()), result.err)

    def test_no_wait_is_0_and_says_how_to_attach(self) -> None:
        self.site_a.fate = ("running", None)
        result = self.group("failover prod-web-app --no-wait -f json")
        self.assertEqual(0, result.code, result.err)
        self.assertEqual("pending", result.json()["status"])
        self.assertTrue(result.err.endswith(self.attach_again()), result.err)

    def test_nobody_answers_is_1(self) -> None:
        self.site_a.stop()
        result = self.group("list -f json")
        self.assertEqual((1, ""), (result.code, result.out))
        self.assertIn(self.site_a.url, result.err)


class BrokenOffTest(GroupCase):
    """Ctrl-C and a reader that goes away."""

    def test_interrupted_while_watching(self) -> None:
        self.site_a.fate = ("running", None)
        process = self.start("protection-group", "failover", "prod-web-app")
        assert process.stderr is not None
        self.assertIn("preflight: running", process.stderr.readline())
        process.send_signal(signal.SIGINT)
        result = self.end(process)
        self.assertEqual((130, ""), (result.code, result.out))
        self.assertTrue(result.err.endswith(self.attach_again()), result.err)
        self.assertEqual("running", self.site_a.operations[0]["status"])
        self.assertEqual([], self.site_a.asked("POST", "/operations"))

    def test_interrupted_before_the_answer(self) -> None:
        asked, answer = threading.Event(), threading.Event()
        self.addCleanup(answer.set)

        def hang(request: fake_cloud.Request) -> fake_cloud.Answer:
            asked.set()
            answer.wait()
            return fake_cloud.Answer(500)

        self.site_a.prepend("POST", ".*/action", hang)
        process = self.start("protection-group", "failover", "prod-web-app")
        self.assertTrue(asked.wait())
        process.send_signal(signal.SIGINT)
        result = self.end(process)
        self.assertEqual((130, ""), (result.code, result.out))
        self.assertIn("openstack protector operation list", result.err)

    def test_a_closed_pipe(self) -> None:
        self.site_a.make_operation("failover", self.one)
        for unbuffered in ("", "1"):
            with self.subTest(unbuffered=unbuffered):
                reader, writer = os.pipe()
                os.close(reader)
                process = self.start(
                    "operation",
                    "report",
                    "prod-web-app",
                    stdout=writer,
                    PYTHONUNBUFFERED=unbuffered,
                )
                os.close(writer)
                result = self.end(process)
                self.assertEqual((141, ""), (result.code, result.err))

    def test_an_encoding_without_our_marks(self) -> None:
        self.site_a.make_operation("failover", self.one)
        result = self.protector(
            "operation show prod-web-app", PYTHONIOENCODING="ascii"
        )
        self.assertEqual(0, result.code, result.err)
        self.assertIn("preflight", result.out)


class TerminalTest(GroupCase):
    """Somebody is watching."""

    def at_terminal(
        self, *argv: str, question: str = "", answer: str = ""
    ) -> base.Result:
        """Run it with stdin and stderr on a terminal.

        :param question: after what to type the answer
        """
        ours, theirs = pty.openpty()
        process = self.start(*argv, stdin=theirs, stderr=theirs)
        os.close(theirs)
        shown = self._read(ours, question) if question else ""
        os.write(ours, answer.encode())
        shown += self._read(ours)
        os.close(ours)
        result = self.end(process)
        return base.Result(result.code, result.out, shown)

    def _read(self, terminal: int, until: str | None = None) -> str:
        """What is shown, up to a text or to the end."""
        shown = b""
        while until is None or until.encode() not in shown:
            try:
                shown += os.read(terminal, 4096)
            except OSError:
                # so says Linux when nobody has it open any more
                self.assertIsNone(until, shown)
                break
        return shown.decode()

    def test_yes_is_followed_by_the_live_view(self) -> None:
        self.site_a.plan["steps"] = [{"name": "stop"}]
        result = self.at_terminal(
            *("protection-group", "failover", "prod-web-app", "-f", "json"),
            question="[y/N] ",
            answer="y\n",
        )
        self.assertEqual(0, result.code, result.err)
        self.assertEqual("completed", result.json()["status"])
        for text in ("Plan: failover", "1. stop", "elapsed", "settle"):
            self.assertIn(text, result.err)
        self.assertIn(_ESCAPE, result.err)

    def test_no_ends_it(self) -> None:
        result = self.at_terminal(
            *("protection-group", "failover", "prod-web-app"),
            question="[y/N] ",
            answer="n\n",
        )
        self.assertEqual((1, ""), (result.code, result.out))
        self.assertIn("nothing was done", result.err)
        self.assertEqual([], self.site_a.operations)

    def test_told_yes_it_does_not_ask(self) -> None:
        result = self.at_terminal(
            "protection-group", "failover", "prod-web-app", "--yes"
        )
        self.assertEqual(0, result.code, result.err)
        self.assertNotIn("[y/N]", result.err)
        self.assertIn(_ESCAPE, result.err)
