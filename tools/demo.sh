#!/usr/bin/env bash
# Shows Quorate at work: installs what is missing, builds, and then, for each strategy, starts five nodes on this
# machine, makes the documented calls, runs a short mixed load and stops the nodes again.
#
# Usage: tools/demo.sh [--base_port P] [--seconds S]
#   --base_port P  HTTP port of the first node; the demo takes P to P+4, and 1000 above (default: the first free of
#                  8080, 8180, ...)
#   --seconds S    length of the mixed load with a leader, 1 to 60; without a leader it is half of that (default 8)
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

readonly NODES=5
readonly GRPC_PORT_OFFSET=1000
readonly FIRST_BASE_PORT=8080
readonly BASE_PORTS_TO_TRY=20
readonly CONTRAST_SECONDS=3

base_port=
seconds=8
run_dir=
bin=
answer_file=

usage() {
  sed -n '2,/^set -euo/{/^set/d;s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"
}

parse_options() {
  local option value
  while (($# > 0)); do
    case $1 in
      -h | --help) usage; exit 0 ;;
      --*=*) option=${1%%=*} value=${1#*=}; shift ;;
      --base_port | --seconds) (($# > 1)) || misuse "$1 needs a value"; option=$1 value=$2; shift 2 ;;
      *) misuse "unknown argument $1" ;;
    esac
    [[ $value =~ ^[1-9][0-9]{0,4}$ ]] || misuse "$option must be a number, not '$value'"
    case $option in
      --base_port) base_port=$value ;;
      --seconds) seconds=$value ;;
      *) misuse "unknown option $option" ;;
    esac
  done
  ((seconds <= 60)) || misuse '--seconds must be from 1 to 60'
}

# Bold on a terminal that knows how, plain elsewhere.
heading() {
  if [[ -t 1 && ${TERM:-dumb} != dumb ]]; then
    printf '\n\033[1m== %s\033[0m\n\n' "$*"
  else
    printf '\n== %s\n\n' "$*"
  fi
}

# Whether the ports of a cluster that begins at $1 are free.
ports_are_free() {
  local node
  local -a filter=()
  for ((node = 0; node < NODES; ++node)); do
    filter+=("sport = :$(($1 + node))" or "sport = :$(($1 + node + GRPC_PORT_OFFSET))" or)
  done
  unset 'filter[-1]'
  # Only listeners on this address, or on all, are in the way.
  ! ss -Hltn "( ${filter[*]} )" | grep -qE ' (127\.0\.0\.1|0\.0\.0\.0|\*|\[::\]):[0-9]+ '
}

choose_base_port() {
  if [[ -n $base_port ]]; then return; fi
  local try
  for ((try = 0; try < BASE_PORTS_TO_TRY; ++try)); do
    base_port=$((FIRST_BASE_PORT + 100 * try))
    if ports_are_free $base_port; then
      if ((try > 0)); then
        printf 'Ports from %d on are in use; the demo takes those from %d on.\n' $FIRST_BASE_PORT $base_port
      fi
      return
    fi
  done
  die "no free ports found between $FIRST_BASE_PORT and $base_port: name some with --base_port"
}

cluster() {
  "$QUORATE_ROOT/tools/cluster.sh" "$1" --base_port "$base_port" --run_dir "$run_dir" "${@:2}"
}

# Whatever happened, no node stays behind.
clean_up() {
  local status=$?
  finish_undisturbed
  rm -f "$answer_file"
  if [[ -n $run_dir ]]; then
    cluster stop >/dev/null || status=1
    case $status in
      0) rm -rf "$run_dir" ;;
      129 | 130 | 141 | 143) rm -rf "$run_dir"; printf '\nInterrupted; all nodes are stopped.\n' >&2 ;;
      *) printf '\nThe demo failed; the logs of the nodes are in %s\n' "$run_dir" >&2 ;;
    esac
  fi
  exit "$status"
}

# Prints a command as somebody would type it, then what it answers. The first argument lists the HTTP statuses that
# are right, the others go to curl.
call() {
  local expected=$1 status argument shown=curl
  shift
  for argument in "$@"; do
    case $argument in
      *[\ \"{]*) shown+=" '$argument'" ;;
      *) shown+=" $argument" ;;
    esac
  done
  printf '$ %s\n' "$shown"
  status=$(curl --silent --show-error --max-time 10 --noproxy '*' --output "$answer_file" --write-out '%{http_code}' \
    "$@") || die 'curl failed'
  printf '%s  (HTTP %s)\n' "$(cat "$answer_file")" "$status"
  [[ " $expected " == *" $status "* ]] || die "expected HTTP $expected"
}

documented_calls() {
  local leader=http://localhost:$base_port other=http://localhost:$((base_port + NODES - 1))
  call 201 -X POST "$leader/set" -H 'Content-Type: application/json' -d '{"key":"mykey","value":"myvalue"}'
  printf '\n'
  call 200 "$leader/get/mykey"
  printf '\nWhat the last node alone holds; it may be late:\n'
  call '200 404' "$other/local_read/mykey"
  printf '\n'
  call 200 "$leader/health"
  printf '\nA key that was never written:\n'
  call 404 "$other/get/nosuchkey"
}

# run_load SECONDS [loadgen flags]: reads go to any node, since only they can show that one is behind.
run_load() {
  local node targets= status=0
  for ((node = 0; node < NODES; ++node)); do targets+=,127.0.0.1:$((base_port + node)); done
  "$bin/loadgen/loadgen" --targets="${targets#,}" --read_target=any --write_ratio=0.5 --duration="$1" --output= \
    "${@:2}" || status=$?
  # 3: the load generator does not trust its own latencies, on a machine that is too busy, and says so.
  ((status == 0 || status == 3)) || exit "$status"
}

show_strategy() {
  local strategy=$1 mode=$2 load_seconds=$3
  heading "$strategy: five nodes, W=3, R=3"
  cluster start --strategy "$strategy" -n $NODES -w 3 -r 3 --binary "$bin/node/quorate_node" | sed '/^Logs: /d'
  heading "$strategy: the documented calls"
  documented_calls
  heading "$strategy: mixed load"
  run_load "$load_seconds" --mode="$mode" --qps=400 --num_keys=10
  heading "$strategy: W=1 and R=1 for each request, all on one key"
  run_load "$CONTRAST_SECONDS" --mode="$mode" --qps=1000 --num_keys=1 --w=1 --r=1
  heading "$strategy: stop"
  cluster stop | sed 's/ Logs: .*//'
}

main() {
  parse_options "$@"
  "$QUORATE_ROOT/tools/setup.sh"
  heading 'Build'
  run_bazel build //node:quorate_node //loadgen
  bin=$(run_bazel info bazel-bin 2>/dev/null)
  choose_base_port

  trap clean_up EXIT
  exit_on_signals
  run_dir=$(mktemp -d)
  answer_file=$(mktemp)
  show_strategy leader_follower leader "$seconds"
  show_strategy leaderless leaderless $(((seconds + 1) / 2))
  printf '\nDone: no node is left running. README.md tells what W and R promise; tools/cluster.sh starts a cluster to keep.\n'
}

main "$@"
