#!/usr/bin/env bash
# Loads clusters of five nodes on this machine, one configuration after the other, and draws what was measured.
#
# Usage: tools/run_all_tests.sh [options]
#   --quick               3 seconds a run instead of 60: a look, whose tails are chance
#   --duration SECONDS    length of a run, without its warm-up
#   --qps N               operations a second (default 200, or 50 with --emulate, whose operations take long)
#   --num_keys N          keys; fewer of them collide more (default 50)
#   --config A,B,...      leader_wXrY or leaderless_wXrY, X and Y from 1 to 5
#                         (default leader_w5r1,leader_w1r5,leader_w3r3,leaderless_w5r1)
#   --ratio A,B,...       writes and reads in percent (default 1w99r,10w90r,50w50r,90w10r)
#   --emulate DELAYS      what the nodes take for it: classroom, wan3, ... (default: no added delays)
#   --read_target T       what the load generator takes for it: coordinator, any or local (default: its own)
#   --results DIR         folder for result files, CONFIG_RATIO.json, and reports, .txt (default results)
#   --visualizations DIR  folder for pictures (default visualizations)
#   --resume              leave out runs whose result is there and of the same load; without it, all begin anew
#   --base_port P         HTTP port of node 1, see tools/cluster.sh (default 8080)
#   --address A           address of the nodes (default 127.0.0.1)
#   --run_dirs DIR        where each cluster gets a folder for its logs and process ids (default /tmp); tools/cleanup.sh
#                         then needs the same
#   --loadgen PATH, --binary PATH   programs to take instead of building them
#
# Asks nothing. Ctrl-C ends the run at hand, whose result is dropped, and stops the nodes. When a run fails, or a node
# ends during it, its result gets the name CONFIG_RATIO.json.failed and is not drawn, the logs of its nodes are kept in
# CONFIG.logs beside it, and the next run gets new nodes.
# Exit status: 0 done; 1 a run or the pictures failed; 2 wrong usage; 130 after Ctrl-C.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$(dirname "${BASH_SOURCE[0]}")/load_lib.sh"

readonly NODES=5
readonly QUICK_SECONDS=3
# What a run takes beside its length: warm-up, and what is then still in flight.
readonly RUN_OVERHEAD_SECONDS=2
# What starting and stopping a cluster takes, to begin with.
readonly CLUSTER_SECONDS=4
# How long nodes may take after a run until they are healthy again.
readonly RECOVERY_SECONDS=10
# What the load generator's exit status says when it has measured to the end, and judges that the schedule was not kept.
readonly VOID_STATUS=3

duration=60
qps=
num_keys=50
configs=leader_w5r1,leader_w1r5,leader_w3r3,leaderless_w5r1
ratios=1w99r,10w90r,50w50r,90w10r
emulate=
read_target=
results=results
visualizations=visualizations
resume=false
base_port=8080
address=127.0.0.1
loadgen=
binary=

run_dir=
plan=()
current=
cluster_of=
keep_logs=false
loadgen_pid=
runs_done=0
runs_failed=()
started=0

usage() {
  sed -n '2,/^set -euo/{/^set/d;s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"
}

parse_options() {
  local option value
  while (($# > 0)); do
    option=$1
    shift
    case $option in
      -h | --help) usage; exit 0 ;;
      --quick) duration=$QUICK_SECONDS; continue ;;
      --resume) resume=true; continue ;;
      --*=*) value=${option#*=} option=${option%%=*} ;;
      --*) (($# > 0)) || misuse "$option needs a value"; value=$1; shift ;;
      *) misuse "unknown argument $option" ;;
    esac
    case $option in
      --duration) duration=$value ;;
      --qps) qps=$value ;;
      --num_keys) num_keys=$value ;;
      --config) configs=$value ;;
      --ratio) ratios=$value ;;
      --emulate) emulate=$value ;;
      --read_target) read_target=$value ;;
      --results) results=$value ;;
      --visualizations) visualizations=$value ;;
      --base_port) base_port=$value ;;
      --address) address=$value ;;
      --run_dirs) load_run_dirs=$value ;;
      --loadgen) loadgen=$value ;;
      --binary) binary=$value ;;
      *) misuse "unknown option $option" ;;
    esac
  done
}

check_number() {
  if [[ ! $2 =~ ^[1-9][0-9]{0,8}$ ]] || (($2 > $3)); then misuse "$1 is '$2' but must be a number from 1 to $3"; fi
}

check_options() {
  if [[ -z $qps ]]; then
    if [[ -n $emulate ]]; then qps=50; else qps=200; fi
  fi
  check_number --duration "$duration" 86400
  # As the load generator has them.
  check_number --qps "$qps" 1000000
  check_number --num_keys "$num_keys" 10000000
  check_number --base_port "$base_port" 60000
  [[ $address =~ ^[0-9]+(\.[0-9]+){3}$ ]] || misuse "--address is '$address' but must be an IPv4 address"
  case $read_target in
    '' | coordinator | any | local) ;;
    *) misuse "--read_target is '$read_target' but must be coordinator, any or local" ;;
  esac
  [[ -n $results && -n $visualizations && -n $load_run_dirs ]] ||
    misuse '--results, --visualizations and --run_dirs must name folders'
  local config ratio
  IFS=, read -r -a config_list <<<"$configs"
  IFS=, read -r -a ratio_list <<<"$ratios"
  ((${#config_list[@]} > 0 && ${#ratio_list[@]} > 0)) || misuse '--config and --ratio must not be empty'
  for config in "${config_list[@]}"; do
    [[ $config =~ ^(leader|leaderless)_w[1-$NODES]r[1-$NODES]$ ]] ||
      misuse "'$config' is no configuration such as leader_w5r1 or leaderless_w3r3, W and R from 1 to $NODES"
  done
  for ratio in "${ratio_list[@]}"; do
    if [[ ! $ratio =~ ^([0-9]{1,3})w([0-9]{1,3})r$ ]] ||
      ((10#${BASH_REMATCH[1]} + 10#${BASH_REMATCH[2]} != 100)); then
      misuse "'$ratio' is no ratio such as 10w90r, whose two numbers add up to 100"
    fi
  done
}

# Builds what was not named.
find_programs() {
  if [[ -z $loadgen || -z $binary ]]; then
    "$QUORATE_ROOT/tools/setup.sh"
    run_bazel build //loadgen //node:quorate_node
    local bin
    bin=$(run_bazel info bazel-bin 2>/dev/null)
    loadgen=${loadgen:-$bin/loadgen/loadgen}
    binary=${binary:-$bin/node/quorate_node}
  fi
  local program
  for program in "$loadgen" "$binary"; do
    [[ -x $program && ! -d $program ]] || die "there is no program $program"
  done
}

# Strategy, W and R of a configuration, as options of cluster.sh.
cluster_options() {
  [[ $1 =~ ^(leader|leaderless)_w([0-9])r([0-9])$ ]]
  local strategy=leader_follower
  if [[ ${BASH_REMATCH[1]} == leaderless ]]; then strategy=leaderless; fi
  printf '%s\n' --strategy "$strategy" -n "$NODES" -w "${BASH_REMATCH[2]}" -r "${BASH_REMATCH[3]}"
}

start_cluster() {
  local -a options node_flags=()
  mapfile -t options < <(cluster_options "$1")
  if [[ -n $emulate ]]; then node_flags=(-- "--emulate=$emulate"); fi
  cluster_of=$1
  if ! cluster start "${options[@]}" --binary "$binary" "${node_flags[@]}" >"$run_dir/cluster.out" 2>&1; then
    cat "$run_dir/cluster.out" >&2
    keep_logs=true
    die "the cluster for $1 does not start"
  fi
}

# Stops the nodes, if there are any. Their logs are kept where a run of theirs failed.
stop_cluster() {
  cluster stop >/dev/null || return 1
  local log folder=$results/$cluster_of.logs
  local -a logs
  mapfile -t logs < <(compgen -G "$run_dir/node-*.log")
  if $keep_logs && ((${#logs[@]} > 0)); then
    mkdir -p "$folder"
    # An earlier cluster of this configuration may have left logs there too.
    for log in "${logs[@]}"; do cat "$log" >>"$folder/${log##*/}"; done
    printf 'The logs of these nodes are in %s\n' "$folder" >&2
  fi
  # What a cluster that does not even start finds here would be taken for its own.
  rm -f "${logs[@]}"
  cluster_of=
  keep_logs=false
}

# Whether all nodes are healthy, soon if not at once. Leaves a table of them in $run_dir/cluster.out.
cluster_is_healthy() {
  local deadline=$((SECONDS + RECOVERY_SECONDS)) status
  while true; do
    status=0
    cluster status >"$run_dir/cluster.out" 2>&1 || status=$?
    if ((status == 0)); then return 0; fi
    # A node that has ended stays so.
    if ((SECONDS >= deadline || status > 1)) || grep -qw ended "$run_dir/cluster.out"; then return 1; fi
    sleep 0.5 8>&-
  done
}

cluster() {
  "$QUORATE_ROOT/tools/cluster.sh" "$1" --base_port "$base_port" --address "$address" --run_dir "$run_dir" "${@:2}" \
    8>&-
}

targets() {
  local node list=
  for ((node = 0; node < NODES; ++node)); do list+=,$address:$((base_port + node)); done
  printf '%s' "${list#,}"
}

# Whether a run's result is there, and of the load that is asked for.
is_done() {
  local file=$results/$1.json reason
  [[ -e $file ]] || return 1
  reason=$(python3 -B "$QUORATE_ROOT/tools/plots/as_asked.py" "$file" --qps "$qps" --num_keys "$num_keys" \
    --duration "$duration" --read_target "${read_target:-coordinator}" --emulate="$emulate") && return 0
  printf '%s is done again: %s.\n' "$1" "${reason:-its result cannot be compared}"
  return 1
}

# Sets plan to the runs that are still to do.
plan_runs() {
  local config ratio
  for config in "${config_list[@]}"; do
    for ratio in "${ratio_list[@]}"; do
      if $resume && is_done "${config}_$ratio"; then continue; fi
      plan+=("$config $ratio")
    done
  done
}

# Removes what earlier runs have left under the names of those to come, so that nothing old is taken for new.
remove_old_results() {
  local run name
  for run in "${plan[@]}"; do
    name=$results/${run% *}_${run#* }
    rm -f "$name.json" "$name.txt" "$name.json.failed" "$results/${run% *}.logs"/node-*.log
    rmdir "$results/${run% *}.logs" 2>/dev/null || true
  done
}

# Seconds that are left, from what was done so far. $1: seconds of the run at hand, 0 before it.
seconds_left() {
  local estimate=$((runs_total * (duration + RUN_OVERHEAD_SECONDS) + clusters_total * CLUSTER_SECONDS))
  if ((runs_done > 0)); then
    estimate=$(((SECONDS - started - $1) * runs_total / runs_done))
  fi
  local left=$((estimate - (SECONDS - started)))
  printf '%d' $((left > 0 ? left : 0))
}

# Shows the progress line: over itself on a terminal.
show_progress() {
  local name=$1 in_run=$2
  local line
  line=$(printf '[%*d/%d] %-24s about %s left' ${#runs_total} $((runs_done + 1)) "$runs_total" "$name" \
    "$(as_time "$(seconds_left "$in_run")")")
  if [[ -t 1 ]]; then
    printf '\r%-78s' "$line, $in_run s of $((duration + RUN_OVERHEAD_SECONDS))"
  else
    printf '%s\n' "$line"
  fi
}

# Says that a run failed, and takes its result away from those to be drawn.
note_failure() {
  local output=$results/$1.json
  if [[ -t 1 ]]; then printf '\n'; fi
  printf '%s: %s %s; the end of %s:\n' "${0##*/}" "$1" "$2" "$results/$1.txt" >&2
  tail -n 5 "$results/$1.txt" >&2
  if [[ -e $output ]]; then mv "$output" "$output.failed"; fi
  runs_failed+=("$1")
  keep_logs=true
}

# Runs the load generator once; its report goes beside the result.
run_load() {
  local config=$1 ratio=$2 name=$1_$2 begun=$SECONDS status=0
  local percent=$((10#${ratio%%w*}))
  local output=$results/$name.json
  local -a flags=(-mode "${config%%_*}" -write-ratio "$((percent / 100)).$(printf '%02d' $((percent % 100)))"
    -duration "$duration" -qps "$qps" -num-keys "$num_keys" -targets "$(targets)" -output "$output")
  if [[ -n $read_target ]]; then flags+=("-read_target=$read_target"); fi
  current=$name
  show_progress "$name" 0
  start_load "$run_dir" "$results/$name.txt" "$loadgen" "${flags[@]}"
  while kill -0 "$loadgen_pid" 2>/dev/null; do
    if [[ -t 1 ]]; then show_progress "$name" $((SECONDS - begun)); fi
    sleep 0.5 8>&-
  done
  wait "$loadgen_pid" || status=$?
  loadgen_pid=
  if ((status != 0 && status != VOID_STATUS)); then
    note_failure "$name" "failed (exit status $status)"
  elif [[ ! -s $output ]]; then
    note_failure "$name" 'left no result'
  elif ! cluster_is_healthy; then
    note_failure "$name" 'failed, since not all nodes are healthy after it'
    cat "$run_dir/cluster.out" >&2
  fi
  current=
  runs_done=$((runs_done + 1))
}

# Whatever happens, no node and no load generator stays behind.
clean_up() {
  local status=$?
  finish_undisturbed
  if [[ -n $loadgen_pid ]]; then
    kill -TERM "$loadgen_pid" 2>/dev/null || true
    wait "$loadgen_pid" 2>/dev/null || true
  fi
  # A signal may have come before its process id was known.
  (end_load "$run_dir") >/dev/null || status=1
  if [[ -n $current ]]; then rm -f "$results/$current.json"; fi
  if ! stop_cluster; then
    printf 'Nodes may be left; their logs are in %s\n' "$run_dir" >&2
    exit 1
  fi
  rm -rf "$run_dir"
  case $status in
    129 | 130 | 143) printf '\nInterrupted: all nodes are stopped. --resume goes on where this ended.\n' >&2 ;;
  esac
  exit "$status"
}

run_everything() {
  local run config
  for run in "${plan[@]}"; do
    config=${run% *}
    if [[ $config != "$cluster_of" ]]; then
      stop_cluster
      start_cluster "$config"
    fi
    run_load "$config" "${run#* }"
    # What a failed run has left may be broken.
    if $keep_logs; then stop_cluster; fi
  done
  stop_cluster
  if [[ -t 1 ]]; then printf '\r%-78s\r' ''; fi
}

main() {
  parse_options "$@"
  check_options
  find_programs
  mkdir -p "$results" || die "cannot create the folder $results"
  [[ -w $results ]] || die "cannot write to the folder $results"
  plan_runs
  runs_total=${#plan[@]}
  if ((runs_total > 0)); then
    clusters_total=$(printf '%s\n' "${plan[@]%% *}" | sort -u | wc -l)
    take_run_dir "$base_port" "$address"
    trap clean_up EXIT
    exit_on_signals
    end_load "$run_dir"
    stop_cluster
    remove_old_results
    started=$SECONDS
    run_everything
    printf '%d runs in %s.\n' "$runs_total" "$(as_time $((SECONDS - started)))"
  else
    printf 'All results are there already.\n'
  fi
  local drawn=true
  draw_results "$results" "$visualizations" || drawn=false
  if ((${#runs_failed[@]} > 0)); then die "these runs failed: ${runs_failed[*]}"; fi
  $drawn || die "not all results could be drawn"
}

main "$@"
