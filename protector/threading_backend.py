# SPDX-License-Identifier: Apache-2.0
"""Chooses threads, not eventlet, for oslo.service.

Every entry point (``cmd``, ``wsgi``, ``sandbox``, the tests) calls
:func:`select` before it imports anything else: oslo.messaging imports
oslo.service, which would choose eventlet, and a later choice is refused.
"""

import warnings

from oslo_service import backend


def select() -> None:
    """Choose the threading backend; again is harmless.

    :raises oslo_service.backend.exceptions.BackendAlreadySelected: something
        was imported before that chose eventlet.
    """
    # futurist imports eventlet where it is installed, to look what it is
    # running on, and eventlet then tells the user not to use it; nothing here
    # does
    warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")
    backend.init_backend(backend.BackendType.THREADING)
