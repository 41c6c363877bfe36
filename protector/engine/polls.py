# SPDX-License-Identifier: Apache-2.0
"""The shared polls of this engine: one list call per service, site and
project for all that wait, whatever operation they belong to."""

from collections.abc import Callable
import threading
from typing import Any

from protector.clients import clouds, types, wait

Key = tuple[str, types.SiteAccess, str]
Fetch = Callable[[clouds.ProjectClients, set[str]], dict[str, Any]]


class Polls:
    """:param runtime: the process's ``Runtime``."""

    def __init__(self, runtime: Any) -> None:
        self._runtime = runtime
        self._polls: dict[Key, wait.BatchedPoll[Any]] = {}
        self._guard = threading.Lock()

    def servers(
        self, access: types.SiteAccess, project_id: str
    ) -> wait.BatchedPoll[types.Server]:
        return self._poll("servers", access, project_id, _servers)

    def volumes(
        self, access: types.SiteAccess, project_id: str
    ) -> wait.BatchedPoll[types.Volume]:
        return self._poll("volumes", access, project_id, _volumes)

    def groups(
        self, access: types.SiteAccess, project_id: str
    ) -> wait.BatchedPoll[types.Group]:
        return self._poll("groups", access, project_id, _groups)

    def _poll(
        self,
        kind: str,
        access: types.SiteAccess,
        project_id: str,
        fetch: Fetch,
    ) -> wait.BatchedPoll[Any]:
        # with the credentials: after they change nobody waits on the old
        key = (kind, access, project_id)
        with self._guard:
            if key not in self._polls:
                site = self._runtime.clouds.site(access)
                project = site.project(project_id)
                self._polls[key] = wait.BatchedPoll(
                    lambda ids: fetch(project, ids),
                    self._runtime.conf.engine.poll_interval,
                    self._runtime.clock,
                )
            return self._polls[key]


def _servers(
    project: clouds.ProjectClients, ids: set[str]
) -> dict[str, types.Server]:
    return {s.id: s for s in project.compute.list_servers(ids=ids)}


def _volumes(
    project: clouds.ProjectClients, ids: set[str]
) -> dict[str, types.Volume]:
    return {v.id: v for v in project.volume.list(ids=ids)}


def _groups(
    project: clouds.ProjectClients, ids: set[str]
) -> dict[str, types.Group]:
    return {g.id: g for g in project.volume.groups(ids=ids)}
