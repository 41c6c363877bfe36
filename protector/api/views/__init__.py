# SPDX-License-Identifier: Apache-2.0
"""What rows look like to users, one module per stem.  No query, no rule."""
