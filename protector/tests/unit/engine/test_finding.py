# SPDX-License-Identifier: Apache-2.0
"""Findings: their form, their codes, and the table that explains them."""

import json
import re

from protector import constants as c
from protector import exception
from protector.engine import finding
from protector.tests import base, source
from protector.tests.unit.engine import fake_scene

_ROW = re.compile(r"^   \* - ``(\w+)``$", re.MULTILINE)
_USED = re.compile(r"\bCode\.([A-Z_]+)")


class CodesTest(base.TestCase):
    def test_the_user_guide_explains_each_code(self) -> None:
        page = source.ROOT / "doc" / "source" / "user" / "findings.rst"
        rows = _ROW.findall(page.read_text("utf-8"))
        self.assertEqual([str(code) for code in c.Finding], rows)

    def test_each_code_is_told_by_something(self) -> None:
        used = {
            name
            for path in (source.ROOT / "protector" / "engine").rglob("*.py")
            for name in _USED.findall(path.read_text("utf-8"))
        }
        self.assertEqual({code.name for code in c.Finding}, used)


class FindingTest(base.TestCase):
    def test_it_is_json_of_plain_values(self) -> None:
        found = finding.error(finding.Code.SPLIT, "They differ.", "Look.")
        self.assertEqual(
            {
                "code": "Split",
                "severity": "error",
                "message": "They differ.",
                "fix": "Look.",
                "member": None,
                "check": "",
            },
            json.loads(json.dumps(found.as_dict())),
        )

    def test_a_check_that_cannot_be_made_says_why(self) -> None:
        for error, code in (
            (exception.PeerUnreachable("x"), "PeerUnreachable"),
            (exception.CloudUnavailable("x"), "CloudUnreachable"),
            (exception.CloudForbidden("x"), "RightMissing"),
            (exception.ArrayUnavailable("x"), "ArrayUnreachable"),
            (
                exception.ReplicationNotConfigured("x"),
                "ReplicationNotConfigured",
            ),
            (exception.CloudError("x"), "CheckFailed"),
        ):
            self.assertEqual(code, finding.of(error).code)

    def test_each_member_is_named_even_when_it_cannot_be_looked_at(
        self,
    ) -> None:
        web, db = fake_scene.member("web"), fake_scene.member("db")

        def examine(member: object) -> list[finding.Finding]:
            if member is web:
                raise exception.CloudForbidden("no")
            return [finding.warning(finding.Code.COPY_GONE, "gone", "-")]

        found = finding.each([web, db], examine)
        self.assertEqual(
            [("RightMissing", web.id), ("CopyGone", db.id)],
            [(f.code, f.member) for f in found],
        )
        self.assertIn("web", found[0].message)
