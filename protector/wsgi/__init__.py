# SPDX-License-Identifier: Apache-2.0
"""The WSGI entry points for uWSGI and gunicorn."""

from protector import threading_backend

# before any other import, see there
threading_backend.select()
