# SPDX-License-Identifier: Apache-2.0
"""Writes the protector.conf of one site of the sandbox.

Short intervals and timeouts, so that waiting does not dominate; nothing is
set that would be wrong in a real deployment but for being short.
"""

import configparser

from protector.sandbox import layout as layouts

Options = dict[str, object]

_CONNECT = 2
_READ = 10
_LEASE = {
    # API and engine share one interpreter: with many operations side by
    # side a thread waits for seconds
    "lease_seconds": 8,
    # at least the longest call: to connect and to read
    "call_margin": _CONNECT + _READ,
    "scan_interval": 1,
    "poll_interval": 0.2,
    "observe_interval": 4,
    "preflight_interval": 10,
}


def write(layout: layouts.Layout, site: layouts.Site) -> None:
    """Write the file, readable by its owner only; again renews it."""
    parser = configparser.ConfigParser(interpolation=None)
    for section, options in sections(layout, site).items():
        # a section of its own in configparser, an ordinary one in oslo
        if section != "DEFAULT":
            parser.add_section(section)
        for name, value in options.items():
            parser.set(section, name, str(value))
    site.config.parent.mkdir(parents=True, exist_ok=True)
    site.config.touch(mode=0o600)
    with site.config.open("w") as file:
        parser.write(file)


def sections(layout: layouts.Layout, site: layouts.Site) -> dict[str, Options]:
    """Every option that is set, by section."""
    home = site.state(site.name)
    return {
        "DEFAULT": {
            "host": site.name,
            "state_path": home,
            "transport_url": "fake://",
            "rpc_exchange": f"protector-{site.name}",
            "use_stderr": True,
        },
        "database": {"connection": f"sqlite:///{home}/protector.sqlite"},
        "api": {
            "bind_host": site.address,
            "port": layouts.API_PORT,
            # an answer that is not as documented is a fault to be seen
            "response_validation": "error",
        },
        "keystone_authtoken": _authtoken(site),
        "service_auth": {**_user(site), "region_name": site.name},
        "secrets": {"key_repository": home / "fernet-keys"},
        "engine": _LEASE,
        "clouds": {"connect_timeout": _CONNECT, "read_timeout": _READ},
        "peer": {
            "connect_timeout": _CONNECT,
            "read_timeout": _READ,
            "match_projects_by_name": True,
            "push_backoff_max": 5,
        },
        "replication": {"interval_minutes": 1, "rpo_minutes": 5},
        "storage": {
            "arrays": ",".join(s.array for s in layout.every),
            "connect_timeout": _CONNECT,
            "read_timeout": _READ,
        },
        **{s.array: _array(s) for s in layout.every},
    }


def _user(site: layouts.Site) -> Options:
    return {
        "auth_url": site.auth_url,
        "username": layouts.SERVICE_USER,
        "password": layouts.PASSWORD,
        "user_domain_name": "Default",
        "project_name": "service",
        "project_domain_name": "Default",
    }


def _authtoken(site: layouts.Site) -> Options:
    return {
        **_user(site),
        "auth_type": "password",
        "www_authenticate_uri": site.auth_url,
        "region_name": site.name,
        "service_token_roles_required": True,
    }


def _array(site: layouts.Site) -> Options:
    return {
        "management_address": site.array_target,
        "api_token": site.array_token,
        "ca_file": site.array_ca,
        "site": site.name,
        "backend": site.backend,
    }
