# SPDX-License-Identifier: Apache-2.0
"""Sphinx configuration of the documentation."""

import pathlib
import sys

from protector import threading_backend

# before any other import, see there
threading_backend.select()

_TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(_TOP / "doc" / "ext"))

extensions = [
    "openstackdocstheme",
    "oslo_config.sphinxconfiggen",
    "oslo_config.sphinxext",
    "oslo_policy.sphinxext",
    "oslo_policy.sphinxpolicygen",
    "workflows",
]

project = "Protector"
copyright = "Protector contributors"
master_doc = "index"
exclude_patterns: list[str] = []
pygments_style = "native"

html_theme = "openstackdocs"
openstackdocs_auto_name = False
openstackdocs_bug_project = ""
openstackdocs_bug_tag = ""
openstackdocs_repo_name = "openstack/protector"
openstackdocs_use_storyboard = False

config_generator_config_file = [
    (
        str(_TOP / "etc/protector/protector-config-generator.conf"),
        "_static/protector",
    )
]
policy_generator_config_file = [
    (
        str(_TOP / "etc/protector/protector-policy-generator.conf"),
        "_static/protector",
    )
]
