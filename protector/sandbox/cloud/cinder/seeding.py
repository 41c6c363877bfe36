# SPDX-License-Identifier: Apache-2.0
"""The volume types, group types and limits of a fresh cloud."""

from protector.sandbox.cloud import context
from protector.sandbox.cloud.cinder import group_types, groups, types
from protector.sandbox.cloud.cinder import state as states

BACKEND = {"volume_backend_name": states.BACKEND}
VOLUME_TYPES = {
    "__DEFAULT__": {},
    "replicated-ssd": {
        **BACKEND,
        "replication_enabled": states.TRUE,
        "replication_type": states.ASYNC,
    },
    "plain": BACKEND,
}
SYNC_VOLUME_TYPES = {
    "sync": {
        **BACKEND,
        "replication_enabled": states.TRUE,
        "replication_type": states.SYNC,
    },
}
"""Of a cloud whose back end has a pod."""
GROUP_TYPES = {
    groups.DEFAULT_CG_TYPE: {states.CONSISTENT: states.TRUE},
    "cg": {states.CONSISTENT: states.TRUE},
    "cg-replicated": {
        states.CONSISTENT: states.TRUE,
        states.REPLICATED: states.TRUE,
    },
}


def seed_cinder(cloud: context.Cloud) -> None:
    """Write the types; what is there stays."""
    volume_types = cloud.store.table("volume.types")
    kinds_of_volumes = dict(VOLUME_TYPES)
    if cloud.array is not None and cloud.array.pod:
        kinds_of_volumes |= SYNC_VOLUME_TYPES
    for name, specs in kinds_of_volumes.items():
        if volume_types.first(name=name) is None:
            volume_types.put(types.new_type(name, specs))
    kinds = cloud.store.table("volume.group_types")
    for name, specs in GROUP_TYPES.items():
        if kinds.first(name=name) is None:
            kinds.put(group_types.new_group_type(name, specs))
