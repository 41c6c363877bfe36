# SPDX-License-Identifier: Apache-2.0
"""Decide whether the one back end can serve a volume or group type."""

import typing

from protector.sandbox.cloud.cinder import state as states

TOTAL_GIB = 10240


def capabilities(state: states.State) -> dict[str, typing.Any]:
    """Return what the driver reports (``get_pools`` with details)."""
    used = sum(row["size"] for row in state.volumes.list())
    found: dict[str, typing.Any] = {
        "volume_backend_name": states.BACKEND,
        "driver_version": "23.0",
        "storage_protocol": "iSCSI",
        "vendor_name": "Pure Storage",
        "total_capacity_gb": TOTAL_GIB,
        "free_capacity_gb": max(TOTAL_GIB - used, 0),
        "allocated_capacity_gb": used,
        "provisioned_capacity_gb": used,
        "max_over_subscription_ratio": "20.0",
        "reserved_percentage": 0,
        "total_volumes": state.volumes.count(),
        "thin_provisioning_support": True,
        "multiattach": True,
        "consistencygroup_support": True,
        states.CONSISTENT: True,
        states.REPLICATED: True,
        "replication_capability": None,
        "replication_enabled": state.driver.replicates,
        "replication_type": [],
        "replication_count": 0,
        "replication_targets": [],
        "pool_name": states.BACKEND,
        "backend_state": "up",
        "QoS_support": True,
        "filter_function": None,
        "goodness_function": None,
        "timestamp": state.now(),
    }
    array = state.cloud.array
    if state.driver.replicates and array is not None:
        found["replication_type"] = ["async"]
        if state.pod:
            found["replication_type"].append("sync")
        found["replication_targets"] = [array.target]
        found["replication_count"] = 1
    return found


def passes(state: states.State, specs: dict[str, str]) -> bool:
    """Whether the back end passes the capabilities filter."""
    have = capabilities(state)
    return all(
        _matches(wanted, have.get(key.removeprefix("capabilities:")))
        for key, wanted in specs.items()
        if ":" not in key or key.startswith("capabilities:")
    )


def _matches(wanted: str, have: typing.Any) -> bool:
    operator, _, value = wanted.partition(" ")
    if operator == "<is>":
        return have is (value.strip().lower() in ("true", "1", "yes"))
    if operator == "<in>":
        return have is not None and value.strip() in have
    return have is not None and str(have) == wanted
