# SPDX-License-Identifier: Apache-2.0
"""Queries and JSON, taken strictly."""

import json

from protector import exception
from protector.api import intake
from protector.tests import base


class JsonTest(base.TestCase):
    def test_good(self) -> None:
        for value in (None, [], {"a": [1, ']}\\"', {"ü": 1.5}]}, "😀", True):
            raw = json.dumps(value, ensure_ascii=False).encode()
            self.assertEqual(value, intake.parse_json(raw))
        pair = b'"\\ud83d\\ude00"'
        self.assertEqual("😀", intake.parse_json(pair))

    def test_depth(self) -> None:
        def nested(depth: int) -> bytes:
            return b"[" * depth + b"]" * depth

        intake.parse_json(nested(intake.MAX_DEPTH))
        self.assertRaises(
            exception.BadRequest,
            intake.parse_json,
            nested(intake.MAX_DEPTH + 1),
        )
        # side by side is no depth, and brackets in texts are none
        intake.parse_json(b"[" + b",".join([b"[]"] * 1000) + b"]")
        intake.parse_json(json.dumps("[" * 1000).encode())

    def test_bad(self) -> None:
        for raw in (
            b"",
            b"{'a': 1}",
            b'{"a": 1} {"b": 2}',
            b'{"a": 1, "a": 1}',
            b"Infinity",
            b'"\\udc00"',
            b"\x80",
            b"1" * 10000,
            b"1e999",
            b"[-1e999]",
        ):
            self.assertRaises(exception.BadRequest, intake.parse_json, raw)


class QueryTest(base.TestCase):
    def test_good(self) -> None:
        self.assertEqual({}, intake.query(""))
        found = intake.query("a=1&b=&c=%C3%BC")
        self.assertEqual({"a": "1", "b": "", "c": "ü"}, found)

    def test_bad(self) -> None:
        many = "&".join(f"a{n}=1" for n in range(100))
        for text in ("a=1&a=2", "a=%ff", many):
            self.assertRaises(exception.BadRequest, intake.query, text)

    def test_a_parameter_that_comes_twice_is_named(self) -> None:
        error = self.assertRaises(
            exception.BadRequest, intake.query, "name=a&limit=1&name=b"
        )
        self.assertIn("'name'", str(error))
