#!/usr/bin/env bash
# Stops clusters and load generators that load tests have left behind, as after kill -9, and removes what they wrote.
#
# Usage: tools/cleanup.sh [--all] [--results DIR] [--visualizations DIR] [--run_dirs DIR]
#   --all           also removes results and pictures (default folders: results and visualizations)
#   --run_dirs DIR  as it was given to run_all_tests.sh (default /tmp)
#
# It stops no other cluster: tools/cluster.sh stop does that. A load test that is still running is left alone, and so
# are files whose names no load test gives. While one runs, no results and no pictures are removed: it may be writing
# there. Load tests of other users, as with sudo, are named and left alone: whoever started one cleans up after it. Only
# root sees whether one of them is running; for anybody else it is as if it were.
#
# Exit status: 0 done; 1 something is left, as the message says; 2 wrong usage.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$(dirname "${BASH_SOURCE[0]}")/load_lib.sh"

readonly CONFIG_NAMES='(leader|leaderless)_w[1-5]r[1-5]'
readonly PICTURE_NAMES='read_latency|write_latency|intervals'

all=false
test_runs=false
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
      --run_dirs) load_run_dirs=$value ;;
      *) misuse "unknown option $option" ;;
    esac
  done
  [[ -n $results && -n $visualizations && -n $load_run_dirs ]] || misuse 'a folder has a name'
}

# stop_cluster FOLDER PORT ADDRESS: stops the cluster in one of the folders that load tests use, and removes the folder.
# Sets test_runs where its load test is still running.
stop_cluster() {
  if ! lock_run_dir "$1"; then
    printf 'A load test is running in %s: end it with Ctrl-C.\n' "$1" >&2
    test_runs=true
    return 0
  fi
  end_load "$1"
  # Its logs go with the folder.
  "$QUORATE_ROOT/tools/cluster.sh" stop --run_dir "$1" --base_port "$2" --address "$3" 8>&- | sed 's/ Logs: .*//'
  rm -rf "$1"
}

# Names a load test of another user, in a folder. Sets test_runs where it may still be running.
leave_alone() {
  local user
  user=$(stat -c %U "$1")
  if may_be_running "$1"; then
    printf 'A load test of %s may be running in %s: when it has ended, call tools/cleanup.sh as %s.\n' \
      "$user" "$1" "$user" >&2
    test_runs=true
  else
    printf 'Left alone: what a load test of %s has left in %s. Call tools/cleanup.sh as %s.\n' "$user" "$1" "$user" >&2
  fi
}

# Stops what this user's load tests have left, and names the folders of others, which may be in use or left as well.
stop_clusters() {
  local folder base_port address found=false
  for folder in "$load_run_dirs/$LOAD_RUN_DIR_NAMES"-*; do
    read_run_dir_name "${folder##*/}" || continue
    if is_own_folder "$folder"; then
      found=true
      stop_cluster "$folder" "$base_port" "$address"
    elif [[ -d $folder && ! -L $folder ]]; then
      leave_alone "$folder"
    fi
  done
  if ! $found; then printf 'No load test of yours has left anything in %s.\n' "$load_run_dirs"; fi
}

# Removes the files of a folder whose names match an extended regular expression.
remove_files() {
  [[ -d $1 ]] || return 0
  (cd -- "$1" && find . -regextype posix-extended -maxdepth 1 -type f -regex "\./($2)" -delete)
}

# Removes a folder if nothing is left in it: it may hold what is not ours.
remove_folder() {
  [[ -d $1 ]] || return 0
  if rmdir "$1" 2>/dev/null; then
    printf 'Removed %s.\n' "$1"
  else
    printf 'Removed what load tests wrote into %s; something else is there.\n' "$1"
  fi
}

remove_results() {
  local folder
  for folder in "$results"/*.logs; do
    if [[ ${folder##*/} =~ ^$CONFIG_NAMES\.logs$ ]]; then
      remove_files "$folder" 'node-[0-9]+\.log'
      rmdir "$folder" 2>/dev/null || true
    fi
  done
  # The load generator gives a result its name when it is whole.
  remove_files "$results" "${CONFIG_NAMES}_[0-9]+w[0-9]+r\.(txt|json|json\.failed|json\.[0-9]+\.[0-9]+\.part)"
  remove_folder "$results"
}

remove_visualizations() {
  local comparisons='comparison_p99_latency|comparison_stale_reads'
  local in_page='percentiles|timeline|staleness|versions_behind|outdated'
  remove_files "$visualizations/csv" "(${CONFIG_NAMES}_($PICTURE_NAMES|$in_page)|$comparisons|overview)\.csv"
  rmdir "$visualizations/csv" 2>/dev/null || true
  remove_files "$visualizations" \
    "(${CONFIG_NAMES}_($PICTURE_NAMES)|$comparisons)\.png|summary_report\.txt|report\.html"
  remove_folder "$visualizations"
}

main() {
  parse_options "$@"
  stop_clusters
  if $all; then
    if $test_runs; then
      die "no results and pictures were removed: a load test, see above, may be writing there; call this again after it"
    fi
    remove_results
    remove_visualizations
  fi
}

main "$@"
