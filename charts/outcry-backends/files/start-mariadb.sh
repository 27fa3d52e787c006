#!/bin/sh
# Makes the system tables on the volume's first start, then runs the server. At every start it is told its
# users anew, so that a changed Secret is a changed password. Everything it keeps is under /data.
set -eu

install_tables() {
    # Beside the final place and renamed, so that one that was killed leaves nothing that looks done.
    rm -rf /data/new
    mariadb-install-db --no-defaults --datadir=/data/new --auth-root-authentication-method=normal \
        --skip-test-db --skip-name-resolve >/tmp/install.log 2>&1 || { cat /tmp/install.log >&2; exit 1; }
    mv /data/new /data/mysql
}

# A password becomes part of a statement: anything that would need quoting there is refused.
password_of() {
    password=$(cat "/secrets/$1")
    case $password in
        '' | *[!A-Za-z0-9_-]*)
            echo "the password of $1 must be of A-Z a-z 0-9 _ - and not empty" >&2
            exit 1 ;;
    esac
    printf %s "$password"
}

user() {
    name=$1
    password=$(password_of "$name")
    echo "CREATE USER IF NOT EXISTS '$name'@'%';"
    echo "ALTER USER '$name'@'%' IDENTIFIED BY '$password';"
    shift
    for grant in "$@"; do echo "GRANT $grant TO '$name'@'%';"; done
}

# What each service may do, and nothing beside it. Nobody comes in as root, save without a network.
users() {
    echo "SET SESSION sql_log_bin = 0;"
    echo "DROP USER IF EXISTS ''@'localhost', ''@'$(hostname)', 'root'@'$(hostname)', 'root'@'127.0.0.1', 'root'@'::1';"
    echo "CREATE DATABASE IF NOT EXISTS ledger;"
    echo "CREATE DATABASE IF NOT EXISTS reconciler;"
    echo "CREATE DATABASE IF NOT EXISTS risk;"
    user order "ALL PRIVILEGES ON \`orders\\_%\`.*"
    user settlement "ALL PRIVILEGES ON \`ledger\`.*"
    user risk "ALL PRIVILEGES ON \`risk\`.*"
    user position "SELECT ON \`ledger\`.*"
    user wallet "ALL PRIVILEGES ON \`wallet\\_%\`.*"
    user reconciler "REPLICATION SLAVE, BINLOG MONITOR ON *.*" "SELECT, INSERT, UPDATE, DELETE ON \`ledger\`.*" \
        "SELECT ON \`orders\\_%\`.*" "ALL PRIVILEGES ON \`reconciler\`.*"
}

[ -d /data/mysql ] || install_tables
umask 077
users >/run/mariadb/users.sql
exec mariadbd --defaults-file=/etc/mariadb/my.cnf --init-file=/run/mariadb/users.sql
