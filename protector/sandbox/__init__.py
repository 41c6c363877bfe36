# SPDX-License-Identifier: Apache-2.0
"""The sandbox: emulated clouds and arrays, and the product run on them."""
