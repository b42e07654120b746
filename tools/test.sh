#!/usr/bin/env bash
# Builds everything and runs the tests. Usage: tools/test.sh [bazel test options] [target patterns]
#   tools/test.sh                              all tests
#   tools/test.sh --config=asan //support/...  some of them, under the address sanitizer
#   tools/test.sh -//tests/...                 all but some
#   tools/test.sh tools/... bench:all          as seen from the top of the work tree, wherever it is called
# What looks otherwise is an option or its value; behind -- stand patterns only.
#
# Ends with a line `N passed, N failed` (and `, N skipped` when there are any), and with status 0 only when nothing
# failed. tools/test_summary.py says what is counted and how a test that cannot run here skips itself.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# Whether an argument is a target pattern, as opposed to an option or the value of one.
is_pattern() {
  local target=${1#-}
  case $target in
    -*) return 1 ;;
    //* | :* | @* | ... | */...) return 0 ;;
    # Values have colons too, but seldom behind the name of a folder.
    *:*) [[ -d $QUORATE_ROOT/${target%%:*} ]] ;;
    *) return 1 ;;
  esac
}

# Sets options and targets to what the arguments are.
sort_arguments() {
  local chosen=false
  while (($# > 0)) && [[ $1 != -- ]]; do
    if is_pattern "$1"; then targets+=("$1"); else options+=("$1"); fi
    shift
  done
  targets+=("${@:2}")
  local target
  for target in "${targets[@]}"; do
    if [[ $target != -* ]]; then chosen=true; fi
  done
  # First, since Bazel takes patterns in order: what is left out must have been there.
  if ! $chosen; then targets=(//... "${targets[@]}"); fi
}

main() {
  case ${1:-} in
    -h | --help) sed -n '2,/^set -euo/{/^set/d;s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; exit 0 ;;
  esac
  local -a options=() targets=()
  sort_arguments "$@"

  "$QUORATE_ROOT/tools/setup.sh"

  # Not local to the function: the trap runs after it has returned.
  events=$(mktemp)
  trap 'rm -f "$events"' EXIT
  local status=0
  run_bazel test --keep_going --build_event_json_file="$events" "${options[@]}" -- "${targets[@]}" || status=$?
  python3 "$QUORATE_ROOT/tools/test_summary.py" "$events" "$status"
}

main "$@"
