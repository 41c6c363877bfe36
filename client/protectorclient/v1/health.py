# SPDX-License-Identifier: Apache-2.0
"""Health of the service, and of a group."""

from __future__ import annotations

from openstack import resource

from protectorclient.v1 import _base


class ServiceHealth(_base.Resource):
    """API, engines, database, bus, sites and arrays: admin only."""

    noun = "health"
    resource_key = "health"
    base_path = "/v1/health"
    requires_id = False
    allow_fetch = True

    ok = resource.Body("ok", type=bool)
    api = resource.Body("api")
    engines = resource.Body("engines")
    database = resource.Body("database")
    bus = resource.Body("bus")
    sites = resource.Body("sites")
    arrays = resource.Body("arrays")


class GroupHealth(_base.Singleton):
    """Whether a group could be failed over now, and what is in the way."""

    noun = "group health"
    resource_key = "health"
    base_path = "/v1/%(tenant_id)s/protection-groups/%(group_id)s/health"

    failover_ready = resource.Body("failover_ready", type=bool)
    link = resource.Body("link")
    lag_seconds = resource.Body("lag_seconds")
    last_replication_at = resource.Body("last_replication_at")
    rpo_compliant = resource.Body("rpo_compliant")
    rpo_minutes = resource.Body("rpo_minutes")
    rpo_history = resource.Body("rpo_history")
    rpo_days = resource.Body("rpo_days")
    conditions = resource.Body("conditions")
    findings = resource.Body("findings", type=list)
    findings_at = resource.Body("findings_at")
    findings_age_seconds = resource.Body("findings_age_seconds", type=int)
