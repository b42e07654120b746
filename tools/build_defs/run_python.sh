#!/usr/bin/env bash
# Runs a Python program as a Bazel test, without leaving compiled files beside its source.
set -euo pipefail
exec python3 -B "$@"
