# SPDX-License-Identifier: Apache-2.0
"""The domain, projects, users, roles and catalog of a fresh cloud."""

from protector.sandbox.cloud import context
from protector.sandbox.cloud.keystone import assignments, passwords

PASSWORD = "secret"
"""Every seeded user's password."""
DOMAIN_ID = "default"
PROJECTS = ("admin", "service", "demo", "other")
USERS = ("admin", "demo", "other", "protector", "nova", "cinder")
ROLES = ("admin", "manager", "member", "reader", "service")
GRANTS = (
    ("admin", "admin", "admin"),
    ("admin", "member", "demo"),
    ("demo", "member", "demo"),
    ("other", "member", "other"),
    ("protector", "service", "service"),
    ("protector", "admin", "service"),
    ("nova", "service", "service"),
    ("nova", "admin", "service"),
    ("cinder", "service", "service"),
    ("cinder", "admin", "service"),
)
"""User, role, project."""
CATALOG = (
    ("identity", "keystone", "$(cloud_url)s/identity"),
    ("compute", "nova", "$(cloud_url)s/compute/v2.1"),
    ("volumev3", "cinderv3", "$(cloud_url)s/volume/v3/$(project_id)s"),
    ("block-storage", "cinder", "$(cloud_url)s/volume/v3/$(project_id)s"),
    ("network", "neutron", "$(cloud_url)s/network"),
    ("image", "glance", "$(cloud_url)s/image"),
    ("placement", "placement", "$(cloud_url)s/placement"),
    ("protector", "protector", "http://$(address)s:8788"),
)


def seed_keystone(cloud: context.Cloud) -> None:
    """Write them; run again after a crash it completes what is missing."""
    with cloud.store.lock:
        _seed_principals(cloud)
        _seed_roles(cloud)
        _seed_catalog(cloud)


def _seed_principals(cloud: context.Cloud) -> None:
    domain = {"id": DOMAIN_ID, "name": "Default", "description": "The domain"}
    domain |= {"enabled": True, "tags": [], "options": {}}
    cloud.store.table("domains").put(domain)
    for name in PROJECTS:
        _project(cloud, name)
    for name in USERS:
        cloud.store.table("users").put(
            {
                "id": context.new_hex_id(),
                "name": name,
                "domain_id": DOMAIN_ID,
                "enabled": True,
                "default_project_id": None,
                "email": None,
                "options": {},
                "password_expires_at": None,
                "password_hash": passwords.hashed(PASSWORD),
            }
        )


def _project(cloud: context.Cloud, name: str) -> None:
    cloud.store.table("projects").put(
        {
            "id": context.new_hex_id(),
            "name": name,
            "domain_id": DOMAIN_ID,
            "parent_id": DOMAIN_ID,
            "description": "",
            "enabled": True,
            "is_domain": False,
            "tags": [],
            "options": {},
        }
    )


def _seed_roles(cloud: context.Cloud) -> None:
    ids: dict[str, str] = {}
    for name in ROLES:
        row = {"id": context.new_hex_id(), "name": name, "domain_id": None}
        row |= {"description": None, "options": {}}
        ids[name] = cloud.store.table("roles").put(row)["id"]
    grants = assignments.Assignments(cloud.store)
    for prior, implied in zip(ROLES[:3], ROLES[1:4], strict=True):
        grants.imply(ids[prior], ids[implied])
    users = _ids(cloud, "users")
    projects = _ids(cloud, "projects")
    for user, role, project in GRANTS:
        grants.grant(ids[role], users[user], "project", projects[project])
    grants.grant(
        ids["admin"], users["protector"], "domain", DOMAIN_ID, inherited=True
    )


def _ids(cloud: context.Cloud, table: str) -> dict[str, str]:
    return {row["name"]: row["id"] for row in cloud.store.table(table).list()}


def _seed_catalog(cloud: context.Cloud) -> None:
    cloud.store.table("regions").put(
        {"id": cloud.site, "description": "", "parent_region_id": None}
    )
    for kind, name, url in CATALOG:
        service = cloud.store.table("services").put(
            {
                "id": context.new_hex_id(),
                "type": kind,
                "name": name,
                "description": "",
                "enabled": True,
            }
        )
        for interface in ("public", "internal", "admin"):
            cloud.store.table("endpoints").put(
                {
                    "id": context.new_hex_id(),
                    "service_id": service["id"],
                    "interface": interface,
                    "url": url,
                    "region": cloud.site,
                    "region_id": cloud.site,
                    "enabled": True,
                }
            )
