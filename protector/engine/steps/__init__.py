# SPDX-License-Identifier: Apache-2.0
"""Every step by its name.

A step's name is stored with each operation: renaming one strands the
operations that are under way.
"""

from protector.engine import step
from protector.engine.steps import (
    changes,
    cleanup,
    copies,
    drill_checks,
    drill_cleanup,
    drill_room,
    drills,
    groups,
    members,
    metadata,
    networks,
    peer,
    placement,
    rehome,
    replication,
    servers,
    split,
    volumes,
)

MODULES = (
    changes,
    cleanup,
    copies,
    drill_checks,
    drill_cleanup,
    drill_room,
    drills,
    groups,
    members,
    metadata,
    networks,
    peer,
    placement,
    rehome,
    replication,
    servers,
    split,
    volumes,
)

STEPS: dict[str, step.Step] = {
    s.name: s for module in MODULES for s in module.STEPS
}
