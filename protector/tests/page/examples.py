# SPDX-License-Identifier: Apache-2.0
"""Examples 1 to 5, one after the other, with their output."""

from concurrent import futures
import json
from typing import Any

from protector.tests.page import printed, walk

SLOW_MS = 800
"""Makes a step that works on the arrays long enough to be met in it."""


class Examples(walk.Walk):
    @walk.walks(
        "Example 1", "Example 2", "Example 3", "Example 4", "Example 5"
    )
    def test_the_examples(self) -> None:
        self.sign_in()
        with self.section("Example 1") as commands:
            self._create(commands)
        with self.section("Example 2") as commands:
            self._add_three(commands)
        with self.section("Example 3") as commands:
            done = self.run_command(commands.take("openstack protector"))
            self._check_report(commands, "Sync Status: ✓", "Both", done.out)
        with self.section("Example 4") as commands:
            self._recover(commands)
        with self.section("Example 5") as commands:
            self._remove(commands)
        self.clear()
        self.check_walked()

    def _create(self, commands: walk.Commands) -> None:
        done = self.run_command(commands.take(walk.CREATE))
        shown = self._check_table(commands.section.tables[0], done.out)
        group_id = self.know_group()
        self.assertIn(group_id, done.out)
        rows = dict(row[:2] for row in shown)
        self.assertEqual("active", rows["status"])

    def _add_three(self, commands: walk.Commands) -> None:
        table, member_list = commands.section.tables
        for server in self.bed.servers:
            done = self.run_command(commands.take("openstack protector"))
            expected = (
                self.fill(table)
                .replace("web-server-1", server.name)
                .replace(
                    "| volumes_added | 2 |",
                    f"| volumes_added | {len(server.volume_ids)} |",
                )
            )
            self._check_table(expected, done.out)
        done = self.run_command(commands.take("openstack protector"))
        rows = printed.table(done.out)
        self.assertEqual(
            sorted(printed.table(member_list)), sorted(r[:4] for r in rows)
        )

    def _check_table(self, expected: str, out: str) -> list[list[str]]:
        """Documented rows come first, in that order (erratum i)."""
        wanted = printed.table(expected)
        found = printed.table(out)
        self.assertEqual(wanted, found[: len(wanted)])
        return found

    def _check_report(
        self, commands: walk.Commands, first: str, last: str, out: str
    ) -> None:
        block = commands.section.block(first, last)
        self.assertEqual(1, len(block), block)
        names = {"Site A": self.bed.a.name, "Site B": self.bed.b.name}
        self.assertEqual(
            printed.report("\n".join(block[0]), names),
            printed.report(out, {}),
        )

    def _recover(self, commands: walk.Commands) -> None:
        """The peer hangs while a change is settled here."""
        self._change_without_peer()
        done = self.run_command(commands.take("openstack protector"))
        self._check_report(commands, "Sync Status: ✗", "2. Force", done.out)
        self.bed.start_api(self.bed.b)
        done = self.run_command(commands.take("openstack protector"))
        self._check_report(commands, "Force Sync", "Both sites", done.out)

    def _change_without_peer(self) -> None:
        at = self.bed.a.tenant.protector
        group_id = self.values["<pg-id>"]

        def changes() -> list[Any]:
            found = at.operations(protection_group_id=group_id)
            return [row for row in found if row.kind == "policy_set"]

        known = {row.id for row in changes()}
        self.bed.slow_arrays(SLOW_MS)
        with futures.ThreadPoolExecutor(1) as pool:
            asked = pool.submit(
                at.set_replication_policy, group_id, rpo_minutes=10
            )
            self.wait(
                lambda: (
                    asked.done()
                    or any(
                        _configures(at.get_operation(row.id))
                        for row in changes()
                        if row.id not in known
                    )
                )
            )
            self.bed.hang_api(self.bed.b)
            self.bed.slow_arrays(0)
            asked.result()
        self.wait(lambda: changes()[0].status == "completed")
        status = at.get_sync_status(group_id)
        self.assertEqual("failed", status.remote["status"], status)

    def _remove(self, commands: walk.Commands) -> None:
        self.know_member("web-server-1")
        removed = self.curl(commands.take("curl -X DELETE"), 204)
        self.assertIsNone(removed)
        body = self.curl(commands.take("curl -X GET"), 200)
        lines = commands.section.lines
        begin, end = lines.index("{"), len(lines) - lines[::-1].index("}")
        documented = json.loads("".join(lines[begin:end]))
        want, found = (
            documented["consistency_group"],
            body["consistency_group"],
        )
        self.assertEqual(list(want), list(found)[: len(want)])
        want |= {
            "volume_type_name": self.bed.volume_type,
            "backend_name": self.bed.backend,
        }
        self.assertEqual(
            {key: printed.value(str(value)) for key, value in want.items()},
            {key: printed.value(str(found[key])) for key in want},
        )


def _configures(operation: Any) -> bool:
    """Whether the operation works on the arrays now."""
    return any(
        step["name"] == "replication.configure" and step["status"] == "running"
        for step in operation.steps
    )
