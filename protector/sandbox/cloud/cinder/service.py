# SPDX-License-Identifier: Apache-2.0
"""Put the emulated Cinder together."""

import collections.abc
import typing

from protector.sandbox.cloud import context, errors, store, wsgi
from protector.sandbox.cloud.cinder import (
    admin,
    attachments,
    attachments_api,
    digest,
    group_actions,
    group_manager,
    group_snapshots,
    group_types,
    groups,
    manage,
    manager,
    quotas,
    seeding,
    snapshots,
    types,
    volume_actions,
    volumes,
)
from protector.sandbox.cloud.cinder import state as states

PROJECT = "/v3/<string(length=32):project_id>"


class Cinder(wsgi.Service):
    """The block storage service.

    :ivar state: tables and driver.
    :ivar attachments: what Nova calls to connect volumes.
    :ivar volumes: the volumes API, for Nova's own creations.
    """

    name = "volume"
    prefix = "/volume"
    microversions = admin.range_of_versions()

    def __init__(self, cloud: context.Cloud) -> None:
        self.state = states.State(cloud)
        limits = quotas.Quotas(self.state)
        self.attachments = attachments.Attachments(self.state)
        self.volumes = volumes.Volumes(self.state, limits)
        group_api = groups.Groups(self.state, limits)
        self._admin = admin.Admin(self.state)
        self._digest = digest.Digest(self.state)
        self._manager = manager.VolumeManager(self.state, limits)
        self._group_manager = group_manager.GroupManager(
            self.state, self._manager
        )
        self._parts = (
            self.volumes,
            volume_actions.VolumeActions(self.state, limits, self.volumes),
            attachments_api.AttachmentsApi(self.state, self.attachments),
            snapshots.Snapshots(self.state, limits),
            types.Types(self.state),
            group_types.GroupTypes(self.state),
            group_api,
            group_actions.GroupActions(self.state, limits, group_api),
            group_snapshots.GroupSnapshots(self.state, limits, group_api),
            manage.Manage(self.state, limits, self.volumes),
            limits,
            self._admin,
        )
        super().__init__(cloud)

    def routes(self) -> collections.abc.Iterable[tuple[typing.Any, ...]]:
        """Return all routes, with and without the project in the path."""
        yield from self._admin.version_routes()
        for part in self._parts:
            for method, rule, *rest in part.routes():
                yield (method, f"{PROJECT}{rule}", *rest)
                yield (method, f"/v3{rule}", *rest)

    def control_routes(
        self,
    ) -> collections.abc.Iterable[tuple[typing.Any, ...]]:
        """Return the audit's route."""
        return self._digest.routes()

    def start(self) -> None:
        """Register the tasks."""
        self._manager.register()
        self._group_manager.register()

    def seed(self) -> None:
        """Write what a fresh cloud has."""
        seeding.seed_cinder(self.cloud)

    def check(
        self, request: wsgi.Request, arguments: dict[str, typing.Any]
    ) -> None:
        """Refuse a path that names another project than the token.

        :raises BadRequest: Cinder's text.
        """
        project = arguments.pop("project_id", None)
        if project is not None and project != request.project_id:
            raise errors.BadRequest("Malformed request url")

    def volume_of(
        self, request: wsgi.Request, volume_id: str
    ) -> store.Document:
        """Return a volume that the caller may see (for Nova).

        :raises NotFound: none, or another project's.
        """
        return self.state.volume(request, volume_id)
