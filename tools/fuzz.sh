#!/usr/bin/env bash
# Builds the fuzz targets with libFuzzer and runs each for a while. Usage: tools/fuzz.sh [--seconds N] [target...]
#   tools/fuzz.sh                                  all targets, 10 s each
#   tools/fuzz.sh --seconds 600 peer_messages_fuzz one of them, longer
#
# Targets are the NAME_fuzz.cc in tests/fuzz/. A run begins with the files in tests/fuzz/corpus/NAME/ and writes what it
# learns into a folder that is removed at the end. When a target finds something, the input is kept, its path and the
# command that runs it again are printed, and the script exits with 1 once all targets have run. An input is at most
# 8 KiB; one that takes 10 s or 1 GiB of memory is a finding, too.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

readonly MOST_INPUT_BYTES=8192
readonly MOST_INPUT_SECONDS=10
readonly MOST_MEMORY_MB=1024

# Beyond the time that was asked for: to read the corpus, and to finish what is under way.
readonly GRACE_SECONDS=120

usage() {
  sed -n '2,9s/^# \{0,1\}//p' "$0"
}

# The names of all targets, one a line.
all_targets() {
  local source
  for source in "$QUORATE_ROOT"/tests/fuzz/*_fuzz.cc; do basename "$source" .cc; done
}

# Where Bazel puts what it builds with libFuzzer.
fuzz_bin() {
  printf '%s/tests/fuzz' "$(run_bazel info --config=fuzz bazel-bin 2>/dev/null)"
}

# Runs one target. Not 0 where it has found something, which is then in `findings`.
run_target() {
  local target=$1 seconds=$2 name=${1%_fuzz}
  local learned=$scratch/$target
  local -a options=(
    "-max_total_time=$seconds" "-max_len=$MOST_INPUT_BYTES" "-timeout=$MOST_INPUT_SECONDS"
    "-rss_limit_mb=$MOST_MEMORY_MB" "-artifact_prefix=$findings/$target-" -print_final_stats=1
  )
  if [[ -e $QUORATE_ROOT/tests/fuzz/$name.dict ]]; then options+=("-dict=$QUORATE_ROOT/tests/fuzz/$name.dict"); fi
  mkdir -p "$learned"
  timeout --kill-after=10 $((seconds + GRACE_SECONDS)) "$binaries/$target" "${options[@]}" \
    "$learned" "$QUORATE_ROOT/tests/fuzz/corpus/$name" >"$scratch/$target.log" 2>&1 &
  # A signal ends this wait at once. It does not reach the target, which `timeout` takes out of the terminal's hands.
  wait "$!"
}

# Ends the target at hand, and keeps what was found.
clean_up() {
  local status=$?
  finish_undisturbed
  jobs -pr | xargs --no-run-if-empty kill 2>/dev/null || true
  wait
  rm -rf "$scratch"
  rmdir --ignore-fail-on-non-empty "$findings"
  exit "$status"
}

report_finding() {
  local target=$1 name=${1%_fuzz} input found=false
  grep -vE '^(#[0-9]+|stat::|INFO:|Dictionary|Running|Done)' "$scratch/$target.log" | tail -n 60 || true
  for input in "$findings/$target"-*; do
    [[ -e $input ]] || continue
    found=true
    printf '\nfuzz: %s has found something with %s\n' "$target" "$input"
    printf 'run it again: %s %s\n' "$binaries/$target" "$input"
    printf 'keep it as a test: cp %s %s\n' "$input" "$QUORATE_ROOT/tests/fuzz/corpus/$name/"
  done
  if ! $found; then printf '\nfuzz: %s has failed without naming an input\n' "$target"; fi
}

parse_arguments() {
  seconds=10
  targets=()
  while (($# > 0)); do
    case $1 in
      --seconds)
        seconds=${2:-}
        shift
        ;;
      --seconds=*) seconds=${1#*=} ;;
      -h | --help)
        usage
        exit 0
        ;;
      -*) misuse "unknown option $1" ;;
      *) targets+=("$1") ;;
    esac
    shift || misuse "--seconds needs a number"
  done
  if ! [[ $seconds =~ ^[1-9][0-9]{0,5}$ ]]; then misuse "--seconds needs a number from 1 to 999999"; fi
  if ((${#targets[@]} == 0)); then mapfile -t targets < <(all_targets); fi
  local target
  for target in "${targets[@]}"; do
    [[ -e $QUORATE_ROOT/tests/fuzz/$target.cc ]] || misuse "there is no target $target; there are: $(all_targets | xargs)"
  done
}

main() {
  parse_arguments "$@"
  command -v clang-14 >/dev/null || die "the fuzz targets are built with Clang 14, which is not there; tools/setup.sh --dev installs it"
  run_bazel build --config=fuzz "${targets[@]/#///tests/fuzz:}"
  binaries=$(fuzz_bin)
  scratch=$(mktemp -d)
  findings=$(mktemp -d "${TMPDIR:-/tmp}/fuzz_findings.XXXXXX")
  trap clean_up EXIT
  exit_on_signals
  export ASAN_OPTIONS=halt_on_error=1:detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1
  export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1

  local target failed=0
  for target in "${targets[@]}"; do
    if run_target "$target" "$seconds"; then
      printf 'fuzz: %-20s nothing found in %d s, %s inputs, %s features\n' "$target" "$seconds" \
        "$(sed -n 's/^stat::number_of_executed_units: *//p' "$scratch/$target.log")" \
        "$(sed -n 's/.* ft: \([0-9]*\) .*/\1/p' "$scratch/$target.log" | tail -n 1)"
    else
      failed=$((failed + 1))
      report_finding "$target"
    fi
  done
  if ((failed > 0)); then die "$failed of ${#targets[@]} targets found something; see above"; fi
}

main "$@"
