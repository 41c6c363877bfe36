# SPDX-License-Identifier: Apache-2.0
"""[api]: the REST service."""

from typing import Any

from oslo_config import cfg

GROUP = "api"
opts = [
    cfg.HostAddressOpt(
        "bind_host",
        default="0.0.0.0",  # noqa: S104
        help="Address to listen on.",
    ),
    cfg.PortOpt("port", default=8788, help="Port to listen on."),
    cfg.IntOpt("threads", default=32, min=4, help="Requests served at once."),
    cfg.StrOpt(
        "tls_cert_file", help="Certificate; with it the service speaks TLS."
    ),
    cfg.StrOpt("tls_key_file", help="Private key of the certificate."),
    cfg.IntOpt(
        "max_body_bytes",
        default=1 << 20,
        min=1024,
        help="Largest request body taken from users.",
    ),
    cfg.IntOpt(
        "max_document_bytes",
        default=32 << 20,
        min=1024,
        help="Largest metadata document taken from the peer site.",
    ),
    cfg.IntOpt(
        "max_limit", default=1000, min=1, help="Most rows of one page."
    ),
    cfg.IntOpt(
        "settle_timeout",
        default=20,
        min=0,
        help="""
Seconds the API waits for a short change (update, member removal, policy,
mappings, sync) to be done.  Past that it answers 202 and the change goes on.
""",
    ),
    cfg.IntOpt(
        "settle_waiters",
        default=16,
        min=0,
        help="Requests that may wait so at once; more are answered 202.",
    ),
    cfg.StrOpt(
        "response_validation",
        default="warn",
        choices=("error", "warn", "ignore"),
        help="What to do when an answer does not fit its schema.",
    ),
    cfg.StrOpt(
        "auth_strategy",
        default="keystone",
        choices=("keystone", "noauth"),
        help="noauth trusts the X-Project-Id headers: for tests only.",
    ),
]


def register_opts(conf: Any) -> None:
    conf.register_opts(opts, group=GROUP)


def list_opts() -> list[tuple[str, list[Any]]]:
    return [(GROUP, opts)]
