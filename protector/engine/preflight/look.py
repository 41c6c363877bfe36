# SPDX-License-Identifier: Apache-2.0
"""What the checks look with: the scene and the reading clients of a move.

A service that once did not answer is not asked again by the same preflight:
it costs one timeout and makes one finding.  A site of which two did not, or
that gives no token, is left alone.  Decides nothing.
"""

import collections
from collections.abc import Callable
from typing import Any

from protector import exception, lazy
from protector.clients import types
from protector.db import models
from protector.engine import mapping, volume_set
from protector.engine import scene as scenes
from protector.storage import base

Json = dict[str, Any]
# the services as the messages of the clients name them
LABELS = {
    "compute": "Nova",
    "volume": "Cinder",
    "network": "Neutron",
    "placement": "Placement",
    "identity": "Keystone",
}
ARRAYS = ("", "arrays")
PROTECTOR = "Protector"
# why each silent service, by site and label, did not answer
Silence = dict[tuple[str, str], exception.ProtectorError]
# services without an answer that make a site silent
SITE_SILENT = 2


class Repeated(exception.CloudUnavailable):
    """The service did not answer an earlier check, which tells it."""


class Project:
    """``clouds.ProjectClients`` whose dead services are left alone."""

    def __init__(self, look: "Look", site_name: str, clients: Any) -> None:
        self._look = look
        self._site_name = site_name
        self._clients = clients

    def __getattr__(self, name: str) -> Any:
        self._look.require((self._site_name, LABELS.get(name, name)))
        return getattr(self._clients, name)


class Look:
    """One preflight's eyes.

    :param ctx: anything with ``scene``, ``tenant(site)``, ``site(site)``,
        ``driver``, ``array(site)``, ``direction(site)``, ``known_epochs()``,
        ``clock`` and ``conf``: a ``Reader``, or the context of a step.
    :param silence: what did not answer the preflights of other groups; it is
        told here, too, and grows.
    """

    wants_floating_ips = True

    def __init__(
        self, ctx: Any, source: str, target: str, silence: Silence
    ) -> None:
        self.ctx = ctx
        self._silence = silence
        self.source = source
        self.target = target
        self.scene: scenes.Scene = ctx.scene
        self.mapper = mapping.Mapper(self.scene, target)
        self._changes: dict[str, volume_set.Change] = {}
        self._silent: set[tuple[str, str]] = set()
        self._unanswered: collections.Counter[str] = collections.Counter()

    # -- who did not answer

    def require(self, service: tuple[str, str]) -> None:
        """:raises Repeated: it, or its site, did not answer before.
        :raises ProtectorError: it did not answer another preflight.
        """
        site, _ = service
        if (
            service in self._silent
            or (site, LABELS["identity"]) in self._silent
            or self._unanswered[site] >= SITE_SILENT
        ):
            raise Repeated("It did not answer.")
        if service in self._silence:
            raise self._silence[service]

    def note(self, error: exception.ProtectorError) -> None:
        """Remember the service that did not answer."""
        if isinstance(error, exception.ArrayUnavailable):
            self._silent.add(ARRAYS)
        elif isinstance(error, exception.PeerUnreachable):
            site = self.name(error.details.get("site", ""))
            self._silence[site, PROTECTOR] = error
        elif isinstance(error, exception.CloudUnavailable):
            site = error.details.get("site", "")
            service = (site, error.details.get("service", ""))
            self._silent.add(service)
            if error.details.get("code") is None:
                # an error is an answer
                self._unanswered[site] += 1
                self._silence[service] = error

    # -- the clouds and the arrays

    def name(self, site_id: str) -> str:
        site = self.scene.sites.get(site_id)
        return site.name if site is not None else site_id

    def tenant(self, site_id: str) -> Any:
        """Clients in the group's project at a site."""
        return Project(self, self.name(site_id), self.ctx.tenant(site_id))

    def service(self, site_id: str) -> Any:
        """Clients in the service's own project at a site."""
        clients = self.ctx.site(site_id).service
        return Project(self, self.name(site_id), clients)

    @property
    def driver(self) -> base.ReplicationDriver:
        self.require(ARRAYS)
        driver: base.ReplicationDriver = self.ctx.driver
        return driver

    @lazy.Lazy
    def points(self) -> list[base.Point]:
        """All points of today's direction, newest first."""
        return self.driver.list_points(self.ctx.direction(self.source))

    # -- what several checks need

    @property
    def members(self) -> list[models.Member]:
        return self.scene.movable(self.source)

    def change(self, member: models.Member) -> volume_set.Change:
        """What happened to the member's volumes at the source.

        :raises CloudNotFound: its server is gone.
        """
        if member.id not in self._changes:
            self._changes[member.id] = volume_set.compare(
                self.tenant(self.source), member, self.source
            )
        return self._changes[member.id]

    @lazy.Lazy
    def flavors(self) -> list[types.Flavor]:
        """Those of the target."""
        found: list[types.Flavor] = self.tenant(self.target).compute.flavors()
        return found

    @lazy.Lazy
    def networks(self) -> list[Json]:
        """Those of the target."""
        found: list[Json] = self.tenant(self.target).network.networks()
        return found

    def copy(self, member: models.Member) -> models.MemberCopy | None:
        """What stands for the member at the target."""
        return member.copy(self.target)

    def without_server(self) -> list[models.Member]:
        """Members whose server is yet to be built at the target."""
        return [m for m in self.members if not self._has(m, _server)]

    def without_ports(self) -> list[models.Member]:
        """Members whose ports are yet to be made at the target."""
        return [m for m in self.members if not self._has(m, _ports)]

    def _has(self, member: models.Member, of: Callable[[Any], Any]) -> bool:
        copy = self.copy(member)
        return copy is not None and bool(of(copy))


class DrillLook(Look):
    """That of a drill: all is made anew, on the networks for drills."""

    wants_floating_ips = False

    def __init__(
        self, ctx: Any, source: str, target: str, silence: Silence
    ) -> None:
        super().__init__(ctx, source, target, silence)
        self.mapper = mapping.DrillMapper(self.scene, target)

    def copy(self, member: models.Member) -> models.MemberCopy | None:
        return None


def _server(copy: models.MemberCopy) -> str | None:
    return copy.server_id


def _ports(copy: models.MemberCopy) -> list[Any]:
    return copy.ports
