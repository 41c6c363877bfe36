# SPDX-License-Identifier: Apache-2.0
"""Build entry for pbr; everything else is in pyproject.toml."""

import setuptools

setuptools.setup(setup_requires=["pbr>=6.1.1"], pbr=True)
