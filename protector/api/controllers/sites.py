# SPDX-License-Identifier: Apache-2.0
"""``/v1/{tenant}/sites`` for tenants, ``/v1/admin/sites`` for operators."""

from typing import Any

from oslo_log import log as logging
from pecan import rest
import sqlalchemy as sa

from protector import exception
from protector.api import call as calls
from protector.api import pagination, replacement, validation
from protector.api.expose import expose
from protector.api.schemas import sites as schemas
from protector.api.views import sites as view
from protector.db import models
from protector.db.api import listing, sites

LOG = logging.getLogger(__name__)
Json = dict[str, Any]
Site = models.Site
BY_NAME = pagination.Order("name")
# what a registration is contacted with
ACCESS = (
    "auth_url",
    "region_name",
    "username",
    "password",
    "user_domain_name",
    "project_name",
    "project_domain_name",
    "endpoint",
    "cacert",
    "verify",
)
DEFAULTS: Json = {
    "description": "",
    "region_name": None,
    "user_domain_name": "Default",
    "project_domain_name": "Default",
    "endpoint": None,
    "cacert": None,
    "verify": True,
}


class SitesController(rest.RestController):
    @expose
    @validation.rules("sites:index")
    @validation.query(schemas.LIST_QUERY)
    @validation.response(200, schemas.LIST)
    def get_all(self, call: calls.Call, tenant: str) -> Json:
        """List sites."""
        call.authorize(tenant)
        return _list(call, view.show)

    @expose
    @validation.rules("sites:show")
    @validation.response(200, schemas.SHOW)
    def get_one(self, call: calls.Call, tenant: str, site: str) -> Json:
        """Show a site."""
        call.authorize(tenant)
        with call.runtime.db.reader() as session:
            return {"site": view.show(sites.get(session, site))}


class VolumeTypesController(rest.RestController):
    @expose
    @validation.rules("sites:show")
    @validation.query(schemas.VOLUME_TYPES_QUERY)
    @validation.response(200, schemas.VOLUME_TYPES)
    def get_all(self, call: calls.Call, tenant: str, site: str) -> Json:
        """List the volume types of a site."""
        call.authorize(tenant)
        with call.runtime.db.reader() as session:
            sites.get(session, site)
        found = call.runtime.engine.volume_types(call.context, site)
        page = pagination.page_of(found, pagination.wanted(call, BY_NAME))
        return pagination.answer(call, "volume_types", page, dict)


class RegistrationsController(rest.RestController):
    @expose
    @validation.rules("sites:show_registration")
    @validation.query(schemas.LIST_QUERY)
    @validation.response(200, schemas.LIST_REGISTRATIONS)
    def get_all(self, call: calls.Call) -> Json:
        """List the registrations of sites."""
        call.authorize(None)
        return _list(call, view.registration)

    @expose
    @validation.rules("sites:show_registration")
    @validation.response(200, schemas.SHOW_REGISTRATION)
    def get_one(self, call: calls.Call, site: str) -> Json:
        """Show the registration of a site."""
        call.authorize(None)
        with call.runtime.db.reader() as session:
            return {"site": view.registration(sites.get(session, site))}

    @expose
    @validation.rules("sites:create")
    @validation.body(schemas.CREATE)
    @validation.response(201, schemas.SHOW_REGISTRATION)
    def post(self, call: calls.Call) -> calls.Answer:
        """Register a site."""
        call.authorize(None)
        values = {**DEFAULTS, **call.body["site"]}
        with call.runtime.db.reader() as session:
            _check_new(session, values["name"])
        found = call.runtime.engine.register_site(call.context, values)
        columns = _columns(call, values)
        columns["endpoint"] = found.get("endpoint") or values["endpoint"]
        columns["capabilities"] = found.get("capabilities") or {}
        with call.runtime.db.writer() as session:
            site = sites.add(session, call.now, {**columns, "id": found["id"]})
            sites.reached(session, site.id, site.status, None, call.now)
            shown = view.registration(site)
        location = f"/v1/admin/sites/{shown['id']}"
        return calls.Answer({"site": shown}, 201, location)

    @expose
    @validation.rules("sites:update")
    @validation.body(schemas.UPDATE)
    @validation.response(200, schemas.SHOW_REGISTRATION)
    def put(self, call: calls.Call, site: str) -> Json:
        """Update the registration of a site."""
        call.authorize(None)
        given = call.body["site"]
        with call.runtime.db.reader() as session:
            row = sites.get(session, site)
        if not row.is_local and given.keys() & set(ACCESS):
            self._check_same(call, row, given)
        with call.runtime.db.writer() as session:
            row = sites.get(session, site)
            columns = _columns(call, given)
            if columns.pop("lost", None) is False and row.lost:
                sites.take_back(session, call.now, row)
                LOG.warning(
                    "Site %s is not lost: %s", row.name, call.context.user_id
                )
            sites.update(session, call.now, row, columns)
            return {"site": view.registration(row)}

    def _check_same(self, call: calls.Call, row: Site, given: Json) -> None:
        """The new access leads to the same site.

        :raises BadRequest: it leads to another.
        """
        known = {k: getattr(row, k) for k in ACCESS if k != "password"}
        password = given.get("password")
        if password is None and row.sealed_password is None:
            raise exception.BadRequest(
                f"Site {row.name} has no stored password.",
                remedy="Give the password, too.",
                field="password",
            )
        if password is None:
            password = call.runtime.sealer.open(row.sealed_password)
        found = call.runtime.engine.register_site(
            call.context,
            {
                **known,
                "name": row.name,
                **given,
                "password": password,
            },
        )
        if found["id"] != row.id:
            raise exception.BadRequest(
                f"Site {row.name} is {row.id}; the new access leads to "
                f"{found['id']}.",
                remedy="Register that site under a name of its own.",
            )

    @expose
    @validation.rules("sites:delete")
    @validation.response(204, None)
    def delete(self, call: calls.Call, site: str) -> calls.Answer:
        """Delete the registration of a site."""
        call.authorize(None)
        with call.runtime.db.writer() as session:
            sites.remove(session, sites.get(session, site))
        return calls.Answer(None, 204)


class RegistrationActionController(rest.RestController):
    @expose
    @validation.rules("sites:validate", "sites:declare_lost", "sites:replace")
    @validation.body(schemas.ACTION)
    @validation.response(200, schemas.REPORT)
    @validation.response(202, schemas.REPLACEMENT)
    @validation.response(204, None)
    def post(self, call: calls.Call, site: str) -> calls.Answer | Json:
        """Run an action of a site."""
        (action,) = call.body
        call.authorize(None, rule=f"protector:sites:{action}")
        if action == "declare_lost":
            return self._declare_lost(call, site)
        if action == "replace":
            return self._replace(call, site)
        with call.runtime.db.reader() as session:
            sites.get(session, site)
        return {
            "report": call.runtime.engine.validate_site(call.context, site)
        }

    def _declare_lost(self, call: calls.Call, site: str) -> calls.Answer:
        user = call.context.user_id
        with call.runtime.db.writer() as session:
            row = sites.get(session, site)
            sites.declare_lost(session, call.now, row, user)
            LOG.warning("Site %s was declared lost by %s", row.name, user)
        return calls.Answer(None, 204)

    def _replace(self, call: calls.Call, site: str) -> calls.Answer:
        new = call.body["replace"]["secondary_site_id"]
        groups = replacement.replace(call, site, new)
        shown = {"secondary_site_id": new, "groups": groups}
        return calls.Answer({"replacement": shown}, 202)


def _list(call: calls.Call, shown: Any) -> Json:
    wanted = pagination.wanted(call, BY_NAME)
    with call.runtime.db.reader() as session:
        page = listing.page(session, sa.select(Site), Site, wanted)
        return pagination.answer(call, "sites", page, shown)


def _check_new(session: Any, name: str) -> None:
    """:raises NameTaken: a site has the name already."""
    known = session.scalars(sa.select(Site).where(Site.name == name)).first()
    if known is not None:
        raise exception.NameTaken(
            f"Site {known.id} has the name {name} already.", id=known.id
        )


def _columns(call: calls.Call, values: Json) -> Json:
    """The columns of a body: the password sealed."""
    columns = {k: v for k, v in values.items() if k != "password"}
    if "password" in values:
        sealed = call.runtime.sealer.seal(values["password"])
        columns["sealed_password"] = sealed
    return columns
