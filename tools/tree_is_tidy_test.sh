#!/usr/bin/env bash
# Holds the tree that this test was built from against the house rules.
set -euo pipefail

# Bazel's copy of a source file is a link to it, which leads to the work tree.
workspace_file=$(readlink -f WORKSPACE)
exec python3 -B tools/tidy.py "$(dirname "$workspace_file")"
