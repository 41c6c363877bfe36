# SPDX-License-Identifier: Apache-2.0
"""The emulated Glance: Image v2."""

from protector.sandbox.cloud.glance.service import Glance

__all__ = ["Glance"]
