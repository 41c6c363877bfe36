# SPDX-License-Identifier: Apache-2.0
"""The image of a fresh cloud: small, public, recognisable bytes."""

import io

from protector.sandbox.cloud import context
from protector.sandbox.cloud.glance import data, images

NAME = "cirros"
SIZE = 1 << 20
_LINE = b"sandbox image: no guest runs from this\n"


def seed_glance(
    cloud: context.Cloud, documents: images.Images, files: data.Data
) -> None:
    """Write image ``cirros``, owned by project admin."""
    owner = cloud.store.table("projects").first(name="admin") or {}
    image_id, now = context.new_id(), cloud.clock.zulu()
    content = (_LINE * (SIZE // len(_LINE) + 1))[:SIZE]
    written = files.write(image_id, io.BytesIO(content))
    documents.table.put(
        {
            **images.CORE,
            "id": image_id,
            "name": NAME,
            "visibility": "public",
            "disk_format": "raw",
            "container_format": "bare",
            "owner": owner["id"],
            "status": "active",
            "size": written.size,
            "virtual_size": None,
            "checksum": written.md5,
            "os_hash_algo": "sha512",
            "os_hash_value": written.sha512,
            "created_at": now,
            "updated_at": now,
            "properties": {"hw_rng_model": "virtio", "os_distro": "cirros"},
        }
    )
