# SPDX-License-Identifier: Apache-2.0
"""The clients of a site, put together; tokens are shared between them.

Holds no state of an operation: that comes with each ``site`` call.
"""

from collections.abc import Callable
import functools
import threading
from typing import Any

from keystoneauth1 import identity as ksa_identity
from oslo_context import context as oslo_context

from protector import clock as clock_module
from protector.clients import (
    compute,
    identity,
    image,
    network,
    peer,
    placement,
    rest,
    session,
    types,
    volume,
)

BeforeChange = Callable[[], None]
# the kinds of clients, for annotations elsewhere
ComputeClient = compute.ComputeClient
VolumeClient = volume.VolumeClient
NetworkClient = network.NetworkClient
ImageClient = image.ImageClient
IdentityClient = identity.IdentityClient
PeerClient = peer.PeerClient
PlacementClient = placement.PlacementClient


class ProjectClients:
    """The services of a site, with a token for one project."""

    def __init__(self, scope: rest.Scope) -> None:
        self._scope = scope

    @property
    def project_id(self) -> str:
        """Id of the project."""
        return self._scope.project_id

    @functools.cached_property
    def compute(self) -> ComputeClient:
        return ComputeClient(self._scope)

    @functools.cached_property
    def volume(self) -> VolumeClient:
        return VolumeClient(self._scope)

    @functools.cached_property
    def network(self) -> NetworkClient:
        return NetworkClient(self._scope)

    @functools.cached_property
    def image(self) -> ImageClient:
        return ImageClient(self._scope)

    @functools.cached_property
    def identity(self) -> IdentityClient:
        """Keystone, by the token for this project."""
        return IdentityClient(self._scope)

    @functools.cached_property
    def placement(self) -> PlacementClient:
        return PlacementClient(self._scope)


class SiteClients:
    """A site as its service user sees it, for one operation."""

    def __init__(
        self,
        clouds: "Clouds",
        access: types.SiteAccess,
        before_change: BeforeChange | None,
        request_id: str,
        seconds: float | None,
        looking: bool,
    ) -> None:
        self._clouds = clouds
        self._looking = looking
        self._access = access
        self._before_change = before_change
        self._request_id = request_id
        self._seconds = seconds

    def __repr__(self) -> str:
        return f"<clients of site {self._access.name}>"

    def project(self, project_id: str) -> ProjectClients:
        """With the service user's token for a tenant's project."""
        return ProjectClients(self._scope(project_id))

    @functools.cached_property
    def service(self) -> ProjectClients:
        """With its token for its own project."""
        return ProjectClients(self._scope(None))

    @functools.cached_property
    def identity(self) -> IdentityClient:
        """Keystone."""
        return IdentityClient(self._scope(None))

    @functools.cached_property
    def peer(self) -> PeerClient:
        """The site's own Protector."""
        return PeerClient(self._peer_scope, self._clouds.local_site_id())

    def _peer_scope(self, seconds: float | None = None) -> rest.Scope:
        """:param seconds: from now on; no call goes beyond, or is made
        again."""
        return self._scope(None, self._clouds.conf.peer, seconds)

    def _scope(
        self,
        project_id: str | None,
        options: Any = None,
        seconds: float | None = None,
    ) -> rest.Scope:
        """:param options: timeouts that are not those of the clouds."""
        clock, conf = self._clouds.clock, self._clouds.conf.clouds
        seconds = self._seconds if seconds is None else seconds
        deadline = None if seconds is None else clock.monotonic() + seconds
        limits = session.Limits(
            (options or conf).connect_timeout,
            (options or conf).read_timeout,
            conf.read_retries if seconds is None else 0,
        )
        if self._looking and options is None:
            limits = session.Limits(conf.connect_timeout, conf.look_timeout, 1)
        made = session.Session(
            self._clouds.shared(self._access),
            self._clouds.plugin(self._access, project_id),
            self._access.verify,
            clock,
            self._request_id,
            self._before_change,
            limits,
            deadline,
        )
        return rest.Scope(self._access, made, self._request_id)


class Clouds:
    """What lasts longer than an operation: tokens, connections, bounds.

    :param conf: options with ``[clouds]`` and ``[peer]``.
    :param local_site_id: asked for the id of this site, which peers are
        told; None when it has none yet.
    """

    def __init__(
        self,
        conf: Any,
        clock: clock_module.Clock,
        local_site_id: Callable[[], str | None] = lambda: None,
    ) -> None:
        self.conf = conf
        self.clock = clock
        self.local_site_id = local_site_id
        self._guard = threading.Lock()
        self._shared: dict[tuple[str, str], session.Site] = {}
        self._plugins: dict[
            tuple[str, str | None], tuple[types.SiteAccess, Any]
        ] = {}

    def site(
        self,
        access: types.SiteAccess,
        before_change: BeforeChange | None = None,
        request_id: str | None = None,
        seconds: float | None = None,
        looking: bool = False,
    ) -> SiteClients:
        """The clients of a site, for one operation.  Makes no call.

        :param before_change: called before each changing request; what it
            raises (``LeaseLost``) stops the request.
        :param request_id: passed on to the services, ``req-<uuid>``.
        :param seconds: from the first use of a service on; no call goes
            beyond, or is made again.
        :param looking: nothing is lost if there is no answer: do not wait
            for it long.
        """
        return SiteClients(
            self,
            access,
            before_change,
            request_id or oslo_context.generate_request_id(),
            seconds,
            looking,
        )

    def shared(self, access: types.SiteAccess) -> session.Site:
        """What all sessions to a site share.

        A site that is not registered yet has no id of its own to tell it
        from others; its address does.
        """
        options = self.conf.clouds
        key = (access.site_id, access.auth_url)
        with self._guard:
            if key not in self._shared:
                limits = session.Limits(
                    options.connect_timeout,
                    options.read_timeout,
                    options.read_retries,
                )
                self._shared[key] = session.Site(limits, options.concurrency)
            return self._shared[key]

    def plugin(self, access: types.SiteAccess, project_id: str | None) -> Any:
        """Keystone's password method for a project, or the user's own.

        One per site and scope as long as the access stays the same, so
        that its token is used by all.
        """
        key = (access.site_id, project_id)
        with self._guard:
            known = self._plugins.get(key)
            if known is None or known[0] != access:
                known = (access, _plugin(access, project_id))
                self._plugins[key] = known
            return known[1]


def _plugin(access: types.SiteAccess, project_id: str | None) -> Any:
    if project_id is None:
        scope = {
            "project_name": access.project_name,
            "project_domain_name": access.project_domain_name,
        }
    else:
        scope = {"project_id": project_id}
    return ksa_identity.V3Password(
        auth_url=v3(access.auth_url),
        username=access.username,
        password=access.password,
        user_domain_name=access.user_domain_name,
        **scope,
    )


def v3(auth_url: str) -> str:
    """The address of Keystone's API, whatever the operator gave."""
    url = auth_url.rstrip("/")
    return url if url.endswith("/v3") else f"{url}/v3"
