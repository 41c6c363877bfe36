# SPDX-License-Identifier: Apache-2.0
"""What a fresh sandbox cloud has: names are the same on every site.

Ids are random, so two sites never share one.  Seeding a cloud that was
seeded before changes nothing.  The parts that belong to a service are in
that service's ``seed``.
"""

from protector.sandbox.cloud import context


def seed(cloud: context.Cloud) -> None:
    """Fill an empty cloud: each service its own part, whole or not at all."""
    marks = cloud.store.table("seeded")
    for name, service in cloud.services.items():
        with cloud.store.lock:
            if name not in marks:
                service.seed()
                marks.put({"id": name})
