#!/bin/sh
# A standby: copies the primary at the first start, and follows it from then on.
set -eu
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    PGPASSWORD=$(cat /run/secrets/replication-password)
    export PGPASSWORD
    pg_basebackup --pgdata "$PGDATA" --wal-method stream --write-recovery-conf --checkpoint fast --no-password \
        --dbname "host=${PRIMARY:-postgres} port=${PRIMARY_PORT:-5432} user=replication application_name=standby"
    chmod 700 "$PGDATA"
fi
exec postgres "$@"
