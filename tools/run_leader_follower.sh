#!/usr/bin/env bash
# Loads leader-follower clusters: tools/run_all_tests.sh with these configurations only.
#
# Usage: tools/run_leader_follower.sh [w5r1|w1r5|w3r3|all] [options of run_all_tests.sh]
#
# Without any argument, on a terminal, it asks which one; elsewhere it takes all.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

ask() {
  printf 'Leader-follower, five nodes:\n' >&2
  local PS3='Which one? '
  select choice in 'W=5 R=1' 'W=1 R=5' 'W=3 R=3' 'all of them'; do
    case $choice in
      'W=5 R=1') choice=w5r1 ;;
      'W=1 R=5') choice=w1r5 ;;
      'W=3 R=3') choice=w3r3 ;;
      'all of them') choice=all ;;
      *) continue ;;
    esac
    return
  done
  die 'nothing was chosen'
}

choice=all
if (($# == 0)) && [[ -t 0 && -t 1 ]]; then
  ask
else
  case ${1:-} in
    w[0-9]r[0-9] | all) choice=$1; shift ;;
    -h | --help) sed -n '2,/^set -euo/{/^set/d;s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; exit 0 ;;
  esac
fi
configs=leader_$choice
if [[ $choice == all ]]; then configs=leader_w5r1,leader_w1r5,leader_w3r3; fi
exec "$QUORATE_ROOT/tools/run_all_tests.sh" --config "$configs" "$@"
