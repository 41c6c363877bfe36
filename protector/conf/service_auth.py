# SPDX-License-Identifier: Apache-2.0
"""[service_auth]: the service user at this site.

A user with a password (application credentials cannot be re-scoped), the
roles ``admin`` and ``service`` on its own project, and an inherited ``admin``
role on the domain of the tenants.
"""

from typing import Any

from keystoneauth1 import loading
from oslo_config import cfg

GROUP = "service_auth"
opts = [
    cfg.StrOpt("auth_url", help="Keystone of this site, with /v3."),
    cfg.StrOpt("username", default="protector", help="The service user."),
    cfg.StrOpt("password", secret=True, help="Its password."),
    cfg.StrOpt("user_domain_name", default="Default", help="Its domain."),
    cfg.StrOpt("project_name", default="service", help="Its own project."),
    cfg.StrOpt(
        "project_domain_name", default="Default", help="Domain of that."
    ),
    cfg.StrOpt("region_name", help="Region whose endpoints are used."),
    cfg.StrOpt(
        "interface",
        default="internal",
        choices=("internal", "public", "admin"),
        help="Endpoint interface used within this site.",
    ),
]


def register_opts(conf: Any) -> None:
    conf.register_opts(opts, group=GROUP)
    loading.register_session_conf_options(conf, GROUP)


def list_opts() -> list[tuple[str, list[Any]]]:
    return [(GROUP, opts + loading.get_session_conf_options())]
