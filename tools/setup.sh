#!/usr/bin/env bash
# Installs the Debian packages that Quorate is built and tested with. Usage: tools/setup.sh [--check] [--dev]
#   --check  only tell what is missing, and exit with 1 when something is
#   --dev    also the packages for the checks in .ci/run: Clang and its formatter
set -euo pipefail

# What a bare Debian needs to build and test.
readonly BUILD_PACKAGES=(
  g++
  bazel-bootstrap bazel-platforms bazel-rules-java bazel-rules-proto bazel-skylib
  pkg-config
  libabsl-dev
  libgrpc++-dev protobuf-compiler-grpc
  libprotobuf-dev protobuf-compiler
  libgoogle-glog-dev libgflags-dev
  libboost-dev
  librocksdb-dev
  nlohmann-json3-dev
  libgtest-dev libgmock-dev libbenchmark-dev
  git
)

# What the tests that are written in Python import.
readonly TEST_PACKAGES=(
  python3-jsonschema python3-yaml
)

# What the scripts call.
readonly SCRIPT_PACKAGES=(
  ca-certificates curl iproute2 procps python3
)

# What only the checks of .ci/run use.
readonly DEVELOPER_PACKAGES=(
  clang-14 clang-format-14 libclang-rt-14-dev llvm
)

usage() {
  sed -n '2,4s/^# \{0,1\}//p' "$0"
}

# Prints those of the given packages that are not installed, one a line.
missing_packages() {
  local -A installed=()
  local name status
  while read -r name status; do
    if [[ $status == installed ]]; then installed[$name]=1; fi
  done < <(dpkg-query --show --showformat='${Package} ${db:Status-Status}\n' "$@" 2>/dev/null || true)
  for name in "$@"; do
    if [[ -z ${installed[$name]:-} ]]; then printf '%s\n' "$name"; fi
  done
}

require_debian() {
  if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    printf 'setup: this script knows Debian and its relatives only (no apt-get here).\n' >&2
    printf 'Install the equivalents of these Debian 12 packages by hand:\n  %s\n' "$*" >&2
    exit 1
  fi
}

install_packages() {
  local -a as_root=(env DEBIAN_FRONTEND=noninteractive)
  if [[ $EUID -ne 0 ]]; then
    if ! command -v sudo >/dev/null; then
      printf 'setup: installing needs root: run this as root, or install sudo.\n' >&2
      exit 1
    fi
    as_root=(sudo "${as_root[@]}")
  fi
  printf 'setup: installing %d package(s), which takes some minutes on a new machine: %s\n' "$#" "$*"
  # Not local to the function: the trap runs after it has returned.
  apt_log=$(mktemp)
  trap 'rm -f "$apt_log"' EXIT
  if ! { "${as_root[@]}" apt-get update && "${as_root[@]}" apt-get install -y --no-install-recommends "$@"; } \
    >"$apt_log" 2>&1 </dev/null; then
    tail -n 20 "$apt_log" >&2
    printf 'setup: apt-get failed; its last lines are above.\n' >&2
    exit 1
  fi
}

main() {
  local check_only=false
  local -a wanted=("${BUILD_PACKAGES[@]}" "${TEST_PACKAGES[@]}" "${SCRIPT_PACKAGES[@]}")
  local argument
  for argument in "$@"; do
    case $argument in
      --check) check_only=true ;;
      --dev) wanted+=("${DEVELOPER_PACKAGES[@]}") ;;
      -h | --help) usage; exit 0 ;;
      *) printf 'setup: unknown argument %s\n' "$argument" >&2; usage >&2; exit 2 ;;
    esac
  done

  require_debian "${wanted[@]}"
  local -a missing
  mapfile -t missing < <(missing_packages "${wanted[@]}")
  if [[ ${#missing[@]} -eq 0 ]]; then
    printf 'setup: everything is installed.\n'
  elif $check_only; then
    printf 'setup: missing: %s\n' "${missing[*]}"
    printf 'Run tools/setup.sh to install.\n'
    exit 1
  else
    install_packages "${missing[@]}"
    printf 'setup: done.\n'
  fi
}

main "$@"
