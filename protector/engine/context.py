# SPDX-License-Identifier: Apache-2.0
"""What a step gets: the scene, the clients, the array, and its records.

One per running step.  Each outbound change goes through ``guard``.
"""

from collections.abc import Callable, Iterator
import contextlib
import dataclasses
import functools
import threading
from typing import Any, Generic, TypeVar

from sqlalchemy import orm

from protector import exception
from protector.clients import clouds, types, wait
from protector.db import models
from protector.db.api import (
    operations,
    operations_leases,
    recovery_points,
)
from protector.engine import access, leases, polls
from protector.engine import scene as scenes
from protector.storage import base

Json = dict[str, Any]
T = TypeVar("T")
R = TypeVar("R")


@dataclasses.dataclass(frozen=True)
class Work:
    """What all steps of one run share."""

    runtime: Any
    lease: leases.HeldLease
    polls: polls.Polls
    local_site_id: str
    # set when the engine goes down: pauses end at once
    stopping: threading.Event
    # what could not be undone, so far
    problems: list[Exception] = dataclasses.field(default_factory=list)
    # for what the members of one operation must do one after the other
    turn: threading.Lock = dataclasses.field(default_factory=threading.Lock)


class StepSkipped(Exception):
    """The user wants no more of the step.

    It is no error of ours: what a step does about those it must not do now.
    """


class StepContext:
    """:param member_id: the member of a per-member step.
    :param ordinal: the place of the step in its operation.
    :param optional: whether the user may skip the step while it runs.
    """

    def __init__(
        self,
        work: Work,
        operation: models.Operation,
        member_id: str | None,
        deadline: float,
        ordinal: int | None = None,
        optional: bool = False,
    ) -> None:
        self.work = work
        self.runtime = work.runtime
        self.conf = work.runtime.conf
        self.clock = work.runtime.clock
        self.operation = operation
        self.member_id = member_id
        self.ordinal = ordinal
        self._optional = optional
        self._deadline = deadline

    # -- time and ownership

    @property
    def remaining(self) -> float:
        """Seconds until the step's deadline.

        :raises DeadlineExceeded: it has passed.
        """
        if self.is_late:
            raise exception.DeadlineExceeded(
                "The step did not end within its deadline."
            )
        return self._deadline - self.clock.monotonic()

    @property
    def is_late(self) -> bool:
        """Whether the step's deadline has passed."""
        return self._deadline <= self.clock.monotonic()

    def pause(self, seconds: float) -> None:
        """Wait between two looks.

        :raises DeadlineExceeded: the step's deadline comes first.
        :raises LeaseLost: the engine goes down, or the lease ended.
        :raises StepSkipped: the user waits no longer.
        """
        self.clock.wait(self.work.stopping, min(seconds, self.remaining))
        self.check_alive()

    def check_alive(self) -> None:
        """:raises LeaseLost: the engine goes down and the operation is to be
        adopted, or it is another's already.
        :raises StepSkipped: the user wants no more of the step."""
        if self.work.stopping.is_set():
            raise exception.LeaseLost("The engine goes down.")
        self.guard()
        if self._optional and self._skipped():
            raise StepSkipped

    def _skipped(self) -> bool:
        for attempt in self.runtime.db.retrying(outage=True):
            with attempt, self.runtime.db.reader() as session:
                skipped = operations_leases.is_skipped(
                    session, self.operation.id, int(self.ordinal or 0)
                )
        return skipped

    def guard(self) -> None:
        """:raises LeaseLost: this engine may not act any more."""
        self.work.lease.check()

    # -- the database

    @contextlib.contextmanager
    def write(self) -> Iterator[orm.Session]:
        """A transaction in which the lease is proved to stand."""
        with self.runtime.db.writer() as session:
            operations_leases.owned(session, self.work.lease.token)
            yield session

    def save(self, **values: Any) -> None:
        """Keep values in ``operation.data``, for later steps too."""
        with self.runtime.db.writer() as session:
            operations.save_data(session, self.work.lease.token, **values)
        self.operation.data = {**self.operation.data, **values}

    def save_point(self, name: str, **values: Any) -> None:
        """The same for the recovery point that the operation uses."""
        with self.runtime.db.writer() as session:
            lease = self.work.lease.token
            operations.save_point(session, lease, name, **values)
        self.operation.data = {**self.operation.data, "point": name, **values}

    @property
    def data(self) -> Json:
        """The operation's values as they are now."""
        with self.runtime.db.reader() as session:
            return operations.get(session, self.operation.id).data

    def known_epochs(self) -> dict[str, int]:
        """Epochs of the group's points by name, as observed before."""
        with self.runtime.db.reader() as session:
            return recovery_points.epochs(session, self.scene.group.id)

    @functools.cached_property
    def scene(self) -> scenes.Scene:
        """The group as it was when the step first looked."""
        with self.runtime.db.reader() as session:
            return scenes.load(
                session, self.conf, self.operation.protection_group_id
            )

    def refresh(self) -> scenes.Scene:
        self.forget_scene()
        return self.scene

    def forget_scene(self) -> None:
        """Who looks next reads it; there may be none left to read."""
        self.__dict__.pop("scene", None)

    @property
    def member(self) -> models.Member:
        return self.scene.member(str(self.member_id))

    @property
    def run_name(self) -> str:
        """Short name of this run of the operation, fit for a suffix.

        Another run has another one: what an earlier run snapshot may be
        older than what the source wrote since.
        """
        generation = self.work.lease.token.generation
        return f"{self.operation.id[:8]}-{generation}"

    # -- who is where

    @property
    def source(self) -> str:
        return self.operation.source_site_id

    @property
    def target(self) -> str:
        return self.operation.target_site_id

    # -- clouds

    def access(self, site_id: str) -> types.SiteAccess:
        return access.site_access(self.runtime, self.scene.sites[site_id])

    def site(self, site_id: str) -> clouds.SiteClients:
        return access.clients(
            self.runtime,
            self.scene.sites[site_id],
            before_change=self.guard,
            request_id=self.operation.request_id,
        )

    def tenant(self, site_id: str) -> clouds.ProjectClients:
        """Clients in the group's project at a site."""
        return self.site(site_id).project(self.scene.project(site_id))

    def servers(self, site_id: str) -> "Wait[types.Server]":
        return self._wait(self.work.polls.servers, site_id)

    def volumes(self, site_id: str) -> "Wait[types.Volume]":
        return self._wait(self.work.polls.volumes, site_id)

    def groups(self, site_id: str) -> "Wait[types.Group]":
        return self._wait(self.work.polls.groups, site_id)

    def _wait(self, poll: Callable[..., Any], site_id: str) -> Any:
        found = poll(self.access(site_id), self.scene.project(site_id))
        return Wait(found, self.check_alive)

    # -- arrays

    @functools.cached_property
    def driver(self) -> base.ReplicationDriver:
        return self.runtime.storage.driver(self.guard)

    def array(self, site_id: str) -> base.Array:
        site = self.scene.sites[site_id]
        return self.runtime.storage.array_of(site.id, site.name)

    def direction(self, source_site_id: str) -> base.Direction:
        """Replication from a site to the other, by its array group there.

        :raises ReplicationNotConfigured: that direction has no array group.
        """
        side = self.scene.side(source_site_id)
        if not side.array_group:
            raise exception.ReplicationNotConfigured(
                "Replication is not configured from site "
                f"{self.scene.sites[source_site_id].name}."
            )
        return base.Direction(
            self.array(source_site_id),
            self.array(self.scene.other(source_site_id)),
            side.array_group,
        )


class Wait(Generic[T]):
    """A shared poll that a step waits on, as long as the engine is up."""

    def __init__(
        self, poll: wait.BatchedPoll[T], check_alive: Callable[[], None]
    ) -> None:
        self._poll = poll
        self._check_alive = check_alive

    def wait(
        self,
        key: str,
        done: Callable[[T | None], R | None],
        deadline_seconds: float,
    ) -> R:
        """See ``BatchedPoll.wait``; LeaseLost when the engine goes down."""

        def look(found: T | None) -> R | None:
            self._check_alive()
            return done(found)

        return self._poll.wait(key, look, deadline_seconds)
