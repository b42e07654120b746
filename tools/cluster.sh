#!/usr/bin/env bash
# Starts, shows and stops a Quorate cluster on this machine.
#
# Usage: tools/cluster.sh start [options] [-- flags for every node]
#        tools/cluster.sh status|stop [--base_port P] [--address A] [--run_dir DIR]   as they were given to start
#
#   --strategy NAME    leader_follower (default: node 1 leads) or leaderless
#   -n N               number of nodes, 1 to 64 (default 5)
#   -w W, -r R         acknowledgements a write waits for, answers a read waits for (default: a majority)
#   --base_port P      HTTP port of node 1; node K has P+K-1, and gRPC 1000 above that (default 8080)
#   --address A        IPv4 address to listen on (default 127.0.0.1); another one lets two clusters share ports
#   --data_dir DIR     keep data, in a folder for each node below DIR (default: in memory)
#   --run_dir DIR      folder for logs and process ids (default: one a user, address and base port, in /tmp)
#   --binary PATH      the node program; default: builds //node:quorate_node and takes that
#   --timeout SECONDS  how long start waits for all nodes to be healthy (default 30)
#
# Start returns when all nodes are healthy and connected to each other, and leaves none running where it fails; stop
# returns when all have ended, and ends only what start has started. The folder keeps the logs until the next start.
#
# Exit status: 0 done (status: all nodes are healthy); 1 failed (status: some node is not healthy); 2 wrong usage;
# 3 status only: no cluster runs here.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

readonly GRPC_PORT_OFFSET=1000
readonly MAX_NODES=64
readonly TERMINATE_SECONDS=10
readonly KILL_SECONDS=5

strategy=leader_follower
nodes=5
w=
r=
base_port=8080
address=127.0.0.1
data_dir=
run_dir=
binary=
timeout=30
node_flags=()

usage() {
  sed -n '2,/^set -euo/{/^set/d;s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"
}

parse_options() {
  local option value
  while (($# > 0)); do
    option=$1
    shift
    case $option in
      --) node_flags=("$@"); return ;;
      -h | --help) usage; exit 0 ;;
      --*=*) value=${option#*=} option=${option%%=*} ;;
      -*) (($# > 0)) || misuse "$option needs a value"; value=$1; shift ;;
      *) misuse "unknown argument $option" ;;
    esac
    case $option in
      --strategy) strategy=$value ;;
      -n) nodes=$value ;;
      -w) w=$value ;;
      -r) r=$value ;;
      --base_port) base_port=$value ;;
      --address) address=$value ;;
      --run_dir) run_dir=$value ;;
      --binary) binary=$value ;;
      --timeout) timeout=$value ;;
      --data_dir) data_dir=$value ;;
      *) misuse "unknown option $option" ;;
    esac
  done
}

# Sets a number to its decimal form, or ends the script where it is none or out of range.
check_number() {
  local -n number=$2
  if [[ ! $number =~ ^[0-9]{1,9}$ ]] || ((10#$number < $3 || 10#$number > $4)); then
    misuse "$1 is '$number' but must be a number from $3 to $4"
  fi
  number=$((10#$number))
}

check_options() {
  check_number -n nodes 1 $MAX_NODES
  check_number --base_port base_port 1 $((65535 - GRPC_PORT_OFFSET - nodes + 1))
  check_number --timeout timeout 1 3600
  [[ $address =~ ^[0-9]+(\.[0-9]+){3}$ ]] || misuse "--address is '$address' but must be an IPv4 address"
  if [[ -z $run_dir ]]; then
    # Not below XDG_RUNTIME_DIR: cron and ssh may not set it, and it goes with the last session of a user, nodes or not.
    run_dir=/tmp/quorate-cluster-$UID
    if [[ $address != 127.0.0.1 ]]; then run_dir+=-$address; fi
    run_dir+=-$base_port
  fi
}

http_port() { printf '%d' $((base_port + $1 - 1)); }
grpc_port() { printf '%d' $((base_port + $1 - 1 + GRPC_PORT_OFFSET)); }
log_file() { printf '%s/node-%d.log' "$run_dir" "$1"; }

# One line: process id, identity, HTTP address, gRPC address.
pid_file() { printf '%s/node-%d.pid' "$run_dir" "$1"; }

# Takes the folder for this script alone, for as long as it runs.
lock_run_dir() {
  mkdir -p -m 700 "$run_dir" || die "cannot create the folder $run_dir"
  [[ -O $run_dir ]] || die "the folder $run_dir belongs to somebody else: name another with --run_dir"
  exec 9>"$run_dir/lock"
  flock -n 9 || die "another cluster.sh is at work in $run_dir"
}

# What tells a process from a later one with the same id: this start of the machine, and when the process began.
# Nothing where there is no such process, or only its remains.
process_identity() {
  local stat
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
  # The name, in parentheses, may hold anything; state and start time are fields 3 and 22.
  local -a fields
  read -r -a fields <<<"${stat##*) }"
  if [[ ${fields[0]} == [ZX] ]]; then return 0; fi
  printf '%s-%s' "$(cat /proc/sys/kernel/random/boot_id)" "${fields[19]}"
}

# The process id of a node that start has started and that still runs; nothing otherwise.
running_pid() {
  local pid identity
  read -r pid identity _ 2>/dev/null <"$(pid_file "$1")" || return 0
  if [[ -n $identity && $(process_identity "$pid") == "$identity" ]]; then printf '%s' "$pid"; fi
}

# The numbers of the nodes that have a process id on file, in order.
known_nodes() {
  local file
  for file in "$run_dir"/node-*.pid; do
    file=${file##*/node-}
    if [[ ${file%.pid} =~ ^[0-9]+$ ]]; then printf '%s\n' "${file%.pid}"; fi
  done | sort -n
}

running_nodes() {
  local node
  for node in $(known_nodes); do
    if [[ -n $(running_pid "$node") ]]; then printf '%s\n' "$node"; fi
  done
}

# Who listens on a port where a node could not; nothing where nobody does.
port_holder() {
  local local_address process
  while read -r _ _ _ local_address _ process; do
    case ${local_address%:*} in
      "$address" | 0.0.0.0 | '*' | '[::]') ;;
      *) [[ $address == 0.0.0.0 ]] || continue ;;
    esac
    if [[ $process =~ \(\(\"(.*)\",pid=([0-9]+) ]]; then
      printf '%s (process %s)' "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}"
    else
      printf 'a process that is not visible to you'
    fi
    return
  done < <(ss -Hltnp "sport = :$1")
}

refuse_ports_in_use() {
  local node port holder found=false
  for ((node = 1; node <= nodes; ++node)); do
    for port in $(http_port "$node") $(grpc_port "$node"); do
      holder=$(port_holder "$port")
      if [[ -n $holder ]]; then
        printf '%s: %s:%d, wanted by node %d, is in use by %s\n' "${0##*/}" "$address" "$port" "$node" "$holder" >&2
        found=true
      fi
    done
  done
  if $found; then die "stop what uses these ports, or choose others with --base_port"; fi
}

# The HTTP addresses of all nodes but one, separated by commas.
other_urls() {
  local node urls=
  for ((node = 1; node <= nodes; ++node)); do
    if ((node != $1)); then urls+=,http://$address:$(http_port "$node"); fi
  done
  printf '%s' "${urls#,}"
}

# Says by environment variables what a node is.
node_environment() {
  printf '%s\0' "STRATEGY=$strategy" "NODE_ID=$1" "PORT=$(http_port "$1")"
  if [[ $strategy == leader_follower ]]; then
    if (($1 > 1)); then
      printf '%s\0' NODE_TYPE=follower
      return
    fi
    printf '%s\0' NODE_TYPE=leader "FOLLOWER_URLS=$(other_urls 1)"
  else
    printf '%s\0' "PEER_URLS=$(other_urls "$1")"
  fi
  printf '%s\0' "W=$w" "R=$r"
}

# In a subshell that ignores what interrupts the script, so that no node runs that has no process id on file. The script
# itself acts on a signal when the subshell has ended.
start_node() (
  trap '' INT TERM HUP
  local -a environment
  mapfile -d '' environment < <(node_environment "$1")
  local -a flags=("--listen_address=$address")
  if [[ -n $data_dir ]]; then flags+=("--data_dir=$data_dir/node-$1"); fi
  (
    # The node is to be interrupted as ever.
    trap - INT TERM HUP
    # Nothing that a user's shell happens to export may get through to a node.
    exec setsid env -u STRATEGY -u CLUSTER -u NODE_ID -u PORT -u GRPC_PORT -u NODE_TYPE -u FOLLOWER_URLS -u PEER_URLS \
      -u W -u R "${environment[@]}" "$binary" "${flags[@]}" "${node_flags[@]}"
  ) >"$(log_file "$1")" 2>&1 </dev/null 9>&- &
  local pid=$!
  printf '%s %s %s %s\n' "$pid" "$(process_identity "$pid")" "$address:$(http_port "$1")" "$address:$(grpc_port "$1")" \
    >"$(pid_file "$1")"
)

# What answers /health at an HTTP address: the body, then a line with the HTTP status (000 where nothing answers).
health() {
  curl --silent --max-time 2 --noproxy '*' --write-out '\n%{http_code}' "http://$1/health" 2>/dev/null || true
}

# One text field of a JSON object on standard input.
json_text() {
  sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" | head -n 1
}

# Ends the script because a node does not become healthy.
give_up() {
  printf '%s: node %d %s; the end of its log, %s:\n' "${0##*/}" "$1" "$2" "$(log_file "$1")" >&2
  tail -n 20 "$(log_file "$1")" >&2
  exit 1
}

await_healthy() {
  local deadline=$((SECONDS + timeout)) node=1 answer
  while ((node <= nodes)); do
    answer=$(health "$address:$(http_port "$node")")
    if [[ ${answer##*$'\n'} == 200 && $answer != *'"connected":false'* ]]; then
      node=$((node + 1))
    elif [[ -z $(running_pid "$node") ]]; then
      give_up "$node" 'has ended'
    elif ((SECONDS >= deadline)); then
      local state
      state=$(json_text status <<<"$answer")
      give_up "$node" "is not healthy after $timeout s (${state:-no answer})"
    else
      sleep 0.1
    fi
  done
}

# Prints the table; fails where a node is not healthy.
print_table() {
  local node pid http grpc answer state role all_healthy=true
  printf '%-5s %-8s %-9s %-22s %-22s %s\n' NODE PID ROLE HTTP GRPC HEALTH
  for node in $(known_nodes); do
    read -r _ _ http grpc <"$(pid_file "$node")"
    pid=$(running_pid "$node")
    role=- state=ended
    if [[ -n $pid ]]; then
      answer=$(health "$http")
      state=$(json_text status <<<"$answer")
      role=$(json_text role <<<"$answer")
    fi
    if [[ $state != healthy ]]; then all_healthy=false; fi
    printf '%-5s %-8s %-9s %-22s %-22s %s\n' "$node" "${pid:--}" "${role:--}" "$http" "$grpc" "${state:-no answer}"
  done
  $all_healthy
}

# Sends a signal to all running nodes, then waits until none runs. Fails after so many seconds.
signal_and_wait() {
  local deadline=$((SECONDS + $2)) node pid
  for node in $(running_nodes); do
    pid=$(running_pid "$node")
    if [[ -n $pid ]]; then kill -s "$1" "$pid" 2>/dev/null || true; fi
  done
  while [[ -n $(running_nodes) ]]; do
    if ((SECONDS >= deadline)); then return 1; fi
    sleep 0.1
  done
}

stop_nodes() {
  local late=
  if ! signal_and_wait TERM $TERMINATE_SECONDS; then
    late=$(running_nodes | xargs)
    signal_and_wait KILL $KILL_SECONDS || die "these nodes cannot be ended: $(running_nodes | xargs)"
  fi
  rm -f "$run_dir"/node-*.pid
  # Said last: where nobody is left to read it, as with a terminal that is closed, it ends the script.
  if [[ -n $late ]]; then
    printf '%s: killed nodes that had not ended in %d s: %s\n' "${0##*/}" $TERMINATE_SECONDS "$late" >&2
  fi
}

# A start that does not come to its end leaves no node behind.
abandon_start() {
  local status=$?
  finish_undisturbed
  stop_nodes
  exit "$status"
}

require_programs() {
  local program
  for program in "$@"; do
    command -v "$program" >/dev/null || die "$program is not installed: run tools/setup.sh"
  done
}

start() {
  check_options
  require_programs curl ss
  lock_run_dir
  local running
  running=$(running_nodes | xargs)
  if [[ -n $running ]]; then
    die "a cluster runs here already (nodes $running, folder $run_dir): stop it first, or choose another --base_port"
  fi
  refuse_ports_in_use
  if [[ -z $binary ]]; then
    # Without the lock, which Bazel's server would hold on to.
    run_bazel build //node:quorate_node 9>&-
    binary=$(run_bazel info bazel-bin 2>/dev/null 9>&-)/node/quorate_node
  fi
  [[ -x $binary && ! -d $binary ]] || die "there is no program $binary"

  if [[ -n $data_dir ]]; then mkdir -p "$data_dir" || die "cannot create the folder $data_dir"; fi
  rm -f "$run_dir"/node-*.{pid,log}
  trap abandon_start EXIT
  exit_on_signals
  local node
  for ((node = 1; node <= nodes; ++node)); do start_node "$node"; done
  await_healthy
  print_table || die "not all nodes have stayed healthy, as the table says: stops them again (logs: $run_dir)"
  printf 'Logs: %s\n' "$run_dir"
  trap - EXIT INT TERM HUP PIPE
}

# Says that no cluster runs here, and who has the port of node 1 where another one may be meant.
say_none_runs() {
  printf 'No cluster runs here (folder %s).\n' "$run_dir"
  local holder=
  if command -v ss >/dev/null; then holder=$(port_holder "$base_port"); fi
  if [[ -n $holder ]]; then
    printf '%s: but %s:%d is in use by %s: a cluster of another user, or with another --run_dir?\n' "${0##*/}" \
      "$address" "$base_port" "$holder" >&2
  fi
}

stop() {
  check_options
  if [[ ! -d $run_dir ]]; then
    say_none_runs
    return
  fi
  lock_run_dir
  local running
  running=$(running_nodes | xargs)
  stop_nodes
  if [[ -n $running ]]; then
    printf 'Stopped nodes %s. Logs: %s\n' "$running" "$run_dir"
  else
    say_none_runs
  fi
}

status() {
  check_options
  require_programs curl
  if [[ -z $(running_nodes) ]]; then
    say_none_runs
    exit 3
  fi
  print_table
}

main() {
  case ${1:-} in
    start | stop | status) ;;
    -h | --help) usage; exit 0 ;;
    '') misuse 'say start, stop or status' ;;
    *) misuse "unknown command $1" ;;
  esac
  local command=$1
  shift
  parse_options "$@"
  "$command"
}

main "$@"
