# SPDX-License-Identifier: Apache-2.0
"""Put the emulated Nova together."""

import collections.abc
import typing

from protector.sandbox.cloud import context, errors, microversions, wsgi
from protector.sandbox.cloud.nova import (
    admin,
    compute,
    create,
    flavors,
    guest,
    instance_actions,
    interfaces,
    keypairs,
    labels,
    mappings,
    networking,
    power,
    quotas,
    seeding,
    server_actions,
    server_groups,
    servers,
    shelve,
    storage,
    volume_attachments,
)
from protector.sandbox.cloud.nova import state as states


class Nova(wsgi.Service):
    """The compute service."""

    name = "compute"
    prefix = "/compute"

    def __init__(self, cloud: context.Cloud) -> None:
        state = self.state = states.State(cloud)
        limits = quotas.Quotas(state)
        record = instance_actions.InstanceActions(state)
        networks = networking.Networking(state)
        volumes = storage.Storage(state)
        groups = server_groups.ServerGroups(state, limits)
        changes = power.Power(state, record, limits)
        shelving = shelve.Shelve(state, record, networks, volumes)
        attaching = volume_attachments.VolumeAttachments(
            state, record, volumes
        )
        creator = create.Creator(
            state,
            limits,
            record,
            networks,
            mappings.Mappings(volumes),
            groups,
        )
        self._admin = admin.Admin(state)
        self._guest = guest.Guest(state)
        self._workers = (
            compute.Compute(state, record, networks, volumes, groups),
            changes,
            shelving,
            attaching,
        )
        self._parts = (
            servers.Servers(state, record, creator),
            server_actions.ServerActions(state, record, changes, shelving),
            labels.Labels(state),
            attaching,
            interfaces.Interfaces(state, record, networks),
            record,
            flavors.Flavors(state),
            keypairs.Keypairs(state, limits),
            groups,
            limits,
            self._admin,
        )
        super().__init__(cloud)

    @property
    def microversions(self) -> microversions.Microversions:  # type: ignore[override]
        """The range of microversions; a setting may widen it."""
        return self._admin.microversions()

    def routes(self) -> collections.abc.Iterable[tuple[typing.Any, ...]]:
        """Return all routes."""
        yield from self._admin.version_routes()
        for part in self._parts:
            for method, rule, *rest in part.routes():
                yield (method, f"/v2.1{rule}", *rest)

    def control_routes(
        self,
    ) -> collections.abc.Iterable[tuple[typing.Any, ...]]:
        """Return the guest's data path."""
        return self._guest.routes()

    def start(self) -> None:
        """Register the tasks."""
        for worker in self._workers:
            worker.register()

    def seed(self) -> None:
        """Write what a fresh cloud has."""
        seeding.seed_nova(self.cloud)

    def forbidden(self, route: wsgi.Route) -> errors.ApiError:
        """Return Nova's own 403."""
        action = route.action or f"os_compute_api:{route.handler.__name__}"
        return errors.Forbidden(
            f"Policy doesn't allow {action} to be performed."
        )

    def uses_attachment(self, server_id: str, attachment_id: str) -> bool:
        """Whether a server holds a volume by this attachment (for Cinder)."""
        row = self.state.servers.get(server_id)
        return row is not None and any(
            item["attachment_id"] == attachment_id for item in row["bdms"]
        )
