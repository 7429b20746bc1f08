#!/bin/bash
# Once, when the data folder is made: a role and a database for each service, which no other service may look into.
set -euo pipefail
for service in $SERVICES; do
  psql -v ON_ERROR_STOP=1 -v name="$service" -v password="$SERVICE_PASSWORD" <<'SQL'
    CREATE ROLE :"name" LOGIN PASSWORD :'password';
    GRANT pg_read_all_stats TO :"name";
SQL
done
for database in $DATABASES; do
  psql -v ON_ERROR_STOP=1 -v database="$database" -v owner="${database%_shard_*}" <<'SQL'
    CREATE DATABASE :"database" OWNER :"owner";
    REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
SQL
done
