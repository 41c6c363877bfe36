# SPDX-License-Identifier: Apache-2.0
"""What is asked of a site when it is validated, by name.

Each check tells what it found, or raises what is wrong; none changes
anything, and none knows of the others.
"""

from collections.abc import Callable
import dataclasses
from typing import Any

from protector import constants as c
from protector import exception, metadata
from protector.clients import clouds
from protector.db import models
from protector.engine import group_types, reading
from protector.engine.preflight import sites as needs
from protector.engine.steps import groups
from protector.storage import base

Json = dict[str, Any]
# what nothing works without
CATALOG = ("compute", "volumev3", "network", "image")
# marks are in the descriptions of ports
EXTENSIONS = ("security-group", "standard-attr-description", "external-net")
# what is left out where Neutron cannot do it
OPTIONAL = ("allowed-address-pairs", "port-security", "quota_details")
# seconds: more would make times and ages of recovery points misleading
MAX_SKEW = 10
LOCAL = "This is the site itself."


@dataclasses.dataclass(frozen=True)
class Subject:
    """:param clients: the site's; may not change anything.
    :param projects: some of the tenants' projects there.
    """

    runtime: Any
    site: models.Site
    clients: clouds.SiteClients
    projects: tuple[str, ...]

    @property
    def driver(self) -> base.ReplicationDriver:
        found: base.ReplicationDriver = self.runtime.storage.driver(
            reading.forbid
        )
        return found

    @property
    def array(self) -> base.Array:
        """:raises ArrayError: none, or several, are configured."""
        found: base.Array = self.runtime.storage.array_of(
            self.site.id, self.site.name
        )
        return found


@dataclasses.dataclass(frozen=True)
class Told:
    """What is well, or with a fix: what works, but not as it should."""

    message: str
    fix: str | None = None


@dataclasses.dataclass(frozen=True)
class Check:
    """:param fix: what to do, unless the error knows better."""

    name: str
    run: Callable[[Subject], Told]
    fix: str


def _wrong(
    message: str, remedy: str | None = None
) -> exception.ProtectorError:
    return exception.PreflightFailed(message, remedy=remedy)


# -- Keystone


def _keystone(subject: Subject) -> Told:
    known = subject.clients.identity.sign_in()
    roles = ", ".join(sorted(known["roles"])) or "no role"
    return Told(f"Signed in to project {known['project_id']}: {roles}.")


def _rights(subject: Subject) -> Told:
    """Admin in the service's own project, and in the tenants'."""
    clients = subject.clients
    scopes = [("its own project", clients.service)] + [
        (f"project {project}", clients.project(project))
        for project in subject.projects
    ]
    for where, scope in scopes:
        if "admin" not in scope.identity.check()["roles"]:
            raise _wrong(f"The service user has no role admin in {where}.")
    number = len(subject.projects)
    return Told(f"Admin in its own project and in {number} of the tenants'.")


def _catalog(subject: Subject) -> Told:
    identity = subject.clients.identity
    missing = [kind for kind in CATALOG if not identity.endpoint(kind)]
    if not subject.site.endpoint and not identity.endpoint("protector"):
        missing.append("protector")
    if missing:
        region = subject.site.region_name
        where = f" in region {region}" if region else ""
        raise _wrong(f"The catalog{where} lacks {', '.join(missing)}.")
    if not identity.endpoint("placement"):
        return Told(
            "The catalog has no placement.",
            "Enter it: without it, capacity is not looked at before a move.",
        )
    return Told("All services are there.")


# -- the services


def _enough(service: Any, least: tuple[tuple[int, int], str]) -> str:
    """:raises PreflightFailed: its microversions are too old."""
    maximum = service.server_maximum
    text = "{}.{}".format(*maximum)
    if maximum < least[0]:
        raise _wrong(
            f"{service.label} serves microversions up to {text}; from "
            f"{least[0][0]}.{least[0][1]} on it can {least[1]}.",
            f"Upgrade {service.label} there.",
        )
    return text


def _alive(service: Any, binary: str) -> tuple[int, list[str]]:
    """How many of a binary are up, and the hosts of those that are not.

    :raises PreflightFailed: none is up.
    """
    rows = [s for s in service.services() if s["binary"] == binary]
    down = [s["host"] for s in rows if s["state"] != "up"]
    if len(down) == len(rows):
        raise _wrong(
            f"No {binary} is up.", f"Start {binary} there; see its log."
        )
    return len(rows) - len(down), down


def _running(service: Any, least: Any, binary: str) -> Told:
    version = _enough(service, least)
    number, down = _alive(service, binary)
    text = f"Microversion {version}, {number} {binary} up"
    if down:
        return Told(
            f"{text}, down: {', '.join(sorted(down))}.",
            f"Start {binary} there; see its log.",
        )
    return Told(f"{text}.")


def _nova(subject: Subject) -> Told:
    compute = subject.clients.service.compute
    return _running(compute, needs.NOVA, "nova-compute")


def _cinder(subject: Subject) -> Told:
    volume = subject.clients.service.volume
    return _running(volume, needs.CINDER, "cinder-volume")


def _volume_types(subject: Subject) -> Told:
    """Those that replicate, each leading to one backend."""
    volume = subject.clients.service.volume
    found = [t for t in volume.types() if t.replicated]
    if not found:
        raise exception.VolumeTypeNotReplicated(
            "No volume type is replication-enabled.",
            remedy=exception.VolumeTypeNotReplicated.remedy,
        )
    unclear = []
    for kind in found:
        try:
            group_types.backend(volume, kind, subject.site.name)
        except exception.VolumeTypeAmbiguous as e:
            unclear.append(e.message)
    if len(unclear) == len(found):
        raise _wrong(" ".join(unclear))
    names = ", ".join(sorted(t.name for t in found))
    if unclear:
        return Told(
            f"Replicated: {names}. {' '.join(unclear)}",
            "Set volume_backend_name on the volume type.",
        )
    return Told(f"Replicated: {names}.")


def _group_types(subject: Subject) -> Told:
    volume = subject.clients.service.volume
    fit = [
        kind.name
        for kind in volume.group_types()
        if groups.SPECS.items() <= kind.group_specs.items()
    ]
    if not fit:
        return Told(
            f"None is consistent and replicated yet; {groups.GROUP_TYPE} is "
            "made with the first group."
        )
    return Told(f"Consistent and replicated: {', '.join(sorted(fit))}.")


def _neutron(subject: Subject) -> Told:
    known = subject.clients.service.network.extensions()
    missing = [e for e in EXTENSIONS if e not in known]
    if missing:
        raise _wrong(f"Neutron lacks the extensions {', '.join(missing)}.")
    left_out = [e for e in OPTIONAL if e not in known]
    if left_out:
        return Told(
            f"Neutron lacks the extensions {', '.join(left_out)}.",
            "Enable them: what they are for is lost, or not looked at.",
        )
    return Told("All extensions are there.")


# -- the other Protector


def _protector(subject: Subject) -> Told:
    """It takes the service user, who has the role ``service`` there."""
    if subject.site.is_local:
        return Told(LOCAL)
    identity = subject.clients.peer.identity()
    if identity["site"]["id"] != subject.site.id:
        raise _wrong(
            f"The site calls itself {identity['site']['id']}, it is "
            f"registered as {subject.site.id}.",
            "Delete the site and register it again.",
        )
    return Told(f"It is {identity['site']['name']}.")


def _versions(subject: Subject) -> Told:
    if subject.site.is_local:
        return Told(LOCAL)
    told = subject.clients.peer.identity().get("versions") or {}
    low, high, document = (
        str(told.get(k) or "") for k in ("min_api", "api", "document")
    )
    spoken = "{}.{}".format(*needs.SPOKEN)
    # one that does not say serves what it always served
    if low and high and not needs.serves(low, high):
        raise _wrong(
            f"It serves API {low} to {high}; this site speaks {spoken}."
        )
    if document.partition(".")[0] != metadata.SCHEMA.partition(".")[0]:
        raise _wrong(
            f"Its documents are of schema {document}, those of this site of "
            f"{metadata.SCHEMA}."
        )
    return Told(f"API {low} to {high}, documents {document}.")


def _clock(subject: Subject) -> Told:
    if subject.site.is_local:
        return Told(LOCAL)
    clock = subject.runtime.clock
    before = clock.now()
    theirs = subject.clients.peer.time()
    # it looked at its clock at some moment of these
    early = (before - theirs).total_seconds()
    late = (theirs - clock.now()).total_seconds()
    apart = max(early, late, 0)
    if apart > MAX_SKEW:
        raise _wrong(f"The clocks of the sites are {apart:.0f} s apart.")
    return Told(f"The clocks agree within {MAX_SKEW} s.")


# -- the arrays


def _array(subject: Subject) -> Told:
    facts = subject.driver.check(subject.array)
    text = (
        f"Array {facts['name']}, Purity {facts['version']}, REST "
        f"{facts['rest']}."
    )
    return Told(f"{text} {facts['asynchronous_only']}".rstrip())


def _array_link(subject: Subject) -> Told:
    """To each of the other sites' arrays that are configured here."""
    array = subject.array
    others = [
        a for a in subject.runtime.storage.arrays() if a.name != array.name
    ]
    if not others:
        raise _wrong(
            f"No array but {array.name} is configured.",
            "Name the arrays of both sites in [storage] arrays.",
        )
    driver = subject.driver
    states = {other.name: driver.link(array, other) for other in others}
    bad = [f"{n}: {state}" for n, state in states.items() if state != WELL]
    if bad:
        raise _wrong(f"From {array.name} to {', '.join(bad)}.")
    return Told(f"{array.name} is connected to {', '.join(states)}.")


WELL = "connected"
CHECKS = (
    Check(
        c.SiteCheck.KEYSTONE,
        _keystone,
        "Check that Keystone of the site runs, and the auth_url, user, "
        "password and project that are registered for it.",
    ),
    Check(
        c.SiteCheck.RIGHTS, _rights, f"{needs.RIGHT}; and admin in its own."
    ),
    Check(
        c.SiteCheck.CATALOG,
        _catalog,
        "Enter the endpoints in its Keystone, or correct the region of the "
        "site.",
    ),
    Check(
        c.SiteCheck.NOVA,
        _nova,
        "Check that Nova of the site runs and that the service user is "
        "admin there.",
    ),
    Check(
        c.SiteCheck.CINDER,
        _cinder,
        "Check that Cinder of the site runs and that the service user is "
        "admin there.",
    ),
    Check(
        c.SiteCheck.VOLUME_TYPES,
        _volume_types,
        "Set replication_enabled, replication_type and volume_backend_name "
        "on the volume type.",
    ),
    Check(
        c.SiteCheck.GROUP_TYPES,
        _group_types,
        "Check that Cinder of the site runs and that the service user is "
        "admin there.",
    ),
    Check(
        c.SiteCheck.NEUTRON,
        _neutron,
        "Check that Neutron of the site runs; enable the extensions.",
    ),
    Check(
        c.SiteCheck.PROTECTOR,
        _protector,
        "Check that protector-api of the site runs and can be reached from "
        "here, and that the registered user has the role service and is "
        "the one in [peer] username there.",
    ),
    Check(
        c.SiteCheck.VERSIONS,
        _versions,
        "Upgrade the site with the older Protector.",
    ),
    Check(
        c.SiteCheck.CLOCK,
        _clock,
        "Let both sites take their time from NTP.",
    ),
    Check(
        c.SiteCheck.ARRAY,
        _array,
        "Check [storage] arrays of this site, and that the array answers.",
    ),
    Check(
        c.SiteCheck.ARRAY_LINK,
        _array_link,
        "Connect the arrays with each other for replication.",
    ),
)
