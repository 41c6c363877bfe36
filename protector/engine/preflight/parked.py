# SPDX-License-Identifier: Apache-2.0
"""What a source cleanup would remove, and what it would keep."""

from protector.engine import cleanup, finding, undo_held
from protector.engine.finding import Code, Finding
from protector.engine.preflight.look import Look


def undo(look: Look) -> list[Finding]:
    """Undo copies are snapshots of the volumes that would go."""
    return [
        finding.error(
            Code.UNDO_COPY_LIVES,
            f"Undo copy {held} is a snapshot of volumes that are deleted, "
            "and holds what existed nowhere else when a move overwrote it.",
            "Wait until its retention is over, or give it up with "
            "discard_undo=true.",
        )
        for held in undo_held.of_parked(look.ctx, look.target)
    ]


def parked(look: Look) -> list[Finding]:
    """Everything by name and id, so that it can be agreed to."""
    covered = cleanup.covered(look.ctx, look.source)
    site = look.name(look.target)
    found = []
    for member in cleanup.parked(look.scene):
        copy = member.copy(look.target)
        server = f"{member.instance_name} ({copy and copy.server_id})"
        if member.id not in covered:
            why: str | None = "no complete recovery point holds it"
        else:
            why = cleanup.obstacle(look, member)
        if why is not None:
            found.append(
                finding.warning(
                    Code.PARKED_KEPT,
                    f"Parked server {server} at site {site} stays: {why}.",
                    "Nothing to do, if it is to stay.",
                    member.id,
                )
            )
            continue
        volumes = ", ".join(
            f"{v.name} ({v.cinder_id})" for v in member.volumes_at(look.target)
        )
        found.append(
            finding.warning(
                Code.PARKED_REMOVED,
                f"Parked server {server} at site {site} is deleted, with its "
                f"volumes {volumes}.",
                "Nothing to do, if it is to go.",
                member.id,
            )
        )
    return found
