# SPDX-License-Identifier: Apache-2.0
"""The documented page as a test: what it promises, done and compared."""
