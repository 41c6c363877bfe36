# SPDX-License-Identifier: Apache-2.0
"""What of the primary site becomes what at the secondary one."""

from __future__ import annotations

from openstack import resource

from protectorclient.v1 import _base

#: The fields that hold pairs, in the order they are shown.
PAIRS = (
    "networks",
    "flavors",
    "security_groups",
    "keypairs",
    "availability_zones",
)
FIELDS = (*PAIRS, "boot_tiers")


class ResourceMappings(_base.Singleton):
    """The mappings of a group; a commit replaces them all.

    ``primary`` means at ``primary_site_id`` of the group, whichever way it
    moves.
    """

    noun = "resource mappings"
    resource_key = "mappings"
    base_path = "/v1/%(tenant_id)s/protection-groups/%(group_id)s/mappings"
    allow_commit = True
    allow_empty_commit = True

    #: ``[{primary, secondary, primary_test, secondary_test, subnets}]``.
    networks = resource.Body("networks", type=list)
    #: ``[{primary, secondary}]``.
    flavors = resource.Body("flavors", type=list)
    security_groups = resource.Body("security_groups", type=list)
    keypairs = resource.Body("keypairs", type=list)
    availability_zones = resource.Body("availability_zones", type=list)
    #: ``[{members, delay_seconds}]``.
    boot_tiers = resource.Body("boot_tiers", type=list)


class MappingsProposal(ResourceMappings):
    """What the server would map, made from both clouds."""

    base_path = (
        "/v1/%(tenant_id)s/protection-groups/%(group_id)s/mappings/proposal"
    )
    allow_commit = False
