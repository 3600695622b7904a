#!/usr/bin/env bash
# A virtual environment's own ninja, cmake and python3, first on PATH, are neither called nor a reason to build anew.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for tool in cmake ctest ninja pip python python3; do
  printf '#!/bin/sh\necho "%s of the virtual environment was called" >&2\nexit 1\n' "$tool" >"$scratch/$tool"
  chmod +x "$scratch/$tool"
done
output=$(PATH=$scratch:$PATH VIRTUAL_ENV=$scratch "$root/dev" run --version 2>&1)
printf '%s\n' "$output"
case $output in
  *"[dev]"* | *"virtual environment"*) echo "something was set up, configured or built"; exit 1 ;;
  silhouette*) ;;
  *) exit 1 ;;
esac
