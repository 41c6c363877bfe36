# SPDX-License-Identifier: Apache-2.0
"""Long tasks: watching, exit codes, streams."""

from __future__ import annotations

import collections
import signal
from typing import Any

import fixtures

from protectorclient import wait
from protectorclient.tests import fake_cloud, fake_protector
from protectorclient.tests.osc import base

FAILED = (
    "failed",
    {
        "reason": "QuotaExceeded",
        "message": "no more instances",
        "remedy": "raise the quota.",
    },
)


class TaskCase(base.CommandCase):
    """One group exists."""

    def setUp(self) -> None:
        super().setUp()
        self.one = self.site_a.make_group("prod-web-app")


class ExitCodeTest(TaskCase):
    """0 done, 1 failed or refused, 2 usage, 3 timeout, 130 detached."""

    def test_done(self) -> None:
        result = self.group("failover prod-web-app")
        self.assertEqual(0, result.code)
        self.assertIn("| status              | completed", result.out)
        self.assertEqual(
            [
                "failover prod-web-app: 0% X preflight: running",
                "failover prod-web-app: 33% X preflight: done",
                "failover prod-web-app: 33% X work: running",
                "failover prod-web-app: 66% X work: done",
                "failover prod-web-app: 66% X settle: running",
                "failover prod-web-app: 100% X settle: done",
                "failover prod-web-app: 100% X completed",
            ],
            _without_elapsed(result.err),
        )

    def test_failed(self) -> None:
        self.site_a.fate = FAILED
        result = self.group("failover prod-web-app", "-f", "json")
        self.assertEqual(1, result.code)
        self.assertEqual("QuotaExceeded", result.json()["error"]["reason"])
        self.assertIn("no more instances raise the quota.", result.err)

    def test_failed_create_shows_reason_and_remedy(self) -> None:
        self.site_a.fate = FAILED
        result = self.group("delete prod-web-app")
        self.assertEqual(1, result.code)
        self.assertIn("no more instances (QuotaExceeded)", result.err)
        self.assertIn("Remedy: raise the quota.", result.err)

    def test_refused(self) -> None:
        refusal = fake_cloud.error(409, "InvalidStatus", "it is busy")
        self.site_a.instead.append(("POST", "action", refusal))
        result = self.group("failover prod-web-app")
        self.assertEqual((1, ""), (result.code, result.out))
        self.assertIn("it is busy (InvalidStatus, req-1234)", result.err)

    def test_usage(self) -> None:
        for words in ("failover", "create --name x", "set prod-web-app"):
            result = self.group(words)
            self.assertEqual((2, ""), (result.code, result.out), words)

    def test_timeout(self) -> None:
        self.site_a.fate = ("running", None)
        result = self.group("failover prod-web-app --timeout 0.3")
        self.assertEqual((3, ""), (result.code, result.out))
        op_id = self.site_a.operations[0]["id"]
        self.assertIn(f"protector operation watch {op_id}", result.err)

    def test_detached(self) -> None:
        def interrupt(*args: Any) -> None:
            signal.raise_signal(signal.SIGINT)

        self.useFixture(fixtures.MonkeyPatch("time.sleep", interrupt))
        self.useFixture(
            fixtures.MonkeyPatch(
                "protectorclient.wait.Patience", _patience(interrupt)
            )
        )
        result = self.group("failover prod-web-app")
        self.assertEqual((130, ""), (result.code, result.out))
        op_id = self.site_a.operations[0]["id"]
        self.assertIn(f"protector operation watch {op_id}", result.err)
        self.assertEqual("running", self.site_a.operations[0]["status"])

    def test_no_wait(self) -> None:
        result = self.group("failover prod-web-app --no-wait", "-f", "json")
        self.assertEqual(0, result.code)
        self.assertEqual("pending", result.json()["status"])
        self.assertEqual([], self.site_a.asked("GET", "/operations/"))

    def test_wrong_password(self) -> None:
        refusal = fake_cloud.error(401, "Unauthorized", "wrong password")
        self.site_a.instead.append(("POST", "/auth/tokens", refusal))
        result = self.group("list")
        self.assertEqual((1, ""), (result.code, result.out))
        self.assertIn("401", result.err)

    def test_a_service_that_is_not_in_the_catalogue_is_named(self) -> None:
        words = "--name x --primary-site a --secondary-site b --volume-type t"
        for site, name in zip(self.site_a.sites, "ab", strict=True):
            site["name"] = name
        for service, command in (
            ("block-storage", f"create {words}"),
            ("protector", "list"),
        ):
            self.site_a.left_out = service
            result = self.group(command)
            self.assertEqual((1, ""), (result.code, result.out))
            self.assertIn(service, result.err)
            self.assertIn("Ask the operator", result.err)


class LiveTest(TaskCase):
    """On a terminal."""

    def test_live_table_on_stderr_result_on_stdout(self) -> None:
        result = self.group("failover prod-web-app --yes", tty=True)
        self.assertEqual(0, result.code)
        for word in ("elapsed", "members now", "settle", "100%"):
            self.assertIn(word, result.err)
        self.assertNotIn("members now", result.out)

    def test_asks_and_takes_no_for_an_answer(self) -> None:
        self.site_a.plan = {
            "steps": [
                {
                    "name": "release",
                    "member": None,
                    "point_of_no_return": True,
                },
                {"name": "start", "member": "web"},
            ],
            "preflight": [
                {
                    "severity": "warning",
                    "code": "PointTooOld",
                    "check": "age",
                    "message": "old",
                    "fix": "replicate",
                }
            ],
            "predicted_seconds": 65,
        }
        result = self.group("failover prod-web-app", tty=True, stdin="n\n")
        self.assertEqual(1, result.code)
        for line in (
            "Plan: failover of prod-web-app",
            "  1. release [point of no return]",
            "  2. start (web)",
            "WARNING PointTooOld: old Fix: replicate",
            "Predicted duration: 1:05",
            "[y/N]",
            "nothing was done",
        ):
            self.assertIn(line, result.err)
        self.assertEqual([], self.site_a.operations)
        result = self.group("failover prod-web-app", tty=True, stdin="y\n")
        self.assertEqual(0, result.code)

    def test_source_cleanup_names_what_goes_and_asks(self) -> None:
        message = "Parked server web (s1) is deleted, with its volumes v1."
        self.site_a.plan = {
            "steps": [{"name": "cleanup.remove", "member": "web"}],
            "preflight": [
                {
                    "severity": "warning",
                    "check": "parked",
                    "message": message,
                    "fix": "Nothing to do.",
                }
            ],
            "predicted_seconds": None,
        }
        words = "source-cleanup prod-web-app"
        result = self.group(words, tty=True, stdin="n\n")
        self.assertEqual(1, result.code)
        self.assertIn(message, result.err)
        self.assertEqual([], self.site_a.operations)
        self.assertEqual(0, self.group(f"{words} --yes", tty=True).code)
        for option, args in (
            ("", {}),
            ("--discard-undo", {"discard_undo": True}),
        ):
            self.site_a.calls.clear()
            self.assertEqual(0, self.group(f"{words} {option}").code)
            (call,) = self.site_a.asked("POST", "/action")
            self.assertEqual({"source_cleanup": args}, call.body)

    def test_every_move_that_cannot_be_undone_asks(self) -> None:
        site = "Site A"
        for words, *argv in (
            ("protection-group failback prod-web-app",),
            ("protection-group resolve-split prod-web-app --keep-site", site),
            ("protection-group failover --all-from", site),
            ("site declare-lost", site),
        ):
            result = self.protector(words, *argv, tty=True, stdin="n\n")
            self.assertEqual((1, ""), (result.code, result.out), words)
            self.assertIn("[y/N]", result.err)
            result = self.protector(words, *argv, "--yes", tty=True)
            self.assertEqual(0, result.code, result.err)
            self.assertNotIn("[y/N]", result.err)

    def test_dry_run(self) -> None:
        self.site_a.plan = {
            "steps": [{"name": "stop"}],
            "preflight": [
                {"severity": "error", "code": "Split", "message": "two"}
            ],
            "predicted_seconds": None,
        }
        result = self.group("failover prod-web-app --dry-run")
        self.assertEqual(1, result.code)
        self.assertIn("ERROR Split: two\nIt would be refused.", result.out)
        result = self.group("failover prod-web-app --dry-run -f json")
        self.assertEqual(self.site_a.plan, result.json())
        self.assertEqual([], self.site_a.operations)


class OperationTest(TaskCase):
    """The operation commands."""

    def setUp(self) -> None:
        super().setUp()
        self.op = self.site_a.make_operation("failover", self.one)

    def test_list(self) -> None:
        result = self.protector("operation list", "-f", "json")
        row = result.json()[0]
        self.assertEqual(
            [
                "id",
                "kind",
                "protection_group",
                "status",
                "progress",
                "started_at",
                "error",
            ],
            list(row),
        )
        self.assertEqual("prod-web-app", row["protection_group"])

    def test_watch_by_id_and_by_group(self) -> None:
        result = self.protector(f"operation watch {self.op['id']}")
        self.assertEqual(0, result.code, result.err)
        self.assertIn("settle: done", result.err)
        result = self.protector("operation show prod-web-app -f json")
        self.assertEqual("completed", result.json()["status"])
        self.assertEqual("done", result.json()["steps"][0]["status"])

    def test_members_of_a_result_are_lines(self) -> None:
        rows = [{"name": name, "status": "done"} for name in ("web", "db")]
        self.op["result"] = {"verdict": "passed", "members": rows}
        shown = self.protector("operation show prod-web-app").out
        for line in ("verdict=passed", "name=web, status=done", "name=db"):
            self.assertRegex(shown, rf"(?m)^\|[^|]*\|  ? ?{line}")
        result = self.protector("operation show prod-web-app -f json")
        self.assertEqual(rows, result.json()["result"]["members"])

    def test_cancel_retry_skip(self) -> None:
        op_id = self.op["id"]
        result = self.protector(f"operation cancel {op_id} -f json")
        self.assertEqual("cancelled", result.json()["status"])
        result = self.protector(f"operation retry {op_id}")
        self.assertEqual(0, result.code, result.err)
        result = self.protector(f"operation skip {op_id} work")
        self.assertEqual(0, result.code, result.err)
        step = self.op["steps"][1]["id"]
        self.assertEqual(
            {"skip": {"step_id": step}},
            self.site_a.asked("POST", "/action")[-1].body,
        )


class SiteFailoverTest(TaskCase):
    """All groups of a site."""

    def test_all_from_with_one_refused(self) -> None:
        other = self.site_a.make_group("second")
        self.site_a.make_group("elsewhere", current_primary_site_id="x")
        refusal = fake_cloud.error(409, "Split", "two histories")
        self.site_a.instead.append(("POST", f"{other['id']}/action", refusal))
        result = self.group(
            "failover --type unplanned --all-from", "Site A", "-f", "json"
        )
        self.assertEqual(1, result.code)
        rows = {row["protection_group"]: row for row in result.json()}
        self.assertEqual({"prod-web-app", "second"}, set(rows))
        self.assertEqual("completed", rows["prod-web-app"]["status"])
        self.assertEqual("refused", rows["second"]["status"])
        self.assertIn("two histories", rows["second"]["error"])

    def test_what_failed_over_comes_back(self) -> None:
        """From the site of a failed-over group the verb is failback."""
        group = self.site_a.make_group(
            "away",
            status="failed_over",
            current_primary_site_id=fake_protector.SITE_B,
        )
        result = self.group("failover --all-from", "Site B", "-f", "json")
        self.assertEqual(0, result.code, result.err)
        (asked,) = self.site_a.asked("POST", "/action")
        self.assertIn(group["id"], asked.path)
        self.assertEqual({"failback": {"type": "planned"}}, asked.body)

    def test_fifty_at_once_and_one_table(self) -> None:
        for number in range(49):
            self.site_a.make_group(f"g-{number}")
        refusal = fake_cloud.error(409, "Split", "two histories")
        group = self.site_a.groups[25]
        self.site_a.instead.append(("POST", f"{group['id']}/action", refusal))
        words = ("failover --all-from", "Site A", "-f", "json")
        planned = self.group(*words, "--dry-run").json()
        self.assertEqual(50, len(planned))
        self.assertEqual(
            [group["name"]],
            [r["protection_group"] for r in planned if r["would_be_refused"]],
        )
        self.assertEqual([], self.site_a.operations)
        rows = self.group(*words).json()
        self.assertEqual(
            [g["name"] for g in self.site_a.groups],
            [r["protection_group"] for r in rows],
        )
        self.assertEqual(49, len(self.site_a.operations))
        self.assertEqual(
            {"completed": 49, "refused": 1},
            dict(collections.Counter(r["status"] for r in rows)),
        )

    def test_without_waiting_it_says_how_to_watch(self) -> None:
        result = self.group(
            "failover --all-from", "Site A", "--no-wait", "-f", "json"
        )
        self.assertEqual(0, result.code, result.err)
        (row,) = result.json()
        self.assertIn(f"operation watch {row['operation']}", result.err)

    def test_past_the_timeout_the_table_tells_who_runs(self) -> None:
        self.site_a.make_group("slow")
        self.site_a.fate = ("running", None)
        result = self.group(
            "failover --all-from",
            "Site A",
            "--timeout",
            "0.1",
            "-f",
            "json",
        )
        self.assertEqual(3, result.code, result.err)
        rows = result.json()
        self.assertEqual({"running"}, {row["status"] for row in rows})
        for row in rows:
            self.assertIn(f"operation watch {row['operation']}", result.err)

    def test_table(self) -> None:
        result = self.group("failover --all-from", "Site A")
        self.assertEqual(0, result.code, result.err)
        self.assertIn("| protection_group |", result.out)


def _without_elapsed(text: str) -> list[str]:
    lines = [line.split(" ") for line in text.splitlines()]
    return [" ".join([*line[:3], "X", *line[4:]]) for line in lines]


def _patience(sleep: Any) -> Any:
    real = wait.Patience

    def make(**kwargs: Any) -> wait.Patience:
        return real(sleep=sleep, **kwargs)

    return make
