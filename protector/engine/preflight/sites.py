# SPDX-License-Identifier: Apache-2.0
"""Whether both sites can take part: the peer, its versions, our rights."""

from typing import Any

from protector import constants as c
from protector import exception
from protector.db.api import metadata_sync
from protector.engine import finding
from protector.engine.finding import Code, Finding
from protector.engine.preflight.look import PROTECTOR, Look

Json = dict[str, Any]
# the microversion in which sites talk to each other
SPOKEN = (1, 2)
RIGHT = (
    "openstack role add --user <service user> --domain <the tenants' domain> "
    "--inherited admin"
)
# what the code cannot do without, and what for
NOVA = ((2, 73), "keep the reason of a lock, by which Protector knows its own")
CINDER = ((3, 25), "show the volumes of a group")


def peer(look: Look) -> list[Finding]:
    other = look.scene.peer_site_id
    look.require((look.name(other), PROTECTOR))
    identity = look.ctx.site(other).peer.check(
        look.ctx.conf.peer.check_timeout
    )
    return _versions(look, other, identity.get("versions") or {})


def _versions(look: Look, other: str, told: Json) -> list[Finding]:
    low, high = told.get("min_api"), told.get("api")
    if not low or not high:
        # one that does not say serves what it always served
        return []
    if serves(low, high):
        return []
    return [
        finding.error(
            Code.PEER_VERSION_MISMATCH,
            f"Protector at site {look.name(other)} serves API {low} to "
            f"{high}; this site speaks {SPOKEN[0]}.{SPOKEN[1]} to it.",
            "Upgrade the site with the older Protector.",
        )
    ]


def serves(low: str, high: str) -> bool:
    """Whether a Protector of these API versions understands this one."""
    return _pair(low) <= SPOKEN <= _pair(high)


def _pair(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in str(text).split("."))


def split(look: Look) -> list[Finding]:
    found = look.scene.group.conditions.get(c.Condition.SPLIT)
    if found is None or found["status"] is not True:
        return []
    return [
        finding.error(
            Code.SPLIT,
            f"The sites hold different histories: {found['message']}",
            "Compare both and run resolve-split.",
        )
    ]


def sync(look: Look) -> list[Finding]:
    held = look.scene.sync
    error = metadata_sync.out_of_sync(look.scene.group, held) if held else None
    if error is None:
        return []
    return [
        finding.error(Code.METADATA_OUT_OF_SYNC, error.message, error.remedy)
    ]


def rights(look: Look) -> list[Finding]:
    """The service user is admin in the tenant's project at each site that
    is changed: without that it can neither build nor attach there."""
    found = []
    for site_id in (look.source, look.target):
        name = look.name(site_id)
        try:
            roles = look.tenant(site_id).identity.check()["roles"]
        except exception.CloudForbidden as e:
            found.append(finding.error(Code.RIGHT_MISSING, e.message, RIGHT))
            continue
        if "admin" not in roles:
            found.append(
                finding.error(
                    Code.RIGHT_MISSING,
                    "The service user has no role admin in project "
                    f"{look.scene.project(site_id)} at site {name}.",
                    RIGHT,
                )
            )
    return found


def microversions(look: Look) -> list[Finding]:
    """What the services at hand are too old for."""
    found = []
    for site_id in (look.source, look.target):
        clients = look.tenant(site_id)
        for label, service, (least, what) in (
            ("Nova", clients.compute, NOVA),
            ("Cinder", clients.volume, CINDER),
        ):
            if service.server_maximum < least:
                found.append(
                    finding.error(
                        Code.MICROVERSION_TOO_OLD,
                        f"{label} at site {look.name(site_id)} serves "
                        f"microversions up to {_text(service)}; from "
                        f"{least[0]}.{least[1]} on it can {what}.",
                        f"Upgrade {label} there.",
                    )
                )
    return found


def _text(service: Any) -> str:
    return "{}.{}".format(*service.server_maximum)
