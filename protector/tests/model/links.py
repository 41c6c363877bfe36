# SPDX-License-Identifier: Apache-2.0
"""What an engine or an API reaches, and what it does not: the ways to the
clouds, the arrays and the other site, some of which are cut.

A cut is a black hole: whoever calls waits until the time is over.
"""

from collections.abc import Callable
import json as json_module
from typing import Any
from urllib import parse

from keystoneauth1 import exceptions as ksa_errors
import requests

from protector import exception
from protector.clients import errors, peer, rest
from protector.tests.model import sim

Json = dict[str, Any]
PEER, CLOUD, ARRAY = "peer", "cloud", "array"
KINDS = (PEER, CLOUD, ARRAY)
SECONDS = 5.0
"""How long a call waits that nobody answers."""
LATENCY = 0.02
CHANGES = frozenset(
    {
        "create",
        "create_group",
        "create_group_type",
        "create_port",
        "create_security_group",
        "create_security_group_rule",
        "create_server",
        "delete",
        "delete_group",
        "delete_keypair",
        "delete_port",
        "delete_security_group",
        "delete_security_group_rule",
        "delete_server",
        "extend",
        "import_keypair",
        "lock",
        "set_bootable",
        "set_image_metadata",
        "shelve",
        "start",
        "stop",
        "unlock",
        "unshelve",
        "update_group",
    }
)


class Links:
    """:ivar cut: kinds of ways between the sites that lead nowhere.
    :ivar dark: sites that are gone altogether, by letter.
    """

    def __init__(self) -> None:
        self.cut: set[str] = set()
        self.dark: set[str] = set()

    def leads(self, here: str, there: str, kind: str) -> bool:
        if there in self.dark or here in self.dark:
            return False
        return here == there or kind not in self.cut

    @property
    def arrays(self) -> bool:
        """Whether the arrays see each other."""
        return not self.dark and ARRAY not in self.cut


class Door:
    """The way of one engine to what is at the sites.

    :param place: the bed: ``sim``, ``links``, ``arrays``, ``clouds``, and
        its witnesses: ``calls`` sees each call to the other site before it
        is made, ``witness`` each change.
    :param here: letter of the engine's site.
    :param life: of the engine; None for its API.
    """

    def __init__(self, place: Any, here: str, life: sim.Life | None) -> None:
        self.place = place
        self.here = here
        self._life = life

    @property
    def world(self) -> Any:
        """The arrays."""
        return self.place.arrays

    def leads(self, there: str, kind: str) -> bool:
        """Whether a call gets there that is about to be made."""
        if there != self.here:
            self.place.calls(self.here, there, kind)
        found: bool = self.place.links.leads(self.here, there, kind)
        return found

    def look(self, name: str) -> None:
        """:raises ArrayUnavailable: the array of that name is not reached."""
        self._alive()
        if not self.leads(name[-1], ARRAY):
            self.place.sim.pause(SECONDS)
            raise exception.ArrayUnavailable(f"{name} does not answer.")

    def change(
        self,
        name: str,
        before_change: Callable[[], None] | None,
        call: Callable[[], Any],
    ) -> Any:
        """Make a change on an array."""
        self.reach("before", before_change)
        self.look(name)
        result = call()
        self.reach("after")
        return result

    def reach(
        self, moment: str, before_change: Callable[[], None] | None = None
    ) -> None:
        """A changing call is about to be made, or was."""
        if self._life is not None:
            self._life.reach(moment)
            if self._life.frozen:
                self.place.sim.pause(0)
        if before_change is not None:
            before_change()
        if moment == "before":
            self.place.sim.pause(LATENCY)
        self._alive()

    def require(self, there: str, label: str, site_name: str) -> None:
        """:raises CloudUnavailable: a site's cloud is not reached."""
        self._alive()
        if not self.leads(there, CLOUD):
            self.place.sim.pause(SECONDS)
            raise exception.CloudUnavailable(
                f"{label} at site {site_name} does not answer.",
                service=label,
                site=site_name,
            )

    def _alive(self) -> None:
        if self._life is not None:
            self._life.check()


class Service:
    """One service of a cloud behind a door."""

    def __init__(
        self,
        door: Door,
        there: str,
        name: str,
        label: str,
        before_change: Callable[[], None] | None,
    ) -> None:
        self._door = door
        self._there = there
        self._name = name
        self._label = label
        self._before_change = before_change

    def __getattr__(self, name: str) -> Any:
        door, there = self._door, self._there
        cloud = door.place.clouds[there]
        found = getattr(getattr(cloud, self._name), name)
        if not callable(found):
            return found
        site_name = f"site-{there}"

        def call(*args: Any, **kwargs: Any) -> Any:
            if name not in CHANGES:
                door.require(there, self._label, site_name)
                return found(*args, **kwargs)
            door.reach("before", self._before_change)
            door.require(there, self._label, site_name)
            door.place.witness(door.here, there, name, args)
            result = found(*args, **kwargs)
            door.reach("after")
            return result

        return call


class Project:
    """``clouds.ProjectClients`` behind a door; the service's own project
    is the same here."""

    def __init__(
        self, door: Door, there: str, before_change: Any, project_id: str
    ) -> None:
        self.project_id = project_id
        for name, label in (
            ("compute", "Nova"),
            ("volume", "Cinder"),
            ("network", "Neutron"),
            ("identity", "Keystone"),
            ("placement", "Placement"),
        ):
            service = Service(door, there, name, label, before_change)
            setattr(self, name, service)


class Site:
    """``clouds.SiteClients`` behind a door."""

    def __init__(
        self,
        door: Door,
        access: Any,
        local_id: str,
        before_change: Any,
        seconds: Any,
    ) -> None:
        self._door = door
        self._there = access.name[-1]
        self._before_change = before_change
        self._access = access
        self._seconds = seconds
        self.service = self.project("p-service")
        self.identity = self.service.identity
        self.peer = peer.PeerClient(self._scope, local_id)

    def project(self, project_id: str) -> Any:
        return Project(
            self._door, self._there, self._before_change, project_id
        )

    def _scope(self, seconds: float | None = None) -> rest.Scope:
        wire = Wire(
            self._door,
            self._there,
            self._before_change,
            seconds or self._seconds or SECONDS,
        )
        return rest.Scope(self._access, wire, "req-model")


class Clouds:
    """``clouds.Clouds`` of one engine, or of an API."""

    def __init__(self, door: Door, local_id: str) -> None:
        self._door = door
        self._local_id = local_id

    def site(
        self,
        access: Any,
        before_change: Any = None,
        request_id: str | None = None,
        seconds: float | None = None,
        looking: bool = False,
    ) -> Site:
        return Site(self._door, access, self._local_id, before_change, seconds)


class Wire:
    """A session of keystoneauth to the other site's API, without a network:
    the request is served by a task of that site."""

    def __init__(
        self, door: Door, there: str, before_change: Any, seconds: float
    ) -> None:
        self._door = door
        self._there = there
        self._before_change = before_change
        self._seconds = seconds

    def request(self, url: str, method: str, **kwargs: Any) -> Any:
        door, place = self._door, self._door.place
        changes = method not in ("GET", "HEAD")
        if changes:
            door.reach("before", self._before_change)
        if not door.leads(self._there, PEER):
            place.sim.pause(self._seconds)
            raise ksa_errors.ConnectTimeout("nobody answers")
        answer = self._served(url, method, kwargs)
        if changes:
            door.reach("after")
        if answer.status_code >= 400:
            raise errors.Refused(answer)
        return answer

    def _served(self, url: str, method: str, kwargs: Json) -> Any:
        place = self._door.place
        answers: list[requests.Response] = []
        there = place.sites[self._there]
        headers, body = _sent(kwargs)
        if kwargs.get("params"):
            url = f"{url}?{parse.urlencode(kwargs['params'])}"
        place.sim.spawn(
            lambda: answers.append(there.serve(method, url, headers, body)),
            there.api_life,
        )
        # longer than it takes to connect: somebody is at it
        place.sim.wait(lambda: bool(answers), self._seconds * 6)
        if not answers or not place.links.leads(
            self._door.here, self._there, PEER
        ):
            raise ksa_errors.ConnectTimeout("the answer does not come")
        return answers[0]


def _sent(kwargs: Json) -> tuple[dict[str, str], bytes]:
    headers = {
        **(kwargs.get("headers") or {}),
        "X-Roles": "service",
        "X-User-Id": "u-service",
        "X-User-Name": "protector",
        "X-User-Domain-Name": "Default",
        "X-Project-Id": "p-service",
    }
    if kwargs.get("json") is not None:
        headers["Content-Type"] = "application/json"
        return headers, json_module.dumps(kwargs["json"]).encode()
    return headers, kwargs.get("data") or b""
