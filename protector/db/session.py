# SPDX-License-Identifier: Apache-2.0
"""One database: engine, sessions and transactions.

Knows no table.  Everything that changes rows runs inside ``writer()``; what
is read for display runs inside ``reader()``.
"""

import collections
from collections.abc import Iterator
import contextlib
import threading
from typing import Any

from oslo_db import exception as db_exc
from oslo_db.sqlalchemy import enginefacade
import sqlalchemy as sa
from sqlalchemy import orm
import tenacity

from protector import exception
from protector.db import events

CONNECT_SECONDS = 5
READ_SECONDS = 20
IDLE_SECONDS = 30
"""For which a server keeps a connection that says nothing, and its locks; a
pool makes a new one."""

RACES = 3


class Database:
    """Sessions over ``[database]`` of one ``conf``.

    :param conf: an ``oslo_config.cfg.ConfigOpts``; the options of oslo.db
        are registered on it.
    """

    def __init__(self, conf: Any) -> None:
        self._facade = enginefacade.transaction_context()
        self._facade.configure(sqlite_fk=True, mysql_sql_mode="TRADITIONAL")
        self._facade.configure(**_options(conf))
        self._facade.append_on_engine_create(self._introduce)
        self._read_seconds: int | None = READ_SECONDS
        self._listeners: list[events.Listener] = []
        self._one_writer = _Queue()
        self._is_sqlite = conf.database.connection.startswith("sqlite")
        self._prepared = False

    @property
    def engine(self) -> sa.Engine:
        return self._facade.writer.get_engine()

    @contextlib.contextmanager
    def reader(self) -> Iterator[orm.Session]:
        """A session for reading; what it changes is not kept."""
        with _known_errors(), self._facade.reader.using(_Holder()) as session:
            yield session

    @contextlib.contextmanager
    def writer(self) -> Iterator[orm.Session]:
        """One transaction: kept on leaving, undone on an exception.

        SQLite has one writer anyway; taking turns before the transaction
        starts saves it from failing half way with "database is locked".
        """
        turn = (
            self._one_writer if self._is_sqlite else contextlib.nullcontext()
        )
        with turn, _known_errors():
            with self._facade.writer.using(_Holder()) as session:
                if self._is_sqlite:
                    _write_from_the_start(session)
                yield session
        for event in events.noted(session):
            for listener in self._listeners:
                listener(event)

    def listen(self, listener: events.Listener) -> None:
        """:param listener: gets each event once its transaction is kept; it
        neither raises nor waits."""
        self._listeners.append(listener)

    def retrying(
        self, outage: bool = False, race: bool = False
    ) -> tenacity.Retrying:
        """For a whole transaction that a deadlock may undo.

        :param outage: also while the database does not answer.  It is not
            known then whether the transaction before was kept, so it has to
            be one that may be made twice.
        :param race: a few times also when a row is there already: another
            process made it after this one had looked, and now it is found.
        """

        def again(state: tenacity.RetryCallState) -> bool:
            error = state.outcome and state.outcome.exception()
            if isinstance(error, db_exc.DBDuplicateEntry):
                return race and state.attempt_number < RACES
            if outage and error is not None:
                return is_passing(error)
            return isinstance(error, db_exc.DBDeadlock)

        return tenacity.Retrying(
            retry=again,
            stop=tenacity.stop_after_delay(20),
            wait=tenacity.wait_random_exponential(0.05, 2),
            reraise=True,
        )

    def unhurried(self) -> sa.Engine:
        """The engine, for changes of the schema: from now on a statement
        may take any time."""
        self._read_seconds = None
        if not self._is_sqlite:
            self.dispose()
        return self.engine

    def _introduce(self, engine: sa.Engine) -> None:
        """What each connection is told first.

        Times of the database are UTC, whatever the zone of its server: one
        with summer time goes back an hour, and leases with it.  Neither end
        waits for ever for the other: what the server does not hear of any
        more keeps its locks no longer.  What the URL says counts.
        """
        if engine.dialect.name == "sqlite":
            _let_read_beside(engine)
        if engine.dialect.name not in ("mysql", "mariadb"):
            return

        @sa.event.listens_for(engine, "do_connect")
        def connecting(_: Any, record: Any, args: Any, options: Any) -> None:
            options.setdefault("connect_timeout", CONNECT_SECONDS)
            if self._read_seconds is not None:
                options.setdefault("read_timeout", self._read_seconds)
                options.setdefault("write_timeout", self._read_seconds)

        @sa.event.listens_for(engine, "connect")
        def connected(connection: Any, record: Any) -> None:
            cursor = connection.cursor()
            cursor.execute(
                f"SET time_zone = '+00:00', wait_timeout = {IDLE_SECONDS}"
            )
            cursor.close()

        # oslo.db has tried a connection already, without this
        engine.dispose()

    def dispose(self) -> None:
        self._facade.dispose_pool()


def _let_read_beside(engine: sa.Engine) -> None:
    """With a log ahead of the file nobody who reads holds up who writes, nor
    the other way round; and a commit costs one flush to disk, not four."""

    @sa.event.listens_for(engine, "connect")
    def connected(connection: Any, record: Any) -> None:
        connection.execute("PRAGMA journal_mode = WAL").close()

    # oslo.db has tried a connection already, without this
    engine.dispose()


def _write_from_the_start(session: orm.Session) -> None:
    """Take the lock for writing now, with the wait of a connection.

    Whoever first reads and then writes is refused at once if another
    connection has that lock just then, and who meets a half written index
    of the log takes it for a moment.  oslo.db has said BEGIN already.
    """
    connection = session.connection()
    connection.exec_driver_sql("ROLLBACK")
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def is_passing(error: BaseException) -> bool:
    """Whether a transaction failed for what may be over in a moment: a
    deadlock, or a database that does not answer."""
    away = isinstance(error.__cause__, db_exc.DBConnectionError)
    return away or isinstance(error, db_exc.DBDeadlock)


class _Queue:
    """A lock that goes to who has waited longest.

    Those of Python go to whoever asks at the right moment: who writes again
    and again keeps the others waiting, until their leases have run out.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: collections.deque[tuple[int, threading.Lock]]
        self._waiting = collections.deque()
        self._owner: int | None = None

    def __enter__(self) -> None:
        me = threading.get_ident()
        with self._guard:
            if self._owner == me:
                raise RuntimeError("A transaction within a transaction.")
            if self._owner is None:
                self._owner = me
                return
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append((me, turn))
        turn.acquire()

    def __exit__(self, *error: object) -> None:
        with self._guard:
            self._owner = None
            if self._waiting:
                self._owner, turn = self._waiting.popleft()
                turn.release()


@enginefacade.transaction_context_provider
class _Holder:
    """The place where oslo.db keeps a transaction; one for each."""


@contextlib.contextmanager
def _known_errors() -> Iterator[None]:
    try:
        yield
    except db_exc.DBConnectionError as e:
        raise exception.ServiceUnavailable(
            "The database of the service does not answer."
        ) from e


def _options(conf: Any) -> dict[str, Any]:
    given = dict(conf.database.items())
    known = (
        "connection",
        "max_pool_size",
        "max_overflow",
        "pool_timeout",
        "connection_recycle_time",
        "max_retries",
        "retry_interval",
        "connection_debug",
        "sqlite_synchronous",
    )
    return {k: given[k] for k in known if k in given}
