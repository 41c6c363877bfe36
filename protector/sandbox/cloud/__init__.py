# SPDX-License-Identifier: Apache-2.0
"""An emulated OpenStack cloud: one process, real HTTP, real refusals.

Imports nothing of the rest of Protector.  How a service is written:

* sub-class ``wsgi.Service`` (name, prefix, routes, render_error,
  microversions); it gets the ``context.Cloud``;
* documents live in ``cloud.store.table(name)``; several changes that
  belong together go ``with cloud.store.lock:``;
* later state changes: ``cloud.tasks.register(kind, handler)`` in
  ``Service.start``, ``cloud.tasks.start(kind, args, key=row_id)``;
* refuse with the exceptions of ``errors``.

Services call one another in the process, not over HTTP:

* tables ``projects users roles images networks ports`` are readable by
  all; ports are changed through ``cloud.service("network")``:
  ``create_port(project_id, body)``, ``bind_port(port_id, device_id,
  device_owner, host)``, ``unbind_port(port_id)``,
  ``delete_port(port_id)``, ``networks_of(project_id)``;
* quotas a test may change: ``cloud.settings.of("quotas", service)``.

``nova`` offers ``Nova`` and ``cinder`` offers ``Cinder`` (both a Service):
the server finds them.  ``Service.seed`` writes what a fresh cloud has.
"""
