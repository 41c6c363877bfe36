# SPDX-License-Identifier: Apache-2.0
"""A group in which every column of every row holds something."""

import datetime

from protector import constants as c
from protector.db import models
from protector.tests.fixtures import site_runtime
from protector.tests.unit.db.api import database

# microseconds and all: what is rounded on the way shows
AT = datetime.datetime(2026, 3, 29, 1, 59, 59, 123456, tzinfo=datetime.UTC)
# must never be seen in a document
SECRETS = ("sealed-one", "sealed-two", "token-in-text", "http://array")


def make(site: site_runtime.SiteRuntime) -> str:
    """The group at its primary, with two members; its id."""
    group_id = site.group(
        description="Grüße",
        name="büro",
        last_failover_at=AT,
        last_replication_at=AT,
    )
    with site.runtime.db.writer() as session:
        group = session.get(models.ProtectionGroup, group_id)
        group.failover_count = 4
        group.conditions = {"Partial": {"message": SECRETS[2]}}
        group.last_operation_id = database.new_id()
        group.error_verb = None
        row = (
            session.query(models.ConsistencyGroup)
            .filter_by(protection_group_id=group_id)
            .one()
        )
        for number, side in enumerate(row.sides):
            _fill_side(side, number)
        for name in ("web", "db"):
            session.add(_member(site, group_id, name))
        session.add(_policy(group_id))
        session.add(
            models.ResourceMapping(
                protection_group_id=group_id,
                mappings={
                    "networks": [{"primary": "a", "secondary": "b"}],
                    "boot_tiers": [],
                },
                created_at=AT,
            )
        )
    return group_id


def _fill_side(side: models.ConsistencyGroupSide, number: int) -> None:
    side.cinder_group_id = database.new_id()
    side.group_type_id = f"group-type-{number}"
    side.backend_name = f"site-{number}@pure#pure"
    side.array_name = f"array-{number}"
    side.array_group = f"consisgroup-{number}-cinder"
    side.schedule_enabled = number == 0


def _member(
    site: site_runtime.SiteRuntime, group_id: str, name: str
) -> models.Member:
    sites = (site.local_id, site.peer_id)
    return models.Member(
        id=database.new_id(),
        protection_group_id=group_id,
        instance_id=database.new_id(),
        instance_name=name,
        home_site_id=site.local_id,
        status=c.MemberStatus.PROTECTED,
        recipe={"name": name, "tags": ["ä"], "config_drive": False},
        warnings=["The swap disk is made anew."],
        recoverable_at=AT,
        created_at=AT,
        updated_at=AT,
        copies=[_copy(site_id) for site_id in sites],
        volumes=[
            _volume(site_id, ordinal)
            for site_id in sites
            for ordinal in range(2)
        ],
    )


def _copy(site_id: str) -> models.MemberCopy:
    return models.MemberCopy(
        site_id=site_id,
        server_id=database.new_id(),
        role=c.CopyRole.PARKED,
        power_state="ACTIVE",
        content_unique=True,
        stop_request_id="req-stop",
        ports=[{"id": "p", "mac_address": "fa:16:3e:00:00:01"}],
        floating_ips=[{"address": "192.0.2.7"}],
        made={"security_groups": ["s"]},
    )


def _volume(site_id: str, ordinal: int) -> models.VolumeCopy:
    return models.VolumeCopy(
        ordinal=ordinal,
        site_id=site_id,
        cinder_id=database.new_id(),
        name=f"disk-{ordinal}",
        size_gb=10 + ordinal,
        device=f"/dev/vd{'ab'[ordinal]}",
        boot_index=-ordinal,
        array_name="array",
        array_volume=f"volume-{database.new_id()}-cinder",
        serial=f"SERIAL{ordinal}",
    )


def _policy(group_id: str) -> models.ReplicationPolicy:
    return models.ReplicationPolicy(
        id=database.new_id(),
        protection_group_id=group_id,
        pure_pg_name="gold",
        replication_interval_minutes=7,
        rpo_minutes=21,
        retention={"all_for_hours": 3, "per_day": 2, "days": 5},
        prestage=False,
        undo_retention_days=9,
        primary_fa_url=SECRETS[3],
        secondary_fa_url=SECRETS[3],
        sealed_primary_fa_api_token=SECRETS[0],
        sealed_secondary_fa_api_token=SECRETS[1],
        created_at=AT,
        updated_at=AT,
    )
