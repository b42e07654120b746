#!/usr/bin/env bash
# Loads a leaderless cluster with W=5 and R=1: tools/run_all_tests.sh with this configuration only.
#
# Usage: tools/run_leaderless.sh [options of run_all_tests.sh]
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

case ${1:-} in
  -h | --help) sed -n '2,/^set -euo/{/^set/d;s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; exit 0 ;;
esac
exec "$QUORATE_ROOT/tools/run_all_tests.sh" --config leaderless_w5r1 "$@"
