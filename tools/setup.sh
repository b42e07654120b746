#!/usr/bin/env bash
# Installs the Debian packages that Quorate is built and tested with. Usage: tools/setup.sh [--check] [--dev]
#   --check  only tell what is missing, and exit with 1 when something is
#   --dev    also what the checks in .ci/run use: Clang, its formatter, and grpcurl, which Debian lacks: it is built from
#            source where Go is installed, into /usr/local/bin
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
  libgoogle-perftools-dev
  libboost-dev
  librocksdb-dev
  libxxhash-dev
  nlohmann-json3-dev
  libgtest-dev libgmock-dev libbenchmark-dev
  zlib1g-dev
  git
)

# What the tests that are written in Python import; and HdrHistogram, which reads what we write (Bazel brings Java).
readonly TEST_PACKAGES=(
  python3-grpcio python3-jsonschema python3-protobuf python3-yaml
  libhdrhistogram-java
)

# What the scripts call.
readonly SCRIPT_PACKAGES=(
  ca-certificates curl iproute2 procps python3 python3-matplotlib python3-numpy
)

# What only the checks of .ci/run use.
readonly DEVELOPER_PACKAGES=(
  clang-14 clang-format-14 libclang-rt-14-dev llvm
)

# Without it a test is listed as skipped.
readonly GRPCURL=github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.8.9
readonly GRPCURL_SECONDS=900

usage() {
  sed -n '2,5s/^# \{0,1\}//p' "$0"
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

require_root() {
  if [[ $EUID -ne 0 ]] && ! command -v sudo >/dev/null; then
    printf 'setup: installing needs root: run this as root, or install sudo.\n' >&2
    exit 1
  fi
}

as_root() {
  if [[ $EUID -eq 0 ]]; then "$@"; else sudo "$@"; fi
}

install_packages() {
  require_root
  printf 'setup: installing %d package(s), which takes some minutes on a new machine: %s\n' "$#" "$*"
  if ! { as_root apt-get update &&
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"; } \
    >"$scratch/apt.log" 2>&1 </dev/null; then
    tail -n 20 "$scratch/apt.log" >&2
    printf 'setup: apt-get failed; its last lines are above.\n' >&2
    exit 1
  fi
}

# One test uses it, and is skipped by name without it: so a machine that cannot build it is no failure.
install_grpcurl() {
  if command -v grpcurl >/dev/null; then return; fi
  if ! command -v go >/dev/null; then
    printf 'setup: there is no Go to build grpcurl with; its test will be skipped.\n'
    return
  fi
  require_root
  printf 'setup: building %s, which takes some minutes\n' "$GRPCURL"
  # In the foreground, so that Ctrl-C reaches Go, and no build is left to fill the folder again when it is removed.
  if env GOPATH="$scratch/go" GOCACHE="$scratch/go-cache" GOBIN="$scratch/bin" GOFLAGS=-modcacherw \
    timeout --foreground "$GRPCURL_SECONDS" go install "$GRPCURL" >"$scratch/go.log" 2>&1 </dev/null; then
    as_root install -m 755 "$scratch/bin/grpcurl" /usr/local/bin/grpcurl
  else
    tail -n 5 "$scratch/go.log" >&2
    printf 'setup: grpcurl cannot be built, see above; its test will be skipped.\n'
  fi
}

main() {
  local check_only=false developer=false
  local -a wanted=("${BUILD_PACKAGES[@]}" "${TEST_PACKAGES[@]}" "${SCRIPT_PACKAGES[@]}")
  local argument
  for argument in "$@"; do
    case $argument in
      --check) check_only=true ;;
      --dev) developer=true wanted+=("${DEVELOPER_PACKAGES[@]}") ;;
      -h | --help) usage; exit 0 ;;
      *) printf 'setup: unknown argument %s\n' "$argument" >&2; usage >&2; exit 2 ;;
    esac
  done

  require_debian "${wanted[@]}"
  # Not local: the trap runs after the function has returned.
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  if $developer && $check_only && ! command -v grpcurl >/dev/null; then
    printf 'setup: there is no grpcurl; its test is skipped without it.\n'
  fi
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
  if $developer && ! $check_only; then install_grpcurl; fi
}

main "$@"
