# SPDX-License-Identifier: Apache-2.0
"""The flavors and the key pair of a fresh cloud."""

from protector.sandbox.cloud import context
from protector.sandbox.cloud.nova import flavors, keypairs

FLAVORS = (("m1.tiny", 1, 128, "1"), ("m1.small", 1, 512, "2"))
"""Name, VCPUs, MiB, id."""
KEYPAIR = "demo-key"


def seed_nova(cloud: context.Cloud) -> None:
    """Write them; what is there stays."""
    table = cloud.store.table("compute.flavors")
    for name, vcpus, ram, key in FLAVORS:
        if table.first(name=name) is None:
            table.put(flavors.new_flavor(name, vcpus, ram, key))
    user = cloud.store.table("users").first(name="demo")
    keys = cloud.store.table("compute.keypairs")
    if user and keys.first(user_id=user["id"], name=KEYPAIR) is None:
        public, _ = keypairs.new_keys()
        keys.put(
            keypairs.new_keypair(
                user["id"], KEYPAIR, public, cloud.clock.zulu()
            )
        )
