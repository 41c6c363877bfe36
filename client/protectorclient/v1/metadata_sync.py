# SPDX-License-Identifier: Apache-2.0
"""Whether both sites know the same about a group."""

from __future__ import annotations

from openstack import resource

from protectorclient.v1 import _base


class SyncStatus(_base.Singleton):
    """The answering site's record; it asks nobody."""

    noun = "sync status"
    resource_key = "sync_status"
    base_path = "/v1/%(tenant_id)s/protection-groups/%(group_id)s/sync-status"

    in_sync = resource.Body("in_sync", type=bool)
    #: ``{version, epoch, current_site, last_modified}``.
    local = resource.Body("local", type=dict)
    #: ``{status, version, epoch, last_sync, error}``.
    remote = resource.Body("remote", type=dict)
    #: ``[{check, ok, message}]``.
    validation = resource.Body("validation", type=list)
    actions_required = resource.Body("actions_required", type=list)
    #: ``[{site_id, site, epoch, version, checksum, origin_site_id,
    #: last_modified}]``; empty while the sites hold one history.
    histories = resource.Body("histories", type=list)
    #: The server's clock, for ages.
    served_at = resource.Header("Date")


class SyncForce(_base.Singleton):
    """The result of a push that was asked for."""

    noun = "forced sync"
    resource_key = "sync_force"
    base_path = "/v1/%(tenant_id)s/protection-groups/%(group_id)s/sync-force"
    allow_fetch = False
    allow_create = True

    status = resource.Body("status")
    version = resource.Body("version", type=int)
    duration_ms = resource.Body("duration_ms", type=int)
    operation_id = resource.Body("operation_id")
