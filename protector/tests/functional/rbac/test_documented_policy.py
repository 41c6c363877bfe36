# SPDX-License-Identifier: Apache-2.0
"""The policy file of the documentation, loaded as it is printed."""

import dataclasses

from protector.tests import source
from protector.tests.functional.rbac import case, matrix

FILE = source.ROOT / "doc/source/configuration/policy-documented.yaml"
PRINTED = """\
"protector:protection_groups:index": "rule:default"
"protector:protection_groups:show": "rule:default"
"protector:protection_groups:create": "rule:default"
"protector:protection_groups:update": "rule:default"
"protector:protection_groups:delete": "rule:default"
"""
# who may see a group is who may change it
NARROWED = {"reading": "changing", "reading_own": "changing_own"}


class DocumentedPolicyTest(case.RbacTest):
    POLICY = FILE.read_text("utf-8")

    def test_it_holds_the_printed_lines(self) -> None:
        self.assertIn(PRINTED, self.POLICY)

    def test_readers_are_left_out_and_nothing_else_changes(self) -> None:
        narrowed = dataclasses.replace(
            self.matrix,
            rows=[
                _narrowed(row)
                for row in self.matrix.rows
                if "/protection-groups" in row.template
            ],
        )
        for person in self.matrix.people:
            wrong = [self.check(cell) for cell in narrowed.cells(person)]
            self.assertEqual([], [text for text in wrong if text])


def _narrowed(row: matrix.Row) -> matrix.Row:
    return dataclasses.replace(
        row,
        answers=NARROWED.get(row.answers, row.answers),
        own=NARROWED.get(row.own, row.own),
    )
