# SPDX-License-Identifier: Apache-2.0
"""What Cinder's Pure driver calls its objects on the array.

Source: cinder/volume/drivers/pure.py 29.0.0 (``_generate_purity_vol_name``,
``_get_pgroup_name``, ``_get_pgroup_snap_name``).
"""

import re
import uuid

from protector.sandbox.cloud import store

SHARED_PGROUP = "cinder-group"
"""``pure_replication_pg_name``: every volume of an async type is in it."""

_INVALID = re.compile(r"[^-a-zA-Z0-9]")
_HOSTS = uuid.UUID("6f5cf2b2-7a8f-4b0b-9a0e-0d5f5d7a1c11")


def volume(document: store.Document) -> str:
    """Return the array's name of a volume."""
    name = f"volume-{document['id']}-cinder"
    return document.get("provider_id") or in_pod(document.get("pod"), name)


def in_pod(pod: str | None, name: str) -> str:
    """Return what something in a pod is called; None for no pod."""
    return f"{pod}::{name}" if pod else name


def bare(name: str) -> str:
    """Return a name without its pod."""
    return name.rpartition("::")[2]


def unmanaged(name: str) -> str:
    """Return the name that unmanage leaves behind, at most 63 long."""
    suffix = "-unmanaged"
    if len(name) + len(suffix) > 63:
        name = name[: -len(suffix)]
    return name + suffix


def snapshot(volume_name: str, snapshot_id: str) -> str:
    """Return the array's name of a volume's snapshot."""
    return f"{volume_name}.snapshot-{snapshot_id}"


def pgroup(group_id: str, pod: str | None) -> str:
    """Return the protection group of a consistent Cinder group."""
    return in_pod(pod, f"consisgroup-{group_id}-cinder")


def pgroup_suffix(group_snapshot_id: str) -> str:
    """Return the suffix of a Cinder group snapshot's array snapshot."""
    return f"cgsnapshot-{group_snapshot_id}-cinder"


def pgroup_member(
    pgroup_name: str, group_snapshot_id: str, volume_name: str
) -> str:
    """Return the array's name of one volume in a group snapshot."""
    suffix = pgroup_suffix(group_snapshot_id)
    return f"{pgroup_name}.{suffix}.{bare(volume_name)}"


def host(connector_host: str) -> str:
    """Return the array host of a compute node, ``<host>-<uuid>-cinder``."""
    system = uuid.uuid5(_HOSTS, connector_host).hex
    return f"{_INVALID.sub('-', connector_host[:23])}-{system}-cinder"


def uuid_of(text: str) -> str:
    """Return an id that is always the same for a text."""
    return str(uuid.uuid5(_HOSTS, text))
