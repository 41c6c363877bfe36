# SPDX-License-Identifier: Apache-2.0
"""The API for uWSGI, gunicorn and the like: ``application``.

Under uWSGI the arguments of ``pyargv`` are read; elsewhere the configuration
files are where oslo.config looks for them.
"""

import atexit
import sys

from oslo_utils import importutils

from protector import service
from protector.api import app


def _arguments() -> list[str]:
    # only uWSGI hands us arguments of our own
    under_uwsgi = importutils.try_import("uwsgi") is not None
    return sys.argv[1:] if under_uwsgi else []


_runtime = service.prepare(_arguments())
# the server ends the process without a word to the application
atexit.register(_runtime.notifications.flush)
application = app.Application(_runtime)
