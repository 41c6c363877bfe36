#!/usr/bin/env bash
# tools/infra.sh up | down | env: a private MariaDB and RabbitMQ on loopback
# for the functional tests. Needs the servers to be installed, not root. All
# they write lies in $TEST_DIR/infra; their ports are free ones; their process
# ids are recorded, and only those are ever signalled.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
TEST_DIR=${TEST_DIR:-$PWD/.test}
INFRA=$TEST_DIR/infra
PATH=$PATH:/usr/sbin:/sbin:/usr/lib/rabbitmq/bin

# --- processes: each leads a session of its own ---------------------------

started_at() { cut -d' ' -f22 "/proc/$1/stat" 2>/dev/null; }

# start NAME COMMAND...: record pid and start time, so that a pid used again
# by another process is not taken for ours
start() {
    local name=$1 pid
    shift
    setsid "$@" >"$INFRA/$name.log" 2>&1 </dev/null &
    pid=$!
    echo "$pid $(started_at "$pid")" >"$INFRA/$name.pid"
}

alive() {
    local pid at
    [[ -s $INFRA/$1.pid ]] || return 1
    read -r pid at <"$INFRA/$1.pid"
    [[ -n $at && $(started_at "$pid") == "$at" ]]
}

# stop NAME: TERM, 15 seconds, then KILL what is left of its session
stop() {
    local pid at
    [[ -s $INFRA/$1.pid ]] || return 0
    read -r pid at <"$INFRA/$1.pid"
    if alive "$1"; then
        kill -TERM "$pid" 2>/dev/null || true
        poll 15 not alive "$1" || true
        local left
        left=$(ps -o pid= -s "$pid" 2>/dev/null || true)
        # shellcheck disable=SC2086
        [[ -z $left ]] || kill -KILL $left 2>/dev/null || true
    fi
    rm -f "$INFRA/$1.pid"
}

not() { ! "$@"; }

# poll SECONDS COMMAND...: until the command succeeds
poll() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < deadline)) || return 1
        sleep 0.1
    done
}

listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

need() {
    local command
    for command in "$@"; do
        command -v "$command" >/dev/null && continue
        echo "$command is missing; see bindep.txt for the packages" >&2
        return 1
    done
}

free_ports() {
    python3 - "$1" <<'PY'
import socket, sys
socks = [socket.socket() for _ in range(int(sys.argv[1]))]
for sock in socks:
    sock.bind(('127.0.0.1', 0))
print(*(sock.getsockname()[1] for sock in socks))
PY
}

# --- the servers ----------------------------------------------------------

sql() { mariadb --no-defaults -S "$INFRA/mysql.sock" -u root "$@"; }

mariadb_up() {
    local as=()
    need mariadbd mariadb mariadb-install-db
    [[ $EUID -ne 0 ]] || as=(--user=root)
    mariadb-install-db --no-defaults "${as[@]}" --datadir="$INFRA/mysql" \
        --auth-root-authentication-method=normal --skip-test-db \
        >"$INFRA/mysql-install.log" 2>&1
    start mariadb mariadbd --no-defaults "${as[@]}" \
        --datadir="$INFRA/mysql" --socket="$INFRA/mysql.sock" \
        --bind-address=127.0.0.1 --port="$DB_PORT" --skip-name-resolve \
        --pid-file="$INFRA/mysql.own.pid" --max-connections=500 \
        --innodb-buffer-pool-size=128M --innodb-flush-log-at-trx-commit=0 \
        --innodb-doublewrite=0 --skip-log-bin --performance-schema=0 \
        --character-set-server=utf8mb4
    poll 120 mariadb_answers
    sql -e "CREATE USER protector@'127.0.0.1' IDENTIFIED BY '$SECRET';
        GRANT ALL ON *.* TO protector@'127.0.0.1';"
}

mariadb_answers() { sql -e 'select 1' >/dev/null 2>&1; }

rabbitmq_up() {
    need epmd rabbitmq-server
    cat >"$INFRA/rabbitmq.conf" <<CONF
listeners.tcp.1 = 127.0.0.1:$MQ_PORT
default_user = protector
default_pass = $SECRET
disk_free_limit.absolute = 50MB
log.console = true
log.file = false
CONF
    echo '[].' >"$INFRA/enabled_plugins"
    mkdir -p "$INFRA/home"
    export HOME=$INFRA/home ERL_EPMD_ADDRESS=127.0.0.1 \
        ERL_EPMD_PORT=$EPMD_PORT RABBITMQ_DIST_PORT=$DIST_PORT \
        RABBITMQ_NODENAME=protector-test@localhost \
        RABBITMQ_CONFIG_FILE=$INFRA/rabbitmq \
        RABBITMQ_CONF_ENV_FILE=/dev/null \
        RABBITMQ_ENABLED_PLUGINS_FILE=$INFRA/enabled_plugins \
        RABBITMQ_MNESIA_BASE=$INFRA/mnesia RABBITMQ_LOG_BASE=$INFRA \
        RABBITMQ_PID_FILE=$INFRA/rabbitmq.own.pid
    export RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="\
-kernel inet_dist_use_interface {127,0,0,1} +sbwt none"
    start epmd epmd -address 127.0.0.1 -port "$EPMD_PORT"
    poll 10 listens "$EPMD_PORT"
    # Debian's wrapper in /usr/sbin insists on root or the rabbitmq user
    local server=/usr/lib/rabbitmq/bin/rabbitmq-server
    [[ -x $server ]] || server=rabbitmq-server
    start rabbitmq "$server"
    poll 180 listens "$MQ_PORT"
}

up() {
    down
    trap 'tail -n 20 "$INFRA"/*.log >&2; down' EXIT
    rm -rf "$INFRA"
    mkdir -p "$INFRA"
    chmod 700 "$INFRA"
    SECRET=$(od -An -N12 -tx1 /dev/urandom | tr -d ' \n')
    read -r DB_PORT MQ_PORT EPMD_PORT DIST_PORT <<<"$(free_ports 4)"
    rabbitmq_up &
    local rabbitmq=$!
    mariadb_up
    wait "$rabbitmq"
    (
        umask 077
        cat >"$INFRA/env" <<ENV
export PROTECTOR_TEST_MYSQL=mysql+pymysql://protector:$SECRET@127.0.0.1:$DB_PORT
export PROTECTOR_TEST_RABBIT=rabbit://protector:$SECRET@127.0.0.1:$MQ_PORT/
ENV
    )
    trap - EXIT
}

down() {
    local name
    for name in rabbitmq epmd mariadb; do stop "$name"; done
}

case ${1:-} in
up) up ;;
down) down ;;
env) cat "$INFRA/env" ;;
*) echo "usage: $0 up|down|env" >&2; exit 2 ;;
esac
