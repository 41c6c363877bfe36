# SPDX-License-Identifier: Apache-2.0
"""REST 2.x: what an array is made of, its space, its load, its containers.

There is one controller with one iSCSI port, and no volume group.
"""

from protector.sandbox.array import errors, rest2, rest2_arrays
from protector.sandbox.array.params import ANY, INT
from protector.sandbox.array.rest2 import Call, Item, Route
from protector.sandbox.array.rest2_volumes import asked

_CONTROLLER = "CT0"
_PORTAL = 3260
_SAMPLES = {"start_time": INT, "end_time": INT, "resolution": INT}
_LOAD = (
    "reads_per_sec",
    "writes_per_sec",
    "read_bytes_per_sec",
    "write_bytes_per_sec",
    "usec_per_read_op",
    "usec_per_write_op",
    "queue_depth",
    "queue_usec_per_read_op",
    "queue_usec_per_write_op",
    "queue_usec_per_mirrored_write_op",
)


def space(call: Call) -> list[Item]:
    """GET arrays/space."""
    used = call.array.space.used()
    (array,) = rest2_arrays.show(call)
    return [
        {
            "id": array["id"],
            "name": array["name"],
            "capacity": array["capacity"],
            "time": rest2.ms(call.array.core.clock.now()),
            "space": {
                "total_provisioned": used["provisioned"],
                "total_physical": used["volumes"] + used["snapshots"],
                "unique": used["volumes"],
                "snapshots": used["snapshots"],
                "shared": 0,
                "system": 0,
                "data_reduction": 1.0,
                "total_reduction": 1.0,
                "thin_provisioning": 0.0,
            },
        }
    ]


def performance(call: Call) -> list[Item]:
    """GET arrays/performance: one sample; the emulation measures none."""
    core = call.array.core
    known = {"id": core.id, "name": core.name}
    return [
        {
            **known,
            "time": rest2.ms(core.clock.now()),
            **dict.fromkeys(_LOAD, 0),
        }
    ]


def controllers(call: Call) -> list[Item]:
    """GET controllers."""
    return [
        {
            "name": _CONTROLLER,
            "status": "ready",
            "mode": "primary",
            "model": "FA-X20R3",
            "type": "array_controller",
            "version": call.array.core.tuning.knobs.purity,
        }
    ]


def ports(call: Call) -> list[Item]:
    """GET ports: one iSCSI port at the array's own address."""
    core = call.array.core
    address = call.array.links.url.removeprefix("https://")
    rows = [
        {
            "name": f"{_CONTROLLER}.ETH4",
            "iqn": "iqn.2010-06.com.purestorage:flasharray."
            + core.id.replace("-", "")[:16],
            "portal": f"{address.rpartition(':')[0]}:{_PORTAL}",
        }
    ]
    return asked(call, rows, "Port")


def interfaces(call: Call) -> list[Item]:
    """GET network-interfaces."""
    address = call.array.links.url.removeprefix("https://").rpartition(":")[0]
    rows: list[Item] = [
        {
            "name": f"{_CONTROLLER.lower()}.eth4",
            "enabled": True,
            "interface_type": "eth",
            "services": ["iscsi"],
            "speed": 10**10,
            "eth": {"address": address, "subtype": "physical", "mtu": 1500},
        }
    ]
    return asked(call, rows, "Network interface")


def no_volume_groups(call: Call) -> list[Item]:
    """GET volume-groups: there are none."""
    return asked(call, [], "Volume group")


def refuse_volume_groups(call: Call) -> list[Item]:
    """POST volume-groups."""
    raise errors.ArrayError(
        "Volume groups are not supported by this array.", call.named()[0]
    )


_NAMED = rest2.LIST | rest2.NAMES
_CONTAINERS = _NAMED | rest2.DESTROYED | rest2.IDS
ROUTES = [
    Route("GET", "arrays/space", space, rest2.LIST | _SAMPLES),
    Route("GET", "arrays/performance", performance, rest2.LIST | _SAMPLES),
    Route("GET", "controllers", controllers, _NAMED),
    Route("GET", "ports", ports, _NAMED),
    Route("GET", "network-interfaces", interfaces, _NAMED),
    Route("GET", "volume-groups", no_volume_groups, _CONTAINERS),
    Route(
        "POST",
        "volume-groups",
        refuse_volume_groups,
        rest2.NAMES,
        {"qos": ANY},
    ),
]
