#!/bin/sh
# Once, when the database is made: the person Semel connects as, its database, and who may copy it.
set -eu
psql --no-psqlrc --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
    --set semel="$(cat /run/secrets/semel-password)" \
    --set replication="$(cat /run/secrets/replication-password)" <<'END'
CREATE ROLE semel LOGIN PASSWORD :'semel';
CREATE DATABASE semel OWNER semel ENCODING 'UTF8' TEMPLATE template0;
CREATE ROLE replication LOGIN REPLICATION PASSWORD :'replication';
END
echo 'host replication replication all scram-sha-256' >> "$PGDATA/pg_hba.conf"
