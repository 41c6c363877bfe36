#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times the first and the last page of the list of protection groups.

Through the real application, by sort key and direction, of one project and
of all, on SQLite and, where ``PROTECTOR_TEST_MYSQL`` names a server, on
MariaDB.  Each time is the best of several rounds; the pages take turns, so
that a busy moment of the machine meets both.  The last page of one direction
is compared with the first of the other: the same rows, at other ends of the
walk.  Answers are not held to their schemas, which would cost more than all
else and hide the difference.

It prints.  Only with ``--check`` a ratio above the bound is a failure.
"""
# ruff: noqa: E402

from protector import threading_backend

# before any other import, see there
threading_backend.select()

import argparse
from collections.abc import Iterator
import contextlib
import datetime
import os
import random
import sys
import tempfile
import time
from typing import Any
from urllib import parse
import uuid

import sqlalchemy as sa
import webob

from protector import constants, runtime, service
from protector.api import app
from protector.api.schemas import protection_groups as schemas
from protector.db import migration, models
from protector.tests.fixtures import mariadb

PROJECT = "p-bench"
LOCAL, PEER = str(uuid.uuid4()), str(uuid.uuid4())
BEGIN = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
# groups made in the same second, and rows of one statement
TIES, BATCH = 10, 1000
DIRECTIONS = ("asc", "desc")
# direction, and whether it is the last
Page = tuple[str, bool]


def main() -> int:
    args = _arguments()
    worst = 0.0
    for name, connection in _databases():
        built = _site(connection)
        try:
            fill(built, args.groups)
            worst = max(worst, measure(name, built, args))
        finally:
            built.db.dispose()
    print(f"worst ratio {worst:.2f}, bound {args.bound:.2f}")
    return 1 if args.check and worst > args.bound else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--groups", type=int, default=10_000)
    parser.add_argument("--limit", type=int, default=100, help="of a page")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--bound", type=float, default=1.2)
    parser.add_argument(
        "--check", action="store_true", help="exit 1 above the bound"
    )
    return parser.parse_args()


@contextlib.contextmanager
def _mariadb() -> Iterator[str]:
    databases = mariadb.Databases(os.environ[mariadb.VARIABLE])
    try:
        yield databases.empty("bench")
    finally:
        databases.drop()


def _databases() -> Iterator[tuple[str, str]]:
    """Name and URL of each; removed when the next is asked for."""
    with tempfile.TemporaryDirectory() as folder:
        yield "sqlite", f"sqlite:///{folder}/db.sqlite"
    if os.environ.get(mariadb.VARIABLE):
        with _mariadb() as url:
            yield "mariadb", url
    else:
        print(f"{mariadb.VARIABLE} is not set: MariaDB is not measured")


def _site(connection: str) -> runtime.Runtime:
    conf = service.load_conf([], default_config_files=[])
    conf.set_override("connection", connection, "database")
    conf.set_override("auth_strategy", "noauth", "api")
    conf.set_override("response_validation", "ignore", "api")
    built = runtime.Runtime(conf)
    migration.sync(built.db)
    return built


def fill(built: runtime.Runtime, groups: int) -> None:
    """``groups`` of one project, and a tenth as many of others."""
    chosen = random.Random(1)  # noqa: S311
    site = {
        "description": "",
        "verify": True,
        "status": "active",
        "capabilities": {},
        "lost": False,
        "created_at": BEGIN,
    }
    with built.db.writer() as session:
        session.add(models.Site(id=LOCAL, name="a", is_local=True, **site))
        session.add(models.Site(id=PEER, name="b", is_local=False, **site))
    total = groups + groups // 10
    for start in range(0, total, BATCH):
        numbers = range(start, min(start + BATCH, total))
        rows = [_group(n, chosen, n < groups) for n in numbers]
        with built.db.writer() as session:
            session.execute(sa.insert(models.ProtectionGroup), rows)
            session.execute(
                sa.insert(models.ConsistencyGroup), list(map(_cg, rows))
            )
    with built.db.engine.begin() as connection:
        sqlite = connection.dialect.name == "sqlite"
        table = models.ProtectionGroup.__tablename__
        verb = "ANALYZE" if sqlite else "ANALYZE TABLE"
        connection.execute(sa.text(f"{verb} {table}"))


def _group(number: int, chosen: random.Random, own: bool) -> dict[str, Any]:
    # most are active, as they are in life
    usual = chosen.random() < 0.9
    return {
        "id": str(uuid.UUID(int=chosen.getrandbits(128), version=4)),
        "project_id": PROJECT if own else f"p-{number % 7}",
        "primary_project_id": PROJECT,
        "secondary_project_id": "p-there",
        "name": f"group-{chosen.getrandbits(32):08x}-{number}",
        "description": "",
        "replication_type": "async",
        "primary_site_id": LOCAL,
        "secondary_site_id": PEER,
        "current_primary_site_id": LOCAL,
        "volume_type_id": "gold",
        "status": "active" if usual else chosen.choice(STATUSES),
        "epoch": 1,
        "epoch_seen": 1,
        "metadata_version": 1,
        "failover_count": 0,
        "conditions": {},
        "deleted": "",
        "created_at": BEGIN + datetime.timedelta(seconds=number // TIES),
    }


STATUSES = [str(status) for status in constants.GroupStatus]


def _cg(group: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()),
        "protection_group_id": group["id"],
        "name": group["name"],
        "status": "active",
    }


def measure(
    name: str, built: runtime.Runtime, args: argparse.Namespace
) -> float:
    """Print a line for each order; the worst ratio of last to first."""
    application = app.Application(built)
    worst = 0.0
    try:
        for everyone in (False, True):
            for key in schemas.SORT_KEYS:
                queries = _queries(built, key, everyone, args.limit)
                times = _best(application, queries, args.rounds)
                worst = max(
                    worst, *_print(f"{name:8} {_whose(everyone)} {key}", times)
                )
    finally:
        application.stop()
    return worst


def _whose(everyone: bool) -> str:
    return "all" if everyone else "own"


def _print(head: str, times: dict[Page, float]) -> list[float]:
    """The ratios of both directions."""
    ratios = []
    for direction, other in (DIRECTIONS, DIRECTIONS[::-1]):
        first, last = times[other, False], times[direction, True]
        ratios.append(last / first)
        print(
            f"{head:24} {direction:4} first {first * 1000:6.1f} ms  "
            f"last {last * 1000:6.1f} ms  ratio {ratios[-1]:.2f}",
            flush=True,
        )
    return ratios


def _queries(
    built: runtime.Runtime, key: str, everyone: bool, limit: int
) -> dict[Page, dict[str, str]]:
    """First and last page of both directions."""
    found = {}
    for direction in DIRECTIONS:
        first = _query(key, direction, everyone, limit)
        marker = _last_marker(built, first)
        found[direction, False] = first
        found[direction, True] = {**first, "marker": marker}
    return found


def _query(
    key: str, direction: str, everyone: bool, limit: int
) -> dict[str, str]:
    found = {"sort_key": key, "sort_dir": direction, "limit": str(limit)}
    return {**found, "all_tenants": "true"} if everyone else found


def _last_marker(built: runtime.Runtime, query: dict[str, str]) -> str:
    """The id before the last full page."""
    group = models.ProtectionGroup
    key = getattr(group, query["sort_key"])
    backwards = query["sort_dir"] == "asc"
    order = [
        column.desc() if backwards else column.asc()
        for column in dict.fromkeys((key, group.id))
    ]
    statement = sa.select(group.id).order_by(*order)
    if "all_tenants" not in query:
        statement = statement.where(group.project_id == PROJECT)
    with built.db.reader() as session:
        statement = statement.offset(int(query["limit"])).limit(1)
        return session.scalars(statement).one()


def _get(application: app.Application, query: dict[str, str]) -> None:
    request = webob.Request.blank(
        f"/v1/{PROJECT}/protection-groups?{parse.urlencode(query)}",
        headers={
            "X-Project-Id": PROJECT,
            "X-Roles": "admin,member,reader",
            "OpenStack-API-Version": "protector 1.2",
        },
    )
    response = request.get_response(application)
    rows = response.json.get("protection_groups", [])
    more = "protection_groups_links" in response.json
    if len(rows) != int(query["limit"]) or more == ("marker" in query):
        raise SystemExit(f"{response.status}: {response.text[:500]}")


def _best(
    application: app.Application,
    queries: dict[Page, dict[str, str]],
    rounds: int,
) -> dict[Page, float]:
    """Seconds of the fastest call of each."""
    best = dict.fromkeys(queries, float("inf"))
    for _ in range(rounds):
        for page, query in queries.items():
            begin = time.perf_counter()
            _get(application, query)
            best[page] = min(best[page], time.perf_counter() - begin)
    return best


if __name__ == "__main__":
    sys.exit(main())
