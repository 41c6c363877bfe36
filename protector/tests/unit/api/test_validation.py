# SPDX-License-Identifier: Apache-2.0
"""Declarations: by version, and what a refusal says."""

from typing import Any

from protector import exception
from protector.api import microversion, validation
from protector.api.schemas import types
from protector.tests import base

OLD, NEW = microversion.Version(1, 1), microversion.Version(1, 2)
SECRET: Any = types.record(
    ("password",), password={"type": "string", "maxLength": 3}
)


@validation.body(types.record(a=types.UUID), max_version=OLD)
@validation.body(types.record(b=types.UUID), min_version=NEW)
@validation.response(200, types.answer(ok=types.BOOLEAN))
def handler() -> None:
    """Declared, never called."""


class ValidationTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.declared = validation.declaration(handler)

    def test_a_schema_holds_for_its_versions(self) -> None:
        value = "11111111-1111-4111-8111-111111111111"
        validation.check_body(self.declared, OLD, {"a": value})
        validation.check_body(self.declared, NEW, {"b": value})
        for version, key in ((OLD, "b"), (NEW, "a")):
            self.assertRaises(
                exception.BadRequest,
                validation.check_body,
                self.declared,
                version,
                {key: value},
            )

    def test_ids_are_lower_case_uuids(self) -> None:
        for value in (
            "web",
            "1" * 32,
            "A" * 8 + "-1111-4111-8111-" + "1" * 12,
        ):
            self.assertRaises(
                exception.BadRequest,
                validation.check_body,
                self.declared,
                OLD,
                {"a": value},
            )

    def test_a_text_does_not_end_in_a_newline(self) -> None:
        for schema in (types.NAME, types.SHORT, types.PROJECT):
            validation.check_value(schema, "web", "The name")
            self.assertRaises(
                exception.BadRequest,
                validation.check_value,
                schema,
                "web\n",
                "The name",
            )

    def test_the_refusal_names_the_place(self) -> None:
        error = self.assertRaises(
            exception.BadRequest,
            validation.check_body,
            self.declared,
            OLD,
            {"a": 7},
        )
        self.assertEqual("a", error.details["path"])

    def test_the_refusal_repeats_no_value(self) -> None:
        error = self.assertRaises(
            exception.BadRequest,
            validation.check_value,
            SECRET,
            {"password": "swordfish"},
            "The body",
        )
        self.assertNotIn("swordfish", str(error) + str(error.details))

    def test_answers(self) -> None:
        check = validation.check_response
        self.assertIsNone(check(self.declared, NEW, 200, {"ok": True}))
        self.assertIn("ok", check(self.declared, NEW, 200, {"ok": 1}))
        wrong = check(self.declared, NEW, 418, {})
        self.assertIn("not declared", wrong)
