# SPDX-License-Identifier: Apache-2.0
"""The revisions, in order.  A revision is never changed once released."""
