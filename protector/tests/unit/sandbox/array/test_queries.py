# SPDX-License-Identifier: Apache-2.0
"""Filters, order and pages of REST 2.x, on plain items."""

from typing import Any

from protector.sandbox.array import errors, queries
from protector.tests import base

ITEMS: list[dict[str, Any]] = [
    {"name": "vol1", "size": 3, "is_local": True, "iqns": ["iqn.1:a"]},
    {"name": "vol2", "size": 1, "is_local": False, "iqns": []},
    {
        "name": "Other",
        "progress": 1.0,
        "is_local": True,
        "source": {"name": "vol1"},
    },
]


class FilterTest(base.TestCase):
    def names(self, text: str) -> list[str]:
        return [item["name"] for item in queries.matching(ITEMS, text)]

    def test_comparisons(self) -> None:
        for text, wanted in (
            ("name='vol1'", ["vol1"]),
            ('name="VOL*"', ["vol1", "vol2"]),
            ("name!='vol*'", ["Other"]),
            ("size>1", ["vol1"]),
            ("size<=3", ["vol1", "vol2"]),
            ("progress='1.0'", ["Other"]),
            ("is_local", ["vol1", "Other"]),
            ("is_local='false'", ["vol2"]),
            ("iqns='iqn.1:a'", ["vol1"]),
            ("source.name='vol1'", ["Other"]),
            ("colour='red'", []),
        ):
            self.assertEqual(wanted, self.names(text), text)

    def test_words_between_them(self) -> None:
        for text, wanted in (
            ("iqns='iqn.1:a' and is_local", ["vol1"]),
            ("iqns='iqn.1:a' and not is_local", []),
            ("name='vol2' or name='Other' and is_local", ["vol2", "Other"]),
            ("(name='vol2' or name='Other') and is_local", ["Other"]),
        ):
            self.assertEqual(wanted, self.names(text), text)

    def test_what_is_none(self) -> None:
        for text in (
            "name=",
            "'x'",
            "(name='a'",
            "name='a' name='b'",
            "a ~ b",
        ):
            error = self.assertRaises(errors.ArrayError, self.names, text)
            self.assertEqual("Invalid filter.", error.msg)


class PageTest(base.TestCase):
    def test_order(self) -> None:
        for sort, wanted in (
            (["name"], ["Other", "vol1", "vol2"]),
            (["size-"], ["vol1", "vol2", "Other"]),
            (["is_local-", "name-"], ["vol1", "Other", "vol2"]),
        ):
            found = queries.select(ITEMS, {"sort": sort})["items"]
            self.assertEqual(wanted, [item["name"] for item in found], sort)

    def test_pages_end(self) -> None:
        seen, token = [], None
        for _ in range(2):
            page = queries.select(
                ITEMS, {"limit": 2, "continuation_token": token}
            )
            seen += [item["name"] for item in page["items"]]
            token = page.get("continuation_token")
        self.assertEqual(["vol1", "vol2", "Other"], seen)
        self.assertIsNone(token)
        self.assertFalse(page["more_items_remaining"])

    def test_count_alone(self) -> None:
        found = queries.select(ITEMS, {"limit": 0, "total_item_count": True})
        self.assertEqual(([], 3), (found["items"], found["total_item_count"]))
        self.assertFalse(found["more_items_remaining"])

    def test_a_token_of_its_own_making(self) -> None:
        self.assertRaises(
            errors.ArrayError,
            queries.select,
            ITEMS,
            {"continuation_token": "!"},
        )
