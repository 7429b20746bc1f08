#!/bin/sh
# Fills in files of infra/, each ${NAME} by the variable of that name, and becomes the command behind `--`. For
# containers; processes get the same from libs/local-cluster.
# Usage: run.sh TEMPLATE FILE [TEMPLATE FILE]... -- COMMAND [ARGUMENT]...
set -eu
umask 077
while [ "$1" != -- ]; do
  awk '{
    while (match($0, /[$][{][A-Z_]+[}]/)) {
      name = substr($0, RSTART + 2, RLENGTH - 3)
      if (!(name in ENVIRON)) { print FILENAME " asks for ${" name "}, which has no value" > "/dev/stderr"; exit 1 }
      printf "%s%s", substr($0, 1, RSTART - 1), ENVIRON[name]
      $0 = substr($0, RSTART + RLENGTH)
    }
    print
  }' "$1" > "$2"
  shift 2
done
shift
exec "$@"
