# SPDX-License-Identifier: Apache-2.0
"""An emulated FlashArray: the vendor's REST on real bytes.

It imports nothing of the rest of Protector, so that what it proves about a
driver does not rest on the driver's own ideas.
"""
