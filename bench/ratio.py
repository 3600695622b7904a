"""Reads Google Benchmark's JSON on standard input: minimum and median of each benchmark, and how they compare."""

import json
import statistics
import sys

times: dict[str, list[float]] = {}
for run in json.load(sys.stdin)["benchmarks"]:
    if run["run_type"] == "iteration":
        times.setdefault(run["name"].split("/")[0], []).append(run["real_time"])
for name, values in times.items():
    print(f"  {name:<28} min {min(values):8.1f} ms   median {statistics.median(values):8.1f} ms")
ours, other = times["class_maps"], times["straightforward_class_maps"]
print(f"  {min(other) / min(ours):.1f} times faster by minimum, {statistics.median(other) / statistics.median(ours):.1f} by median")
