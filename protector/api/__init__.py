# SPDX-License-Identifier: Apache-2.0
"""The REST service.  It reaches the engine through ``engine.rpcapi`` only."""
