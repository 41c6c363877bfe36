# SPDX-License-Identifier: Apache-2.0
"""Makes a cloud's Pure backend ready to be used: ``CLOUD``.

cinder-volume tells the scheduler of its pools when it starts, and again one
to two minutes later (``backend_stats_polling_interval`` after a random
``periodic_fuzzy_delay``).  A scheduler that begins to listen a moment after
the first time finds no backend for any volume until then, while both
services count as up.
"""

import sys

import openstack

from protector.tests.realcloud import processes

NAME = "pure"
REPLICATED, SYNC, PLAIN = "pure-replicated", "pure-sync", "pure-plain"
"""Volume types that are made there."""
REPORT_SECONDS = 240
_SPECS = {
    REPLICATED: {
        "replication_enabled": "<is> True",
        "replication_type": "<in> async",
    },
    SYNC: {
        "replication_enabled": "<is> True",
        "replication_type": "<in> sync",
    },
    PLAIN: {},
}


def wait(cloud: str) -> None:
    """Wait until the scheduler knows each backend's pool.

    :param cloud: an admin's cloud in clouds.yaml.
    :raises AssertionError: not within ``REPORT_SECONDS``.
    """
    volumes = openstack.connect(cloud=cloud).block_storage

    def known() -> bool:
        pools = {p.name.partition("#")[0] for p in volumes.backend_pools()}
        services = volumes.services(binary="cinder-volume")
        return any(name.endswith(f"@{NAME}") for name in pools) and all(
            service.host in pools
            for service in services
            if service.state == "up"
        )

    processes.wait_until(known, REPORT_SECONDS, pause=1)


def make_types(cloud: str) -> None:
    """Make the volume types of the backend that are missing."""
    volumes = openstack.connect(cloud=cloud).block_storage
    there = {kind.name for kind in volumes.types()}
    for name, specs in _SPECS.items():
        if name not in there:
            volumes.create_type(
                name=name, extra_specs={"volume_backend_name": NAME, **specs}
            )


if __name__ == "__main__":
    wait(sys.argv[1])
    make_types(sys.argv[1])
