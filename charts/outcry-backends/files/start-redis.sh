#!/bin/sh
# The password goes to the server by a file in memory: arguments can be read by everybody.
set -eu

password=$(cat /secrets/password)
case $password in
    '' | *[!A-Za-z0-9_-]*)
        echo "the password must be of A-Z a-z 0-9 _ - and not empty" >&2
        exit 1 ;;
esac
umask 077
{ cat /etc/redis/redis.conf; echo "requirepass $password"; } >/run/redis/redis.conf
# A pod that was deleted by force may write for a moment after its successor began, and Redis itself takes no lock:
# the file would hold two histories. This one is held until its process ends.
exec 9>/data/lock
flock 9
exec redis-server /run/redis/redis.conf
