# SPDX-License-Identifier: Apache-2.0
"""Says of which members the volumes lie apart, and what helps.

A group replicates from one place.  It lies in two when one member arrived in
its pod and could not be brought beside it, where the others are.  Moves
nothing.
"""

from collections.abc import Iterator
import contextlib

from protector import exception
from protector.engine import scene as scenes


@contextlib.contextmanager
def named(scene: scenes.Scene, site_id: str, joining: bool) -> Iterator[None]:
    """Name members where the driver names volumes of a site.

    :param joining: another member would join: it is at fault then.
    """
    try:
        yield
    except exception.VolumesApart as e:
        found = _by_place(scene, site_id, e.details["places"])
        if joining or len(found) < 2:
            raise
        told = "; ".join(
            f"in {f'pod {pod}' if pod else 'no pod'}: {', '.join(members)}"
            for pod, members in found.items()
        )
        either = ", or ".join(" and ".join(m) for m in found.values())
        raise exception.VolumesApart(
            f"Protection group {scene.group.name} lies in more than one "
            f"place at site {scene.sites[site_id].name} and replicates from "
            f"none: {told}.",
            remedy=f"Remove {either}, from the group: what is left is "
            "protected again then, and who was removed runs on.",
            places=e.details["places"],
        ) from e


def _by_place(
    scene: scenes.Scene, site_id: str, volumes: dict[str, list[str]]
) -> dict[str, list[str]]:
    """Names of members by pod, those in none last."""
    found = {}
    for pod in sorted(volumes, key=lambda pod: (not pod, pod)):
        found[pod] = sorted(
            member.instance_name
            for member in scene.settled_members
            if any(
                row.array_volume in volumes[pod]
                for row in member.volumes_at(site_id)
            )
        )
    return found
