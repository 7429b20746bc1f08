#!/bin/sh
# One node in a container: makes the data folder where there is none, anew or as a copy of PRIMARY_HOST, and runs the
# server on it. Made beside its place and renamed, so that a folder in place is always whole.
set -eu
umask 077
export PRIMARY_CONNINFO=
if [ -n "$PRIMARY_HOST" ]; then
  PRIMARY_CONNINFO="host=$PRIMARY_HOST port=$PORT user=replicator password=$REPLICATOR_PASSWORD application_name=$PRIMARY_SLOT"
fi
if [ ! -e "$PGDATA" ]; then
  rm -rf "$PGDATA.new"
  if [ -n "$PRIMARY_HOST" ]; then
    # By its slot: else the primary may throw away what is written meanwhile.
    pg_basebackup -D "$PGDATA.new" -d "$PRIMARY_CONNINFO" -S "$PRIMARY_SLOT" -R -X stream --checkpoint=fast --no-password
    # Of `-R` only the mark that it is a standby is wanted: the rest stands in our own configuration.
    : > "$PGDATA.new/postgresql.auto.conf"
  else
    printf '%s\n' "$SUPERUSER_PASSWORD" > /run/tenfold/superuser-password
    initdb -D "$PGDATA.new" -U postgres -E UTF8 --locale=C.UTF-8 -A scram-sha-256 --pwfile=/run/tenfold/superuser-password --no-instructions
    rm /run/tenfold/superuser-password
  fi
  mv "$PGDATA.new" "$PGDATA"
fi
exec sh /infra/run.sh \
  /infra/postgresql/postgresql.conf /run/tenfold/postgresql.conf \
  /infra/postgresql/pg_hba.conf "$HBA_FILE" \
  -- postgres -D "$PGDATA" -c config_file=/run/tenfold/postgresql.conf
