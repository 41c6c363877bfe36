# SPDX-License-Identifier: Apache-2.0
"""The end-to-end story on two real clouds; see ``settings``."""
