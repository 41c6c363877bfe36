# SPDX-License-Identifier: Apache-2.0
"""Start of a process: configuration, logging, and the ``Runtime``."""

from collections.abc import Sequence
from typing import Any

from oslo_config import cfg
from oslo_db import options as db_options
from oslo_log import log as logging

from protector import conf as options
from protector import runtime, version

# libraries whose debug output holds tokens or drowns ours
QUIET = (
    "keystoneauth=INFO",
    "keystonemiddleware=WARN",
    "urllib3=WARN",
    "requests=WARN",
    "alembic=WARN",
    "amqp=WARN",
    "oslo.messaging=INFO",
    "oslo_messaging=INFO",
    "stevedore=WARN",
)

# oslo.log's own with the operation
LOG_FORMAT = (
    "%(asctime)s.%(msecs)03d %(process)d %(levelname)s %(name)s "
    "[%(global_request_id)s %(request_id)s %(operation_id)s "
    "%(user_identity)s] %(instance)s%(message)s"
)


def load_conf(
    argv: Sequence[str],
    default_config_files: Sequence[str] | None = None,
    commands: Sequence[Any] = (),
) -> Any:
    """A ``ConfigOpts`` of its own with every option registered and read.

    :param commands: command line options, such as a ``SubCommandOpt``.
    :raises SystemExit: the arguments or a file are wrong; the text says
        which.
    """
    conf = cfg.ConfigOpts()
    logging.register_options(conf)
    logging.set_defaults(
        logging_context_format_string=LOG_FORMAT,
        default_log_levels=logging.get_default_log_levels() + list(QUIET),
    )
    db_options.set_defaults(conf, connection="sqlite:///protector.sqlite")
    options.register_all(conf)
    conf.register_cli_opts(commands)
    conf(
        list(argv),
        project="protector",
        version=version.version_string(),
        default_config_files=default_config_files,
    )
    options.register_arrays(conf)
    return conf


def prepare(
    argv: Sequence[str],
    default_config_files: Sequence[str] | None = None,
    commands: Sequence[Any] = (),
) -> runtime.Runtime:
    """Read the configuration, set up logging, return the ``Runtime``."""
    conf = load_conf(argv, default_config_files, commands)
    if not (conf.log_file or conf.log_dir or conf.use_journal):
        # oslo.log would write to standard output, where results belong
        conf.set_default("use_stderr", True)
    logging.setup(conf, "protector", version.version_string())
    return runtime.Runtime(conf)
