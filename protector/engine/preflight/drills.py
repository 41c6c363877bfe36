# SPDX-License-Identifier: Apache-2.0
"""Whether clones of the members' volumes can be made at the target."""

import collections

from protector import exception
from protector.engine import drill, finding
from protector.engine.finding import Code, Finding
from protector.engine.preflight import quotas
from protector.engine.preflight.look import Look


def clones(look: Look) -> list[Finding]:
    """A type for them, and the quota."""
    client = look.tenant(look.target).volume
    try:
        kind = drill.clone_type(client, look.scene.side(look.target))
    except exception.PreflightFailed as e:
        return [finding.error(Code.CLONE_TYPE_MISSING, e.message, e.remedy)]
    need: quotas.Needs = collections.Counter()
    for member in look.members:
        for volume in member.volumes_at(look.source):
            need["volumes"] += 1
            need["gigabytes"] += volume.size_gb
    for resource in ("volumes", "gigabytes"):
        need[f"{resource}_{kind.name}"] = need[resource]
    return quotas.short("Cinder", client.quotas, need)
