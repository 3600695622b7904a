#!/usr/bin/env bash
# Called by `./dev bench`. Networks first, then resizing back to a large photo's size beside the straightforward way, then kernels.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
if [ "${1:-}" = --peers ]; then
  exec "$root/bench/peers/run.sh" "${@:2}"
fi
build=$root/build/release
runs=${1:-10}
case $runs in
  '' | *[!0-9]* | 0) echo "usage: ./dev bench [RUNS]: how often each thing is measured [10]; ./dev bench --peers [ARGS…]" >&2; exit 2 ;;
esac
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
echo "Whole forwards, 1, 2, 4, 8 called at once on 2 threads beside 2 models of one thread each, interleaved, $runs rounds: time of each"
echo "on average, and throughput as a multiple of the first line's"
for model in DEEPLAB_V3_MOBILENET_V2_EMBEDDED "$models/lraspp_mobilenet_v3_large_224.pte"; do
  echo "$(basename "$model" .pte)"
  "$build/bench/silhouette_concurrency" "$model" "$runs"
done

echo
echo "Logits of 21 classes to the class map and two probability maps at 12 megapixels, this library beside the straightforward"
echo "way (resize every class's plane, softmax, argmax), interleaved, $runs repetitions"
"$build/src/postprocess/silhouette_postprocess_benchmark" --benchmark_repetitions="$runs" --benchmark_enable_random_interleaving=true \
  --benchmark_filter='side:513/width:4000/height:3000/classes:2/noise:0/threads:2' --benchmark_format=json 2>/dev/null |
  python3 "$root/bench/ratio.py"

echo
echo "Kernels alone, on one thread, data in the caches: floating-point operations and share of the processor's measured peak"
"$build/src/kernels/silhouette_kernels_benchmark" --benchmark_min_time=0.1 2>/dev/null
