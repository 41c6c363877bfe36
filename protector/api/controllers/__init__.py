# SPDX-License-Identifier: Apache-2.0
"""The routes, one module per stem."""
