# SPDX-License-Identifier: Apache-2.0
"""Nova's states: what a vm_state and a task_state show as.

Source: nova/compute/vm_states.py, nova/api/openstack/common.py.
"""

from protector.sandbox.cloud import store

ACTIVE = "active"
BUILDING = "building"
PAUSED = "paused"
SUSPENDED = "suspended"
STOPPED = "stopped"
RESCUED = "rescued"
RESIZED = "resized"
ERROR = "error"
OFFLOADED = "shelved_offloaded"
DELETED = "deleted"

NO_POWER, RUNNING, PAUSED_POWER, SHUTDOWN = 0, 1, 3, 4

_RESIZE = ("resize_prep", "resize_migrating", "resize_migrated")
_STATUS = {
    ACTIVE: "ACTIVE",
    BUILDING: "BUILD",
    PAUSED: "PAUSED",
    SUSPENDED: "SUSPENDED",
    STOPPED: "SHUTOFF",
    RESCUED: "RESCUE",
    RESIZED: "VERIFY_RESIZE",
    ERROR: "ERROR",
    OFFLOADED: "SHELVED_OFFLOADED",
    DELETED: "DELETED",
}
_IN_TASK = {
    (ACTIVE, "rebooting"): "REBOOT",
    (ACTIVE, "rebooting_hard"): "HARD_REBOOT",
    (RESIZED, "resize_reverting"): "REVERT_RESIZE",
    **{(ACTIVE, task): "RESIZE" for task in (*_RESIZE, "resize_finish")},
    **{(STOPPED, task): "RESIZE" for task in (*_RESIZE, "resize_finish")},
}
KNOWN = frozenset((*_STATUS.values(), *_IN_TASK.values(), "SHELVED"))
PROGRESSING = frozenset(
    ("ACTIVE", "BUILD", "REBUILD", "RESIZE", "VERIFY_RESIZE", "MIGRATING")
)


def status(row: store.Document) -> str:
    """Return the status of a server."""
    both = (row["vm_state"], row["task_state"])
    return _IN_TASK.get(both) or _STATUS.get(row["vm_state"], "UNKNOWN")
