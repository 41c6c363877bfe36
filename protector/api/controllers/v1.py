# SPDX-License-Identifier: Apache-2.0
"""``/v1``: where each resource hangs.  The one table of paths."""

from typing import Any

import pecan
from pecan import rest, routing

from protector.api import call as calls
from protector.api import validation
from protector.api.controllers import (
    _peer_moves,
    actions,
    admin,
    consistency_groups,
    health,
    members,
    metadata_sync,
    operations,
    peer,
    protection_groups,
    replication_policies,
    resource_mappings,
    sites,
    tenant_mappings,
)
from protector.api.controllers import protection_groups_points as points
from protector.api.expose import expose
from protector.api.schemas import health as schemas
from protector.api.views import versions as view


class V1Controller(rest.RestController):
    # first segments that are no tenant
    RESERVED = ("admin", "peer", "health", "openapi.json")

    @expose
    @validation.public
    @validation.response(200, schemas.SHOW_VERSION)
    def get_all(self, call: calls.Call) -> dict[str, Any]:
        """Show version 1 of the API."""
        return {"version": view.show(call.url)}

    def get_one(self, req: Any, resp: Any, tenant: str) -> None:
        """No route: it tells pecan that one id precedes the resources."""

    @pecan.expose()
    def _route(self, args: list[str], request: Any = None) -> Any:
        if args and args[0] in self.RESERVED:
            child = getattr(self, args[0])
            return routing.lookup_controller(child, args[1:], request)
        return super()._route(args, request)


Groups = protection_groups.ProtectionGroupsController
Mappings = resource_mappings.ResourceMappingsController
Peer = peer.PeerController

# parent, segment, controller
TABLE: tuple[tuple[type, str, rest.RestController], ...] = (
    (V1Controller, "admin", admin.AdminController()),
    (V1Controller, "peer", peer.PeerController()),
    (V1Controller, "health", health.ServiceHealthController()),
    (admin.AdminController, "sites", sites.RegistrationsController()),
    (
        admin.AdminController,
        "tenant-mappings",
        tenant_mappings.TenantMappingsController(),
    ),
    (
        sites.RegistrationsController,
        "action",
        sites.RegistrationActionController(),
    ),
    (V1Controller, "sites", sites.SitesController()),
    (sites.SitesController, "volume-types", sites.VolumeTypesController()),
    (V1Controller, "protection-groups", Groups()),
    (
        Groups,
        "consistency-group",
        consistency_groups.ConsistencyGroupController(),
    ),
    (Groups, "members", members.MembersController()),
    (
        Groups,
        "policy",
        replication_policies.ReplicationPolicyController(),
    ),
    (Groups, "mappings", Mappings()),
    (Mappings, "proposal", resource_mappings.ProposalController()),
    (Groups, "sync-status", metadata_sync.SyncStatusController()),
    (Groups, "sync-force", metadata_sync.SyncForceController()),
    (Groups, "action", actions.GroupActionController()),
    (Groups, "recovery-points", points.RecoveryPointsController()),
    (Groups, "health", health.GroupHealthController()),
    (V1Controller, "operations", operations.OperationsController()),
    (
        operations.OperationsController,
        "action",
        operations.OperationActionController(),
    ),
    (Peer, "identity", peer.IdentityController()),
    (Peer, "groups", peer.PeerGroupsController()),
    (peer.PeerGroupsController, "action", _peer_moves.PeerActionController()),
    (peer.PeerGroupsController, "lock", _peer_moves.LockController()),
    (peer.PeerGroupsController, "unlock", _peer_moves.UnlockController()),
    (peer.PeerGroupsController, "release", _peer_moves.ReleaseController()),
    (Peer, "operations", peer.PeerOperationsController()),
)

for _parent, _segment, _child in TABLE:
    pecan.route(_parent, _segment, _child)
