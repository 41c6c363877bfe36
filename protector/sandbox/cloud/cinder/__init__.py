# SPDX-License-Identifier: Apache-2.0
"""The emulated Cinder: the block storage API 3.71 on the Pure driver."""

from protector.sandbox.cloud.cinder.service import Cinder

__all__ = ["Cinder"]
