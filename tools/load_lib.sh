# Functions that the scripts for load tests share. Source it after lib.sh.
set -euo pipefail

# Begins the name of every folder for logs and process ids of a cluster that these scripts start.
readonly LOAD_RUN_DIRS=${XDG_RUNTIME_DIR:-/tmp}/quorate-load-$UID

# Sets run_dir to this user's folder for a cluster at a port and an address, and takes it for this script alone.
take_run_dir() {
  run_dir=$LOAD_RUN_DIRS-$2-$1
  mkdir -p -m 700 "$run_dir" || die "cannot create the folder $run_dir"
  [[ -O $run_dir ]] || die "the folder $run_dir belongs to somebody else: choose another --base_port"
  exec 8>"$run_dir.lock"
  flock -n 8 || { run_dir=; die "another load test is at work on the ports from $1: choose another --base_port"; }
}

# Seconds as people say them.
as_time() {
  if (($1 < 120)); then printf '%d s' "$1"; else printf '%d min' $((($1 + 30) / 60)); fi
}

# A Python that can draw; nothing where there is none.
drawing_python() {
  local python
  for python in python3 /usr/bin/python3; do
    if "$python" -c 'import matplotlib, numpy' 2>/dev/null; then
      printf '%s' "$python"
      return
    fi
  done
}

# draw_results RESULTS VISUALIZATIONS: makes the pictures and prints the table.
draw_results() {
  local python
  python=$(drawing_python)
  if [[ -z $python ]]; then
    printf '%s: no Python here can draw: tools/setup.sh installs what is missing. The results are in %s.\n' \
      "${0##*/}" "$1" >&2
    return 1
  fi
  "$python" -B "$QUORATE_ROOT/tools/visualize_results.py" --results "$1" --output "$2" --table
}
