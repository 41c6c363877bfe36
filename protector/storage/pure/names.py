# SPDX-License-Identifier: Apache-2.0
"""What objects are called on a FlashArray, and what a name tells.

Sources: cinder/volume/drivers/pure.py (``_generate_purity_vol_name``,
``_get_pgroup_name``) for Cinder's objects, the array's rule for replicated
ones.  It asks no array.
"""

import re

from protector import exception

OURS = "protector-"
"""How every object begins that this driver may destroy."""

_CINDERS_GROUP = re.compile(r"consisgroup-.+-cinder")
_NO_PODS = "Use volumes of a volume type with asynchronous replication."


def volume(cinder_id: str) -> str:
    return f"volume-{cinder_id}-cinder"


def group(cinder_group_id: str) -> str:
    return f"consisgroup-{cinder_group_id}-cinder"


def own_group(cinder_group_id: str) -> str:
    """Of volumes that lie outside of the pod of their Cinder group."""
    return f"{OURS}{cinder_group_id}"


def is_made_by_cinder(group: str) -> bool:
    """Whether Cinder's driver made the array group, told by its name."""
    return _CINDERS_GROUP.fullmatch(bare(group)) is not None


def replicated(source_array: str, group: str) -> str:
    """What a group of ``source_array`` is called on its target array."""
    return f"{source_array}:{group}"


def snapshot(group: str, suffix: str) -> str:
    return f"{group}.{suffix}"


def member(snapshot: str, volume: str) -> str:
    """The snapshot of one volume in a group snapshot; it bears the pod of
    both only once."""
    return f"{snapshot}.{bare(volume)}"


def suffix_of(snapshot: str, group: str) -> str | None:
    """The suffix of a snapshot of ``group``; None if it is none of it."""
    prefix = f"{group}."
    suffix = snapshot.removeprefix(prefix)
    if not snapshot.startswith(prefix) or not suffix or "." in suffix:
        return None
    return suffix


def split_member(name: str, group: str) -> tuple[str, str] | None:
    """The group snapshot and the volume of a member snapshot's name.

    None if it is not a member of a snapshot of ``group``.
    """
    prefix = f"{group}."
    if not name.startswith(prefix):
        return None
    suffix, dot, volume = name.removeprefix(prefix).partition(".")
    return (f"{prefix}{suffix}", volume) if dot and volume else None


def pod_of(name: str) -> str | None:
    """The pod that a volume or a group lies in; None if in none."""
    pod, separator, _ = name.partition("::")
    return pod if separator else None


def in_pod(pod: str, name: str) -> str:
    return f"{pod}::{name}"


def bare(name: str) -> str:
    """A volume's or a group's name without its pod."""
    return name.rpartition("::")[2]


def refuse_pods(*names: str) -> None:
    """:raises ArrayError: one of the names lies in a pod."""
    for name in names:
        pod = pod_of(name)
        if pod is not None:
            raise exception.ArrayError(
                f"{name} is in pod {pod}, which a group that replicates "
                "asynchronously cannot hold.",
                remedy=_NO_PODS,
            )


def refuse_foreign(prefix: str) -> None:
    """:raises ArrayError: volumes that are not ours could begin so."""
    if not prefix.startswith(OURS):
        raise exception.ArrayError(
            f"Only volumes named {OURS}... may be destroyed, not "
            f"{prefix!r}...",
            remedy="Report this: it is a fault of the service.",
        )
