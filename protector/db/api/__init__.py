# SPDX-License-Identifier: Apache-2.0
"""Queries, one module per stem.  Each function takes a session; the caller
owns the transaction."""
