# SPDX-License-Identifier: Apache-2.0
"""Every outbound call to a cloud or to the peer site."""
