# SPDX-License-Identifier: Apache-2.0
"""A scene in memory: a group that runs at ``here`` and moves to ``there``."""

from typing import Any

from protector import constants as c
from protector.db import models
from protector.engine import scene
from protector.storage import base

HERE, THERE = "here", "there"
SETTINGS = scene.Settings(base.Schedule(900, 3600, 4, 7), 1800, True, 7, None)


def port(**values: Any) -> dict[str, Any]:
    return {
        "network_id": "n1",
        "network_name": "net",
        "mac_address": "fa:16:3e:00:00:01",
    } | values


def member(name: str, **values: Any) -> models.Member:
    """Its server ``s-<name>`` runs here with one volume; nothing there."""
    given: dict[str, Any] = {
        "id": f"m-{name}",
        "instance_id": f"s-{name}",
        "instance_name": name,
        "home_site_id": HERE,
        "status": c.MemberStatus.PROTECTED,
        "recipe": {
            "name": name,
            "flavor": {"original_name": "m1"},
            "ports": [port()],
        },
        "copies": [copy(HERE, f"s-{name}")],
        "volumes": [volume(HERE, name, 0)],
    }
    return models.Member(**given | values)


def copy(site_id: str, server_id: str | None, **values: Any) -> Any:
    given = {"role": c.CopyRole.LIVE, "ports": [], "made": {}}
    return models.MemberCopy(
        site_id=site_id, server_id=server_id, **given | values
    )


def volume(
    site_id: str, name: str, ordinal: int, size: int = 10
) -> models.VolumeCopy:
    return models.VolumeCopy(
        site_id=site_id,
        ordinal=ordinal,
        cinder_id=f"{site_id}-{name}-{ordinal}",
        array_volume=f"{site_id}-{name}-{ordinal}-cinder",
        name=f"{name}-{ordinal}",
        size_gb=size,
    )


def side(site_id: str) -> models.ConsistencyGroupSide:
    return models.ConsistencyGroupSide(
        site_id=site_id,
        cinder_group_id=f"cg-{site_id}",
        volume_type_name=f"gold-{site_id}",
    )


def make(
    *members: models.Member,
    mappings: dict[str, Any] | None = None,
    **values: Any,
) -> scene.Scene:
    return scene.Scene(
        group=models.ProtectionGroup(
            id="g",
            name="group",
            primary_site_id=HERE,
            secondary_site_id=THERE,
            current_primary_site_id=HERE,
            primary_project_id="p-here",
            secondary_project_id="p-there",
            epoch=1,
            conditions={},
        ),
        consistency_group=models.ConsistencyGroup(
            id="cg", sides=[side(HERE), side(THERE)]
        ),
        members=members,
        settings=SETTINGS,
        mappings=mappings or {},
        sites={},
        local_site_id=THERE,
        **values,
    )
