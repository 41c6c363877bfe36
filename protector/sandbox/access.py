# SPDX-License-Identifier: Apache-2.0
"""Connections to a sandbox's clouds, and the files that describe it.

``clouds.yaml`` is for people and the ``openstack`` command, ``sandbox.json``
for programs.  The SDK's ``protector`` service comes from the client, named
in ``clouds.yaml``: the sandbox does not import it.
"""

from collections.abc import Mapping, Sequence
import dataclasses
import importlib.util
import json
import os
import pathlib
from typing import Any

from openstack import config as openstack_config
from openstack import connection
import yaml

from protector.sandbox import layout as layouts
from protector.sandbox import workload

API_SECONDS = 60
Json = dict[str, Any]


class ClientMissingError(Exception):
    """The SDK of Protector is not there."""


def write_clouds(layout: layouts.Layout) -> None:
    """Write ``clouds.yaml``: site-a, site-b, and an admin at each."""
    clouds: Json = {}
    for site in layout.every:
        clouds[site.name] = _cloud(site, layouts.PROJECT, layouts.PROJECT)
        clouds[f"{site.name}-admin"] = {
            **_cloud(site, "admin", "admin"),
            # for `openstack protector site pair`
            "protector_service_username": layouts.SERVICE_USER,
            "protector_service_password": layouts.PASSWORD,
        }
    text = yaml.safe_dump({"clouds": clouds}, sort_keys=False)
    _replace(layout.clouds_yaml, text)


def _cloud(site: layouts.Site, user: str, project: str) -> Json:
    return {
        "auth": {
            "auth_url": site.auth_url,
            "username": user,
            "password": layouts.PASSWORD,
            "project_name": project,
            "user_domain_name": "Default",
            "project_domain_name": "Default",
        },
        "region_name": site.name,
        "vendor_hook": "protectorclient.sdk:load",
    }


def connect(layout: layouts.Layout, cloud: str) -> connection.Connection:
    """Open a cloud of the sandbox's own ``clouds.yaml``.

    :param cloud: ``site-a``, ``site-b-admin``, ...
    :raises ClientMissingError: protectorclient is not installed.
    """
    if importlib.util.find_spec("protectorclient") is None:
        raise ClientMissingError(
            "The sandbox acts through protectorclient, which is not "
            "installed here: pip install ./client"
        )
    loader = openstack_config.OpenStackConfig(
        config_files=[str(layout.clouds_yaml)],
        secure_files=[],
        vendor_files=[],
        load_envvars=False,
    )
    region = loader.get_one(cloud=cloud)
    region.config["api_timeout"] = API_SECONDS
    return connection.Connection(config=region)


def write_description(
    layout: layouts.Layout,
    processes: Mapping[str, int | None],
    seeded: Json,
) -> None:
    """Write ``sandbox.json``.

    :param processes: process id by name.
    :param seeded: what ``seeded`` returned, or that of a former file.
    """
    content = {
        "prefix": layout.prefix,
        "clouds_yaml": str(layout.clouds_yaml),
        "logs": str(layout.log),
        "sites": {s.name: _site(s) for s in layout.every},
        "arrays": {s.array: _array(s) for s in layout.every},
        "processes": dict(processes),
        **seeded,
    }
    _replace(layout.description, json.dumps(content, indent=2) + "\n")


def read_description(layout: layouts.Layout) -> Json:
    """What ``sandbox.json`` says; empty if there is none."""
    try:
        return json.loads(layout.description.read_text())
    except FileNotFoundError:
        return {}


def seeded(layout: layouts.Layout, servers: Sequence[workload.Server]) -> Json:
    """The project, the servers made, and the volume types by site."""
    projects, types = {}, {}
    for site in layout.sites:
        with connect(layout, site.name) as cloud:
            projects[site.name] = cloud.current_project_id
            found = cloud.block_storage.types()
            types[site.name] = {row.name: row.id for row in found}
    return {
        "project": {"name": layouts.PROJECT, "ids": projects},
        "volume_types": types,
        "servers": [dataclasses.asdict(server) for server in servers],
    }


def _site(site: layouts.Site) -> Json:
    return {
        "address": site.address,
        "api": site.api_url,
        "auth_url": site.auth_url,
        "region": site.name,
        "control": f"{site.cloud_url}/control",
        "config": str(site.config),
        "array": site.array,
    }


def _array(site: layouts.Site) -> Json:
    return {
        "address": site.array_target,
        "url": site.array_url,
        "control": f"{site.array_url}/control",
        "ca_file": str(site.array_ca),
        "api_token": site.array_token,
        "backend": site.backend,
    }


def _replace(path: pathlib.Path, text: str) -> None:
    """Write a file whole or not at all, for its owner only."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.touch(mode=0o600)
    fresh.write_text(text)
    os.replace(fresh, path)
