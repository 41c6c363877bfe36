# SPDX-License-Identifier: Apache-2.0
"""Pages: complete, without repetition, while rows come and go."""

import datetime

import sqlalchemy as sa

from protector import exception
from protector.db import models
from protector.db.api import listing
from protector.tests.unit.db.api import database

Group = models.ProtectionGroup
EVERY = sa.select(Group)


class PageTest(database.DatabaseTest):
    def page(self, **wanted: object) -> listing.Page:
        with self.db.reader() as session:
            return listing.page(
                session, EVERY, Group, listing.Wanted(**wanted)
            )

    def walk(self, **wanted: object) -> list[str]:
        found: list[str] = []
        marker = None
        while True:
            page = self.page(limit=3, marker=marker, **wanted)
            found += [row.id for row in page.rows]
            if not page.more:
                return found
            marker = found[-1]

    def test_every_row_once_in_order(self) -> None:
        # the same time for all: the id decides
        ids = sorted(self.site.group() for _ in range(8))
        self.assertEqual(ids, self.walk())
        self.assertEqual(ids[::-1], self.walk(descending=True))

    def test_sorted_by_a_column(self) -> None:
        names = {name: self.site.group(name=name) for name in "dacb"}
        wanted = [names[name] for name in "abcd"]
        self.assertEqual(wanted, self.walk(sort_key="name"))

    def test_a_row_that_came_meanwhile_shifts_nothing(self) -> None:
        names = {name: self.site.group(name=name) for name in "bcd"}
        first = self.page(limit=1, sort_key="name")
        self.site.group(name="a")
        second = self.page(limit=1, sort_key="name", marker=first.rows[0].id)
        self.assertEqual(names["c"], second.rows[0].id)

    def test_the_end_is_known(self) -> None:
        for _ in range(2):
            self.site.group()
        self.assertTrue(self.page(limit=1).more)
        self.assertFalse(self.page(limit=2).more)

    def test_changes_since(self) -> None:
        old, new = self.site.group(), self.site.group()
        second = datetime.timedelta(seconds=1)
        self.set_group(old, created_at=database.NOW - 9 * second)
        self.set_group(new, created_at=database.NOW - 9 * second)
        self.set_group(new, updated_at=database.NOW)
        page = self.page(limit=9, changes_since=database.NOW)
        self.assertEqual([new], [row.id for row in page.rows])

    def test_a_strange_marker(self) -> None:
        self.assertRaises(
            exception.InvalidReference,
            self.page,
            limit=1,
            marker=database.new_id(),
        )
