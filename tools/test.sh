#!/usr/bin/env bash
# Builds everything and runs the tests. Usage: tools/test.sh [bazel test options] [target patterns]
#   tools/test.sh                              all tests
#   tools/test.sh --config=asan //support/...  some of them, under the address sanitizer
#
# Ends with a line `N passed, N failed` (and `, N skipped` when there are any), and with status 0 only when nothing
# failed. tools/test_summary.py says what is counted and how a test that cannot run here skips itself.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# Whether one of the arguments is a target pattern, as opposed to an option.
names_targets() {
  local argument
  for argument in "$@"; do
    case $argument in
      //* | :* | @*) return 0 ;;
    esac
  done
  return 1
}

main() {
  local -a targets=()
  if ! names_targets "$@"; then targets=(//...); fi

  "$QUORATE_ROOT/tools/setup.sh"

  # Not local to the function: the trap runs after it has returned.
  events=$(mktemp)
  trap 'rm -f "$events"' EXIT
  local status=0
  run_bazel test --keep_going --build_event_json_file="$events" "$@" "${targets[@]}" || status=$?
  python3 "$QUORATE_ROOT/tools/test_summary.py" "$events" "$status"
}

main "$@"
