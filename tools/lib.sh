# Functions that the scripts in tools/ share. Source it: . "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
set -euo pipefail

QUORATE_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly QUORATE_ROOT

# Ends the script with a message for the user.
die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# Ends the script because of how it was called.
misuse() {
  printf '%s: %s (--help tells the usage)\n' "${0##*/}" "$*" >&2
  exit 2
}

# Runs Bazel on this work tree, from any current folder. Its server goes away by itself soon after, so that scripts
# leave nothing running; one that was there before keeps its own habits.
run_bazel() {
  (cd "$QUORATE_ROOT" && tools/bazel --max_idle_secs=60 "$@")
}
