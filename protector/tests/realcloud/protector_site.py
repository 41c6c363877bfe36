# SPDX-License-Identifier: Apache-2.0
"""The Protector of one site: API and engine as two processes.

On RabbitMQ and MariaDB, set up by the commands that an operator uses.
"""

import pathlib
import re

import fixtures
from keystoneauth1 import exceptions as ksa_exceptions
from openstack import connection
import sqlalchemy

from protector.storage import base
from protector.tests.realcloud import accounts, processes, settings

PORT = 8788
START_SECONDS = 90
SERVES = re.compile(r"Engine \S+ serves")
_CONF = """\
[DEFAULT]
host = {name}
debug = true
transport_url = {bus}
state_path = {directory}

[api]
bind_host = {address}
port = {port}
# the page promises 204 when a change is done, however slow the clouds are
settle_timeout = 60

[database]
connection = {database}

[engine]
# the shortest that these clouds bear: an engine that was killed is
# succeeded after lease_seconds + call_margin
lease_seconds = 10
call_margin = 35
scan_interval = 2
poll_interval = 1
observe_interval = 15
preflight_interval = 30

[clouds]
read_timeout = 30

[storage]
arrays = array-a,array-b
read_timeout = 30

[secrets]
key_repository = {directory}/keys

[service_auth]
auth_url = {auth_url}
username = {username}
password = {password}
project_name = {project}
region_name = {region}

[keystone_authtoken]
auth_type = password
auth_url = {auth_url}
www_authenticate_uri = {auth_url}
username = {username}
password = {password}
user_domain_name = Default
project_name = {project}
project_domain_name = Default
region_name = {region}
service_token_roles = service
service_token_roles_required = true
"""
_ARRAY = """
[{array.name}]
management_address = {array.management_address}
api_token = {array.api_token}
ca_file = {array.ca_file}
site = {site}
"""


class Site(fixtures.Fixture):
    """One site's Protector, registered in its cloud's catalogue.

    ``admin`` and ``tenant`` are connections to the cloud.

    :param address: loopback address of protector-api.
    :param arrays: by the name of the site that uses them.
    """

    def __init__(
        self,
        given: settings.Site,
        address: str,
        arrays: dict[str, base.Array],
        running: processes.Processes,
        admin: connection.Connection,
        tenant: connection.Connection,
    ) -> None:
        super().__init__()
        self.given = given
        self.name = given.name
        self.admin = admin
        self.tenant = tenant
        self.endpoint = f"http://{address}:{PORT}"
        self._address = address
        self._arrays = arrays
        self._processes = running
        self.account = accounts.Account(admin, tenant, self.endpoint)
        self.id = ""
        self._served = 0

    @property
    def auth_url(self) -> str:
        """Keystone's address, with its version."""
        return str(self.admin.config.get_auth_args()["auth_url"])

    def _setUp(self) -> None:
        self.useFixture(self.account)
        self._directory = pathlib.Path(
            self.useFixture(fixtures.TempDir()).path
        )
        self._conf = self._directory / "protector.conf"
        self._conf.touch(mode=0o600)
        self._conf.write_text(self._configuration())
        self._empty_database()
        self._manage("secrets", "setup")
        self._manage("db", "sync")
        self.id = self._manage(
            "site", "init", "--name", self.name, "--endpoint", self.endpoint
        ).splitlines()[-1]
        self.start_api()
        self.addCleanup(self._processes.stop, self.api)
        self.start_engine()
        self.addCleanup(self._processes.stop, self.engine)

    def _configuration(self) -> str:
        text = _CONF.format(
            name=self.name,
            bus=self.given.bus,
            database=self.given.database,
            directory=self._directory,
            address=self._address,
            port=PORT,
            auth_url=self.auth_url,
            username=accounts.USERNAME,
            password=self.account.password,
            project=accounts.PROJECT,
            region=self.admin.config.get_region_name(),
        )
        return text + "".join(
            _ARRAY.format(array=array, site=site)
            for site, array in self._arrays.items()
        )

    def _empty_database(self) -> None:
        """Drop the database with all that an earlier run left in it."""
        url = sqlalchemy.engine.make_url(self.given.database)
        engine = sqlalchemy.create_engine(
            url.set(database="information_schema")
        )
        name = engine.dialect.identifier_preparer.quote(str(url.database))
        with engine.connect() as session:
            session.execute(sqlalchemy.text(f"DROP DATABASE IF EXISTS {name}"))
            session.execute(
                sqlalchemy.text(
                    f"CREATE DATABASE {name} CHARACTER SET utf8mb4"
                )
            )
        engine.dispose()

    def _manage(self, *arguments: str) -> str:
        return self._processes.run(
            f"manage-{self.name}",
            "protector.cmd.manage",
            *("--config-file", str(self._conf), *arguments),
        )

    def wait(self) -> None:
        """Wait until API and engine serve."""
        self.wait_for_api()
        processes.wait_until(
            lambda: self._serves() or self._gone(self.engine),
            START_SECONDS,
            told=lambda: self._processes.tail(self.engine),
        )

    def wait_for_api(self) -> None:
        processes.wait_until(
            lambda: self._answers() or self._gone(self.api),
            START_SECONDS,
            told=lambda: self._processes.tail(self.api),
        )

    def _answers(self) -> bool:
        try:
            answer = self.admin.session.get(
                f"{self.endpoint}/healthcheck",
                authenticated=False,
                raise_exc=False,
                connect_retries=0,
                timeout=5,
            )
        except ksa_exceptions.ConnectFailure:
            return False
        return bool(answer.ok)

    @property
    def api(self) -> str:
        """The name of the API among the processes."""
        return f"api-{self.name}"

    @property
    def engine(self) -> str:
        """The name of the engine among the processes."""
        return f"engine-{self.name}"

    def start_api(self) -> None:
        """Start the API, or let it go on; ``wait_for_api`` sees it serve."""
        if self._processes.alive(self.api):
            self._processes.thaw(self.api)
        else:
            self._daemon(self.api, "protector.cmd.api")

    def kill_api(self) -> None:
        self._processes.kill(self.api)

    def hang_api(self) -> None:
        """It takes connections and answers nothing."""
        self._processes.freeze(self.api)

    def start_engine(self) -> None:
        """Start the engine if it does not run; ``wait`` sees it serve."""
        if not self._processes.alive(self.engine):
            self._served = self._count()
            self._daemon(self.engine, "protector.cmd.engine")

    def kill_engine(self) -> None:
        self._processes.kill(self.engine)

    def _serves(self) -> bool:
        return self._count() > self._served

    def _count(self) -> int:
        """How many engines said so in the log."""
        log = self._processes.log(self.engine)
        return len(SERVES.findall(log.read_text())) if log.exists() else 0

    def _daemon(self, name: str, module: str) -> None:
        self._processes.start(name, module, "--config-file", str(self._conf))

    def _gone(self, name: str) -> bool:
        if not self._processes.alive(name):
            raise AssertionError(f"{name} ended: {self._processes.tail(name)}")
        return False
