#!/usr/bin/env bash
# Called by `./dev bench --peers`: the peers' packages, the model files, then the comparison.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=$root/build/release
peers=$root/.deps/peers requirements=$root/bench/requirements-peers.txt
export PYTHONPATH=$peers

if [ "$(uname -m) $(python3 -c 'import sys; print(*sys.version_info[:2], sep=".")')" != "x86_64 3.11" ]; then
  echo "bench/requirements-peers.txt pins the peers for x86-64 and Python 3.11, Debian 12's" >&2
  exit 1
fi
if [ "$(cat "$peers/stamp" 2>/dev/null)" != "$(cksum <"$requirements")" ]; then
  echo "installing the peers into .deps/peers (300 MB, hash-checked)" >&2
  rm -rf "$peers"
  python3 -m pip install --quiet --no-input --no-deps --require-hashes --target "$peers" -r "$requirements" >&2
  cksum <"$requirements" >"$peers/stamp"
fi

models=$build/bench-models
mkdir -p "$models"
for graph in "$root"/bench/peers/onnx/*.onnx; do
  name=$(basename "$graph" .onnx)
  skeleton=$root/models/skeletons/$name.skeleton
  if [ -f "$skeleton" ] && ! [ "$models/$name.pte" -nt "$skeleton" ]; then
    "$build/tools/synthesize/synthesize" "$skeleton" "$models/$name.pte"
  fi
done
exec python3 "$root/bench/peers/compare.py" "$@"
