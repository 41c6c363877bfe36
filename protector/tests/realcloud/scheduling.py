# SPDX-License-Identifier: Apache-2.0
"""Waits until Cinder's scheduler of a cloud knows a pool: ``CLOUD``.

cinder-volume tells the scheduler of its pools when it starts, and again one
to two minutes later (``backend_stats_polling_interval`` after a random
``periodic_fuzzy_delay``). A scheduler that begins to listen a moment after
the first time finds no backend for any volume until then, while both
services count as up.
"""

import sys

import openstack

from protector.tests.realcloud import processes

REPORT_SECONDS = 240


def wait_for_a_pool(cloud: str) -> None:
    """:param cloud: an admin's cloud in clouds.yaml.

    :raises AssertionError: there is none after ``REPORT_SECONDS``.
    """
    volumes = openstack.connect(cloud=cloud).block_storage
    processes.wait_until(
        lambda: any(True for _ in volumes.backend_pools()),
        REPORT_SECONDS,
        pause=1,
    )


if __name__ == "__main__":
    wait_for_a_pool(sys.argv[1])
