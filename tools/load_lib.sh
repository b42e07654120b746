# Functions that the scripts for load tests share. Source it after lib.sh.
set -euo pipefail

# Where the scripts keep a folder for each cluster that they start, with its logs and process ids. Not XDG_RUNTIME_DIR:
# a script finds there what another one has left only where both have the same, and cron, ssh and sudo may set none.
load_run_dirs=/tmp

# Begins the names of these folders.
readonly LOAD_RUN_DIR_NAMES=quorate-load

# The name of this user's folder for a cluster at a port and an address.
run_dir_name() {
  printf '%s-%s-%s-%s' "$LOAD_RUN_DIR_NAMES" "$UID" "$2" "$1"
}

# Sets base_port and address to those that a name of a folder tells, whoever's it is. Fails where it is no such name.
read_run_dir_name() {
  [[ $1 =~ ^$LOAD_RUN_DIR_NAMES-[0-9]+-([0-9]+(\.[0-9]+){3})-([0-9]+)$ ]] || return 1
  address=${BASH_REMATCH[1]}
  base_port=${BASH_REMATCH[3]}
}

# Whether a folder is this user's own. A link, which anybody may put into /tmp, can lead to any folder.
is_own_folder() {
  [[ -d $1 && -O $1 && ! -L $1 ]]
}

# Takes a cluster's folder for this script alone, for as long as it runs. Fails where another script has it.
lock_run_dir() {
  exec 8>"$1/load.lock" || return 1
  # Who had it may have removed the file since, together with the folder.
  flock -n 8 && [[ /dev/fd/8 -ef $1/load.lock ]]
}

# Whether the load test of another user may be running in a folder: it is not where its lock is free. The lock is only
# read, as that user chooses which file has its name.
may_be_running() {
  [[ ! -f $1/load.lock ]] || ! flock -n 8 2>/dev/null 8<"$1/load.lock"
}

# Sets run_dir to this user's folder for a cluster at a port and an address, and takes it for this script alone.
take_run_dir() {
  run_dir=$load_run_dirs/$(run_dir_name "$1" "$2")
  mkdir -p -m 700 "$run_dir" || die "cannot create the folder $run_dir"
  is_own_folder "$run_dir" || die "the folder $run_dir belongs to somebody else: choose another --base_port"
  lock_run_dir "$run_dir" ||
    { run_dir=; die "another load test is at work on the ports from $1: choose another --base_port"; }
}

# start_load RUN_DIR OUTPUT COMMAND...: runs a load generator in the background; sets loadgen_pid.
# It notes its process id in the folder and holds a lock on that file as long as it lives: so the id is surely its own.
start_load() {
  exec 7>"$1/loadgen.pid"
  flock 7
  (
    printf '%s\n' "$BASHPID" >&7
    exec "${@:3}"
  ) >"$2" 2>&1 </dev/null 8>&- &
  loadgen_pid=$!
  exec 7>&-
}

# end_load RUN_DIR: ends the load generator that a killed script has left behind. At once, since on any other signal
# it writes a result of what it has done so far.
end_load() {
  local pid= deadline=$((SECONDS + 10))
  [[ -e $1/loadgen.pid ]] || return 0
  exec 7<"$1/loadgen.pid"
  until flock -w 0.1 7; do
    ((SECONDS < deadline)) || die "the load generator cannot be ended: process ${pid:-unknown}"
    # It is not noted yet where the script ended just after the start.
    if [[ -n $pid ]] || read -r pid <&7; then kill -KILL "$pid" 2>/dev/null || true; fi
  done
  if [[ -n $pid ]]; then printf 'Ended the load generator, process %s.\n' "$pid"; fi
  exec 7<&-
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
