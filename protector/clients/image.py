# SPDX-License-Identifier: Apache-2.0
"""Glance: reads images; makes and changes none."""

from collections.abc import Iterator
from typing import Any

from protector.clients import rest

Json = dict[str, Any]
Images = list[Json]


class ImageClient(rest.Service):
    """Glance in one project; answers are Glance's own objects."""

    service_type = "image"
    label = "Glance"

    def _path(self, path: str) -> str:
        """The catalogue may name the service or its version 2."""
        endpoint = self._scope.session.reading(self.adapter.get_endpoint)
        if str(endpoint).rstrip("/").endswith("/v2"):
            return path
        return f"/v2{path}"

    def get(self, image_id: str) -> Json:
        """:raises CloudNotFound: there is none."""
        with self.calling(f"read image {image_id}"):
            return self.read(self._path(f"/images/{image_id}"))

    def list(self, **filters: Any) -> Images:
        """Images that match, ``name=...``."""
        with self.calling("list images"):
            return list(self._images(filters))

    def _images(self, filters: Json) -> Iterator[Json]:
        """Glance says ``next`` beside the list, not in links."""
        params = dict(filters)
        while True:
            body = self.read(self._path("/images"), **params)
            yield from body["images"]
            if "next" not in body or not body["images"]:
                return
            params["marker"] = body["images"][-1]["id"]
