# SPDX-License-Identifier: Apache-2.0
"""Placement: which hosts have room.  Reads only."""

from typing import Any

from protector.clients import rest

Json = dict[str, Any]


class PlacementClient(rest.Service):
    """Placement, for admins and services."""

    service_type = "placement"
    label = "Placement"
    understood = (1, 39)

    def candidates(
        self, resources: dict[str, int]
    ) -> dict[str, dict[str, int]]:
        """What is free, by resource class, at each provider that could take
        the resources at this moment.

        :param resources: amounts by resource class, ``{"VCPU": 1}``.
        :raises CloudForbidden: the user may not ask.
        """
        wanted = ",".join(f"{k}:{v}" for k, v in sorted(resources.items()))
        with self.calling("look for hosts with room"):
            found = self.read("/allocation_candidates", resources=wanted)
            return {
                provider: {
                    name: int(raw["capacity"]) - int(raw["used"])
                    for name, raw in summary["resources"].items()
                }
                for provider, summary in found["provider_summaries"].items()
            }
