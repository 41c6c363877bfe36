#!/usr/bin/env bash
# The contract tests, the end-to-end story and the documented page on two real
# clouds. The scripts in $PROTECTOR_REALCLOUD_DIR start them (install.sh,
# infra.sh, up.sh, down.sh); clouds that already run are used and left running.
# Exits 77 when there are no such scripts.
#
# The clouds' own MariaDB and RabbitMQ serve Protector too: a database and a
# virtual host of each site's own.
set -euo pipefail
. tools/stages/stestr.sh
bed=$(realpath -m "${PROTECTOR_REALCLOUD_DIR:-../shared/realcloud}")
export RC_HOME=${RC_HOME:-/opt/realcloud}
# Cinder's own Pure driver, on emulated arrays; the file backend is for
# volumes from images, whose bytes would have to travel by iSCSI
export RC_BACKENDS=file,pure RC_DEFAULT_TYPE=plain
export OS_CLIENT_CONFIG_FILE=$RC_HOME/clouds.yaml
export PROTECTOR_REAL_STATE=$TEST_DIR/realcloud PROTECTOR_REAL_BED=$bed
export PROTECTOR_REAL_ARRAYS=$TEST_DIR/realcloud-arrays
if [[ ! -x $bed/up.sh ]]; then
    echo "no $bed/up.sh"
    exit 77
fi

# the bed has an environment of its own and must not see ours
outside() { env PATH="${PATH#"$VENV/bin:"}" "$@"; }

running() {
    local pid at
    [[ -s $RC_HOME/$1.pid ]] && read -r pid at <"$RC_HOME/$1.pid" &&
        [[ $(cut -d' ' -f22 "/proc/$pid/stat" 2>/dev/null) == "$at" ]]
}

end_all() {
    python -c 'import pathlib, sys
from protector.tests.realcloud import processes
processes.Processes(pathlib.Path(sys.argv[1])).end_all()' "$1" || true
}

clean_up() {
    # what an interrupted run did not end itself
    end_all "$PROTECTOR_REAL_STATE"
    [[ -n ${ours:-} ]] || return 0
    outside "$bed/down.sh" all
    end_all "$PROTECTOR_REAL_ARRAYS"
}

# up SITE ADDRESS TOKEN PEER_SITE PEER_ADDRESS PEER_TOKEN: the site's array and
# where that replicates to. On two cores a service may miss its deadline
# once; what runs by then is kept. A subshell: the next site's are others
up() (
    export RC_PURE_ADDR=$2 RC_PURE_TOKEN=$3
    # such a device replicates by pods and, too, by groups with a schedule
    export RC_PURE_EXTRA="pure_replication_pod_name = pod-${1: -1}
replication_device = backend_id:$4,san_ip:$5,api_token:$6,type:sync"
    echo "$(date +%T) starting $1"
    outside "$bed/up.sh" "$1" || outside "$bed/up.sh" "$1"
    outside "$RC_HOME/venv/bin/python" "$bed/seed.py" "$1" --no-server
    python -m protector.tests.realcloud.backend "$1"
)

# The clouds' processes lead sessions of their own. A kernel that shares the
# machine out by session looks at the niceness of these, not of processes.
prefer() {
    local record pid
    [[ $(cat /proc/sys/kernel/sched_autogroup_enabled 2>/dev/null) == 1 ]] ||
        return 0
    for record in "$RC_HOME"/{infra,site-?}/run/*.pid; do
        # a server's own record may have no end of line
        read -r pid _ <"$record" || [[ -n $pid ]] || continue
        nice >"/proc/$pid/autogroup" || true
    done
}

# tell LETTER SITE: what protector/tests/realcloud/settings.py reads
tell() {
    local letter=$1 site=$2 user=${2//-/_} password
    local database=${user}_protector
    password=$(<"$RC_HOME/$site/password")
    mariadb --no-defaults -S "$RC_HOME/infra/run/mysql.sock" -u root \
        -e "GRANT ALL ON $database.* TO '$user'@'%'"
    export "PROTECTOR_REAL_SITE_$letter=$site"
    export "PROTECTOR_REAL_TENANT_$letter=$site-demo"
    export "PROTECTOR_REAL_DATABASE_$letter=mysql+pymysql://$user:$password@\
127.0.0.1:${RC_DB_PORT:-13306}/$database"
    export "PROTECTOR_REAL_BUS_$letter=rabbit://$site:$password@\
127.0.0.1:${RC_MQ_PORT:-15672}/$site"
}

running infra/run/mysql || ours=yes
trap clean_up EXIT
trap 'exit 143' TERM INT
outside "$bed/install.sh"
outside "$bed/infra.sh" up
mapfile -t arrays < <(
    python -m protector.tests.realcloud.arrays "$PROTECTOR_REAL_ARRAYS")
read -ra a <<<"${arrays[0]}"
read -ra b <<<"${arrays[1]}"
up site-a "${a[@]}" site-b "${b[@]}" &
first=$!
up site-b "${b[@]}" site-a "${a[@]}"
wait "$first"
prefer
tell A site-a
tell B site-b
echo "$(date +%T) testing"
mkdir -p "$TEST_DIR/ready"
touch "$TEST_DIR/ready/realcloud"

# what is asked of Cinder there needs no array, and now and then an image
export PROTECTOR_CONTRACT_CLOUD=site-a PROTECTOR_CONTRACT_TYPE=replicated
export OS_TEST_PATH=./protector/tests/realcloud
export OS_TEST_TIMEOUT=${OS_TEST_TIMEOUT:-900}
find_page
run_stestr realcloud . --serial "$@"
