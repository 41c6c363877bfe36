# SPDX-License-Identifier: Apache-2.0
"""The WSGI entry points for uWSGI and gunicorn.

The threading backend of oslo.service is chosen here for the reason given in
:mod:`protector.cmd`.
"""

from oslo_service import backend

backend.init_backend(backend.BackendType.THREADING)
