#!/usr/bin/env bash
# Stops clusters that load tests have left behind, as after kill -9, and removes what they wrote.
#
# Usage: tools/cleanup.sh [--all] [--results DIR] [--visualizations DIR]
#   --all   also removes results and pictures (default folders: results and visualizations)
#
# It stops no other cluster: tools/cluster.sh stop does that. A load test that is still running is left alone.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$(dirname "${BASH_SOURCE[0]}")/load_lib.sh"

all=false
results=results
visualizations=visualizations

parse_options() {
  local option value
  while (($# > 0)); do
    option=$1
    shift
    case $option in
      -h | --help) sed -n '2,/^set -euo/{/^set/d;s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; exit 0 ;;
      --all) all=true; continue ;;
      --*=*) value=${option#*=} option=${option%%=*} ;;
      --*) (($# > 0)) || misuse "$option needs a value"; value=$1; shift ;;
      *) misuse "unknown argument $option" ;;
    esac
    case $option in
      --results) results=$value ;;
      --visualizations) visualizations=$value ;;
      *) misuse "unknown option $option" ;;
    esac
  done
  [[ -n $results && -n $visualizations ]] || misuse 'a folder has a name'
}

# Stops the cluster in one of the folders that load tests use.
stop_cluster() {
  [[ -O $1 ]] || return 0
  exec 8>"$1.lock"
  if ! flock -n 8; then
    printf 'A load test is running in %s: end it with Ctrl-C.\n' "$1" >&2
    return 0
  fi
  "$QUORATE_ROOT/tools/cluster.sh" stop --run_dir "$1" 8>&-
  rm -rf "$1"
  rm -f "$1.lock" "$1.out"
}

# Removes the files of one ending, and the folder if nothing else is in it: it may hold what is not ours.
remove_files() {
  local folder=$1 ending
  shift
  [[ -d $folder ]] || return 0
  for ending in "$@"; do find "$folder" -maxdepth 1 -type f -name "*.$ending" -delete; done
  if rmdir "$folder" 2>/dev/null; then
    printf 'Removed %s.\n' "$folder"
  else
    printf 'Removed what load tests wrote into %s; something else is there.\n' "$folder"
  fi
}

main() {
  parse_options "$@"
  local folder
  for folder in "$LOAD_RUN_DIRS"-*/; do
    if [[ -d $folder ]]; then stop_cluster "${folder%/}"; fi
  done
  if $all; then
    remove_files "$results" json txt
    remove_files "$visualizations" png txt html
  fi
}

main "$@"
