# SPDX-License-Identifier: Apache-2.0
"""What checks outside an operation look with: the scene and clients that
may not change anything."""

from typing import Any

from protector import clock, exception
from protector import context as request_context
from protector.clients import clouds
from protector.db.api import recovery_points
from protector.engine import access
from protector.engine import scene as scenes
from protector.storage import base


def forbid() -> None:
    """The guard of a reading client.

    :raises ProtectorError: somebody tried to change something.
    """
    raise exception.ProtectorError("A check tried to change something.")


class Reader:
    """Looks at a group's clouds and arrays as ``StepContext`` does."""

    def __init__(
        self,
        runtime: Any,
        scene: scenes.Scene,
        context: request_context.RequestContext | None = None,
    ) -> None:
        self.runtime = runtime
        self.conf = runtime.conf
        self.scene = scene
        self._request_id = context.request_id if context else None

    @classmethod
    def of(
        cls,
        runtime: Any,
        group_id: str,
        context: request_context.RequestContext | None = None,
    ) -> "Reader":
        """:raises NotFound: there is no such group."""
        with runtime.db.reader() as session:
            scene = scenes.load(session, runtime.conf, group_id)
        return cls(runtime, scene, context)

    @property
    def clock(self) -> clock.Clock:
        found: clock.Clock = self.runtime.clock
        return found

    def known_epochs(self) -> dict[str, int]:
        """Epochs of the group's points by name, as observed before."""
        with self.runtime.db.reader() as session:
            return recovery_points.epochs(session, self.scene.group.id)

    def site(self, site_id: str) -> clouds.SiteClients:
        return access.clients(
            self.runtime,
            self.scene.sites[site_id],
            before_change=forbid,
            request_id=self._request_id,
            looking=True,
        )

    def tenant(self, site_id: str) -> clouds.ProjectClients:
        return self.site(site_id).project(self.scene.project(site_id))

    @property
    def driver(self) -> base.ReplicationDriver:
        found: base.ReplicationDriver = self.runtime.storage.reader(forbid)
        return found

    def array(self, site_id: str) -> base.Array:
        site = self.scene.sites[site_id]
        return self.runtime.storage.array_of(site.id, site.name)

    def direction(self, source_site_id: str) -> base.Direction:
        """Replication from a site to the other.

        :raises ReplicationNotConfigured: it has no array group there.
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
