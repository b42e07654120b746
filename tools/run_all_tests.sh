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
#   --resume              leave out runs whose result file is there
#   --base_port P         HTTP port of node 1, see tools/cluster.sh (default 8080)
#   --address A           address of the nodes (default 127.0.0.1)
#   --loadgen PATH, --binary PATH   programs to take instead of building them
#
# Asks nothing. Ctrl-C ends the run at hand, whose result is dropped, and stops the nodes.
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
current=
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
  check_number --qps "$qps" 10000000
  check_number --num_keys "$num_keys" 100000000
  check_number --base_port "$base_port" 60000
  [[ $address =~ ^[0-9]+(\.[0-9]+){3}$ ]] || misuse "--address is '$address' but must be an IPv4 address"
  case $read_target in
    '' | coordinator | any | local) ;;
    *) misuse "--read_target is '$read_target' but must be coordinator, any or local" ;;
  esac
  [[ -n $results && -n $visualizations ]] || misuse '--results and --visualizations must name folders'
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
  if ! cluster start "${options[@]}" --binary "$binary" "${node_flags[@]}" >"$run_dir.out" 2>&1; then
    cat "$run_dir.out" >&2
    die "the cluster for $1 does not start"
  fi
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

# The runs that are still to do, one a line.
planned_runs() {
  local config ratio
  for config in "${config_list[@]}"; do
    for ratio in "${ratio_list[@]}"; do
      if $resume && [[ -e $results/${config}_$ratio.json ]]; then continue; fi
      printf '%s %s\n' "$config" "$ratio"
    done
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

# Runs the load generator once; its report goes beside the result.
run_load() {
  local config=$1 ratio=$2 name=$1_$2 begun=$SECONDS status=0
  local percent=$((10#${ratio%%w*}))
  local output=$results/$name.json
  local -a flags=(-mode "${config%%_*}" -write-ratio "$((percent / 100)).$(printf '%02d' $((percent % 100)))"
    -duration "$duration" -qps "$qps" -num-keys "$num_keys" -targets "$(targets)" -output "$output")
  if [[ -n $read_target ]]; then flags+=("-read_target=$read_target"); fi
  rm -f "$output"
  show_progress "$name" 0
  "$loadgen" "${flags[@]}" >"$results/$name.txt" 2>&1 </dev/null 8>&- &
  loadgen_pid=$!
  while kill -0 "$loadgen_pid" 2>/dev/null; do
    if [[ -t 1 ]]; then show_progress "$name" $((SECONDS - begun)); fi
    sleep 0.5 8>&-
  done
  wait "$loadgen_pid" || status=$?
  loadgen_pid=
  if [[ ! -s $output ]]; then
    if [[ -t 1 ]]; then printf '\n'; fi
    printf '%s: %s left no result (exit status %d); the end of %s:\n' "${0##*/}" "$name" "$status" \
      "$results/$name.txt" >&2
    tail -n 5 "$results/$name.txt" >&2
    runs_failed+=("$name")
  fi
  runs_done=$((runs_done + 1))
}

# Whatever happens, no node and no load generator stays behind.
clean_up() {
  local status=$?
  trap '' INT TERM HUP
  trap - EXIT
  if [[ -n $loadgen_pid ]]; then
    kill -TERM "$loadgen_pid" 2>/dev/null || true
    wait "$loadgen_pid" 2>/dev/null || true
    rm -f "$results/$current.json"
  fi
  cluster stop >/dev/null || status=1
  rm -f "$run_dir.out" "$run_dir.lock"
  case $status in
    0) rm -rf "$run_dir" ;;
    129 | 130 | 143)
      rm -rf "$run_dir"
      printf '\nInterrupted: all nodes are stopped. --resume goes on where this ended.\n' >&2
      ;;
    *) printf 'The logs of the nodes are in %s\n' "$run_dir" >&2 ;;
  esac
  exit "$status"
}

run_everything() {
  local config ratio last=
  while read -r config ratio <&3; do
    if [[ $config != "$last" ]]; then
      if [[ -n $last ]]; then cluster stop >/dev/null; fi
      start_cluster "$config"
      last=$config
    fi
    current=${config}_$ratio
    run_load "$config" "$ratio"
  done 3< <(printf '%s\n' "${plan[@]}")
  if [[ -n $last ]]; then cluster stop >/dev/null; fi
  if [[ -t 1 ]]; then printf '\r%-78s\r' ''; fi
}

main() {
  parse_options "$@"
  check_options
  find_programs
  mkdir -p "$results" || die "cannot create the folder $results"
  [[ -w $results ]] || die "cannot write to the folder $results"
  mapfile -t plan < <(planned_runs)
  runs_total=${#plan[@]}
  if ((runs_total > 0)); then
    clusters_total=$(printf '%s\n' "${plan[@]%% *}" | sort -u | wc -l)
    take_run_dir "$base_port" "$address"
    trap clean_up EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    trap 'exit 129' HUP
    cluster stop >/dev/null
    started=$SECONDS
    run_everything
    printf '%d runs in %s.\n' "$runs_total" "$(as_time $((SECONDS - started)))"
  else
    printf 'All results are there already.\n'
  fi
  local drawn=true
  draw_results "$results" "$visualizations" || drawn=false
  if ((${#runs_failed[@]} > 0)); then die "these runs left no result: ${runs_failed[*]}"; fi
  $drawn || die "not all results could be drawn"
}

main "$@"
