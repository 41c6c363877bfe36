# SPDX-License-Identifier: Apache-2.0
"""Who may do what, asked of the real application: people by routes."""
