#!/usr/bin/env bash
# Runs a command where the system has no libcurl, as on a bare Debian. It is called in a mount namespace of its own,
# which ends with it: unshare --mount tests/stores/mongo/hide_libcurl.sh SCRATCH-FOLDER COMMAND
set -euo pipefail
scratch="$1"
shift
mount -t tmpfs tmpfs "$scratch"
mkdir "$scratch/changes" "$scratch/work"
for folder in $(ldconfig -p | awk '/libcurl\.so\.4 /{print $NF}' | xargs -r -n1 dirname | sort -u | xargs -r readlink -f); do
  mount -t overlay overlay -o "lowerdir=$folder,upperdir=$scratch/changes,workdir=$scratch/work" "$folder"
  rm "$folder"/libcurl.so.4*
done
exec "$@"
