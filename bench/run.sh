#!/usr/bin/env bash
# Called by `./dev bench`. Networks first, then resizing back to a large photo's size beside the straightforward way.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$root/build/release
runs=${1:-10}
models=$build/bench-models
mkdir -p "$models"

echo "Network only, $(nproc) threads, $runs runs after two to warm up; the synthesised networks have generated weights"
"$build/cli/silhouette" bench DEEPLAB_V3_MOBILENET_V2_EMBEDDED --runs "$runs"
for skeleton in "$root"/models/skeletons/*.skeleton; do
  model=$models/$(basename "$skeleton" .skeleton).pte
  [ "$model" -nt "$skeleton" ] || "$build/tools/synthesize/synthesize" "$skeleton" "$model"
  "$build/cli/silhouette" bench "$model" --runs "$runs"
done

echo
echo "Logits of 21 classes to the class map and two probability maps, this library beside the straightforward way"
echo "(resize every class's plane, softmax, argmax); times are per photo"
"$build/src/postprocess/silhouette_postprocess_benchmark" --benchmark_repetitions="$runs" --benchmark_report_aggregates_only=true
