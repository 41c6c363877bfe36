# SPDX-License-Identifier: Apache-2.0
"""The console scripts.

The threading backend of oslo.service is chosen here, before anything else is
imported: oslo.messaging imports oslo.service, which would choose eventlet, and
a later choice is refused.
"""

from oslo_service import backend

backend.init_backend(backend.BackendType.THREADING)
