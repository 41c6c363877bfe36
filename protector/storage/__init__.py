# SPDX-License-Identifier: Apache-2.0
"""The arrays: the only code that talks to them, behind one interface."""
