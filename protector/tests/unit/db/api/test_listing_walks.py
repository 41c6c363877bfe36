# SPDX-License-Identifier: Apache-2.0
"""Any walk through any rows shows each once, in order; indexes serve it."""

import datetime
import itertools
from typing import Any
import uuid

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
import sqlalchemy as sa

from protector.api.schemas import members as member_schemas
from protector.api.schemas import operations as operation_schemas
from protector.api.schemas import protection_groups as group_schemas
from protector.api.schemas import tenant_mappings as mapping_schemas
from protector.db import models
from protector.db.api import listing, tenant_mappings
from protector.tests.unit.db.api import database

Group = models.ProtectionGroup
EVERY = sa.select(Group)
STATUSES = ("active", "creating", "error")
# few values: most rows tie with others; letters that collations take for
# the same
ROW = st.fixed_dictionaries(
    {
        "name": st.sampled_from(("a", "A", "á", "b", "B ", "ß", "ss", "")),
        "status": st.sampled_from(STATUSES),
        "created_at": st.integers(0, 2).map(
            lambda n: database.NOW + datetime.timedelta(microseconds=n)
        ),
    }
)
ORDERS = st.fixed_dictionaries(
    {
        "sort_key": st.sampled_from(group_schemas.SORT_KEYS),
        "descending": st.booleans(),
    }
)
FILTERS = st.one_of(
    st.just({}), st.sampled_from(STATUSES).map(lambda s: {"status": s})
)
PROFILE = settings(
    max_examples=40,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def _id(number: int) -> str:
    """In no order, but the same for the same number."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, str(number)))


class WalkTest(database.DatabaseTest):
    def refill(self, rows: list[Any]) -> None:
        with self.db.writer() as session:
            session.execute(sa.delete(Group))
        # the same rows have the same ids, or no failure could be repeated
        self.numbers = itertools.count()
        self.insert(rows)

    def insert(self, rows: list[Any]) -> list[str]:
        """Each in a project of its own, so that names may be the same."""
        ids = [_id(next(self.numbers)) for _ in rows]
        shared = {
            "primary_project_id": "p",
            "secondary_project_id": "p",
            "description": "",
            "replication_type": "async",
            "primary_site_id": self.site.local_id,
            "secondary_site_id": self.site.peer_id,
            "current_primary_site_id": self.site.local_id,
            "volume_type_id": "gold",
            "epoch": 1,
            "epoch_seen": 1,
            "metadata_version": 0,
            "failover_count": 0,
            "conditions": {},
            "deleted": "",
        }
        with self.db.writer() as session:
            for group_id, row in zip(ids, rows, strict=True):
                values = {**shared, **row, "project_id": group_id}
                session.add(Group(id=group_id, **values))
        return ids

    def page(self, **wanted: Any) -> list[Group]:
        with self.db.reader() as session:
            found = listing.page(
                session, EVERY, Group, listing.Wanted(**wanted)
            )
            self.assertLessEqual(len(found.rows), wanted["limit"])
            self.assertTrue(found.rows or not found.more)
            self.more, self.place = found.more, found.place
            return list(found.rows)

    def all_ids(self, **wanted: Any) -> list[str]:
        return [row.id for row in self.page(limit=1000, **wanted)]

    @PROFILE
    @given(
        rows=st.lists(ROW, max_size=25),
        limit=st.integers(1, 7),
        order=ORDERS,
        filters=FILTERS,
    )
    def test_each_row_once_in_order(
        self, rows: Any, limit: int, order: Any, filters: Any
    ) -> None:
        self.refill(rows)
        wanted = {**order, "filters": filters}
        found: list[str] = []
        marker = None
        while True:
            page = self.page(limit=limit, marker=marker, **wanted)
            found += [row.id for row in page]
            if not self.more:
                break
            marker = found[-1]
        self.assertEqual(self.all_ids(**wanted), found)
        self.assertEqual(
            sum(filters.items() <= row.items() for row in rows), len(found)
        )

    @PROFILE
    @given(
        rows=st.lists(ROW, min_size=4, max_size=20),
        limit=st.integers(1, 4),
        order=ORDERS,
        filters=FILTERS,
        data=st.data(),
    )
    def test_rows_come_and_go_meanwhile(
        self, rows: Any, limit: int, order: Any, filters: Any, data: Any
    ) -> None:
        self.refill(rows)
        wanted = {**order, "filters": filters}
        stayed = set(self.all_ids(**wanted))
        found: list[str] = []
        marker = None
        for _ in range(100):
            page = self.page(limit=limit, marker=marker, **wanted)
            found += [row.id for row in page]
            if not self.more:
                break
            marker = found[-1]
            stayed -= self._disturb(data, marker)
        self.assertFalse(self.more)
        self.assertEqual(len(found), len(set(found)))
        self.assertEqual(set(), stayed - set(found))
        left = [i for i in self.all_ids(**wanted) if i in found]
        self.assertEqual(left, [i for i in found if i in left])

    @PROFILE
    @given(
        rows=st.lists(ROW, min_size=4, max_size=20),
        limit=st.integers(1, 4),
        order=ORDERS,
        filters=FILTERS,
        data=st.data(),
    )
    def test_the_marker_goes_too(
        self, rows: Any, limit: int, order: Any, filters: Any, data: Any
    ) -> None:
        """As a link has it, with its place."""
        self.refill(rows)
        wanted = {**order, "filters": filters}
        stayed = set(self.all_ids(**wanted))
        found: list[str] = []
        marker = place = None
        while True:
            page = self.page(limit=limit, marker=marker, place=place, **wanted)
            found += [row.id for row in page]
            if not self.more:
                break
            marker, place = found[-1], self.place
            if data.draw(st.booleans()):
                self._remove({marker})
                stayed -= {marker}
            elif data.draw(st.booleans()):
                # it moves, in the order by status or name
                self.set_group(marker, status="error", name="zz")
                stayed -= {marker}
            stayed -= self._disturb(data, marker)
        self.assertEqual(set(), stayed - set(found))
        # what moved may be met again where it is now
        again = [i for i in stayed if found.count(i) > 1]
        self.assertEqual([], again)

    def _disturb(self, data: Any, marker: str) -> set[str]:
        """Some rows come, some go, all but the marker; those that went."""
        # a few each time, so that the walk comes to an end
        if data.draw(st.integers(0, 2)) == 0:
            self.insert(data.draw(st.lists(ROW, max_size=2)))
        others = sorted(set(self.all_ids()) - {marker})
        if not others:
            return set()
        gone = set(data.draw(st.lists(st.sampled_from(others), max_size=2)))
        self._remove(gone)
        return gone

    def _remove(self, gone: set[str]) -> None:
        with self.db.writer() as session:
            session.execute(sa.delete(Group).where(Group.id.in_(gone)))

    def test_the_order_is_that_of_the_values(self) -> None:
        rows = [
            {"name": name, "status": "active", "created_at": database.NOW}
            for name in "badc"
        ]
        self.refill(rows)
        names = [row.name for row in self.page(limit=9, sort_key="name")]
        self.assertEqual(list("abcd"), names)

    def test_a_marker_that_left_the_filter(self) -> None:
        """It was shown while it was in: the walk goes on after it."""
        row = {"name": "a", "created_at": database.NOW}
        self.refill([{**row, "status": "creating"} for _ in range(4)])
        wanted = {"filters": {"status": "creating"}}
        ids = self.all_ids(**wanted)
        self.set_group(ids[1], status="active")
        left = self.page(limit=9, marker=ids[1], **wanted)
        self.assertEqual(ids[2:], [found.id for found in left])


# model, the query of its list, and whose rows are listed
SERVED = (
    (Group, group_schemas.LIST_QUERY, "project_id"),
    (Group, group_schemas.LIST_QUERY, None),
    (models.Operation, operation_schemas.LIST_QUERY, "project_id"),
    (models.Operation, operation_schemas.LIST_QUERY, None),
    (models.Member, member_schemas.LIST_QUERY, "protection_group_id"),
    (models.TenantMapping, mapping_schemas.LIST_QUERY, None),
)


class PlanTest(database.DatabaseTest):
    """No list is sorted, and no page begins at the first row."""

    def setUp(self) -> None:
        super().setUp()
        group_id = self.site.group()
        self.site.member(group_id)
        self.accept(group_id)
        values = {
            "local_project_id": "p-here",
            "remote_site_id": self.site.peer_id,
            "remote_project_id": "p-there",
        }
        with self.db.writer() as session:
            tenant_mappings.add(session, database.NOW, values)

    def test_an_index_serves_each_order(self) -> None:
        wrong = []
        for model, query, whose in SERVED:
            for key in query["properties"]["sort_key"]["enum"]:
                for descending in (False, True):
                    plan = self.plan(model, whose, key, descending)
                    if "SEARCH" not in plan or "TEMP B-TREE" in plan:
                        name = model.__tablename__
                        wrong.append(f"{name} of {whose} by {key}: {plan}")
        self.assertEqual([], wrong)

    def plan(
        self, model: Any, whose: str | None, key: str, descending: bool
    ) -> str:
        """How SQLite finds the rows after a marker."""
        with self.db.reader() as session:
            row = session.scalars(sa.select(model)).one()
            wanted = listing.Wanted(
                limit=10,
                marker=row.id,
                sort_key=key,
                descending=descending,
                filters={whose: getattr(row, whose)} if whose else {},
            )
            asked: list[Any] = []

            def remember(
                connection: Any, cursor: Any, text: str, values: Any, *_: Any
            ) -> None:
                asked.append((text, values))

            engine = session.get_bind()
            sa.event.listen(engine, "before_cursor_execute", remember)
            listing.page(session, sa.select(model), model, wanted)
            sa.event.remove(engine, "before_cursor_execute", remember)
            text, values = asked[-1]
            found = session.connection().exec_driver_sql(
                f"EXPLAIN QUERY PLAN {text}", values
            )
            return "; ".join(step.detail for step in found)
