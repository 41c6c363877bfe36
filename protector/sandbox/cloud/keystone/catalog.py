# SPDX-License-Identifier: Apache-2.0
"""The service catalog, made of the tables services and endpoints."""

import collections.abc
import typing

from protector.sandbox.cloud import store


class Catalog:
    """Renders endpoints for a project.

    Seeded addresses hold ``$(cloud_url)s`` and ``$(address)s``, so that a
    cloud keeps its catalog when it comes back on another port.

    :param variables: returns those two.
    """

    def __init__(
        self,
        storage: store.Store,
        variables: collections.abc.Callable[[], dict[str, str]],
    ) -> None:
        self._services = storage.table("services")
        self._endpoints = storage.table("endpoints")
        self._variables = variables

    def render(self, project_id: str | None) -> list[dict[str, typing.Any]]:
        """Return the catalog as tokens hold it."""
        endpoints = self._endpoints.list(enabled=True)
        return [
            {
                "id": service["id"],
                "type": service["type"],
                "name": service["name"],
                "endpoints": [
                    self._endpoint(row, project_id)
                    for row in endpoints
                    if row["service_id"] == service["id"]
                    and (project_id or "project_id" not in row["url"])
                ],
            }
            for service in self._services.list(enabled=True)
        ]

    def fill(self, url: str, project_id: str | None = None) -> str:
        """Put the values into an address; the project only when given."""
        values = self._variables()
        if project_id:
            values = {**values, "project_id": project_id}
            values["tenant_id"] = project_id
        for name, value in values.items():
            url = url.replace(f"$({name})s", value)
        return url

    def _endpoint(
        self, row: store.Document, project_id: str | None
    ) -> dict[str, typing.Any]:
        return {
            "id": row["id"],
            "interface": row["interface"],
            "region": row["region_id"],
            "region_id": row["region_id"],
            "url": self.fill(row["url"], project_id),
        }
