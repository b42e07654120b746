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

# Lets signals end the script by way of its EXIT trap, with the status that a shell gives to what they end.
exit_on_signals() {
  trap 'exit 130' INT
  trap 'exit 143' TERM
  trap 'exit 129' HUP
  # Who reads the output has gone, as with a terminal that is closed.
  trap 'exit 141' PIPE
}

# For the beginning of an EXIT trap, which no signal is to cut short, nor output that nobody reads.
finish_undisturbed() {
  trap '' INT TERM HUP PIPE
  trap - EXIT
}

# Runs Bazel on this work tree, from any current folder. Its server goes away by itself soon after, so that scripts
# leave nothing running; one that was there before keeps its own habits.
run_bazel() {
  (cd "$QUORATE_ROOT" && tools/bazel --max_idle_secs=60 "$@")
}
