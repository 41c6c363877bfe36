# SPDX-License-Identifier: Apache-2.0
"""The emulated Keystone: Identity v3."""

from protector.sandbox.cloud.keystone.service import Keystone

__all__ = ["Keystone"]
