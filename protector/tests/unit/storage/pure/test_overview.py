# SPDX-License-Identifier: Apache-2.0
"""All groups of an array are listed once for a round of looks."""

from typing import Any

from protector import exception
from protector.storage.pure import overview
from protector.tests import base


class Array:
    """Counts what it is asked; it does not answer to ``links``."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def links(self) -> dict[str, str]:
        self.asked.append("links")
        raise exception.ArrayUnavailable("no answer")

    def all_members(self) -> list[str]:
        self.asked.append("all_members")
        return ["a:g.1.v1", "a:g.1.vg/v.2", "a:g2.1.v3", "local"]


class OverviewTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.array = Array()
        self.overview = overview.Overview(self.opened)

    def opened(self) -> Any:
        return self.array

    def test_asked_once_for_all_groups(self) -> None:
        found = [self.overview.members(g) for g in ("a:g", "a:g2", "a:g3")]
        self.assertEqual(
            [["a:g.1.v1", "a:g.1.vg/v.2"], ["a:g2.1.v3"], []], found
        )
        self.assertEqual(["all_members"], self.array.asked)

    def test_one_that_is_silent_is_asked_once(self) -> None:
        for _ in range(2):
            self.assertRaises(
                exception.ArrayUnavailable, self.overview.link, "b"
            )
        self.assertEqual(["links"], self.array.asked)
