"""Silhouette beside the runtimes that people use, on the same weights and inputs, in turns within one run.

Called by `./dev bench --peers`, which makes the environment and the model files.
"""

import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys

import numpy as np
from PIL import Image

import onnx_file
from sides import Side, SideFailed, measure, prepare_child

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "release"
CONTENDER = BUILD / "bench" / "silhouette_contender"
WORK = BUILD / "bench-models"
GOLDEN = ROOT / "tests" / "golden"
EMBEDDED = "deeplab_v3_mobilenet_v2"
NETWORKS = ["deeplabv3_resnet50_224", "lraspp_mobilenet_v3_large_224", "deeplabv3_mobilenet_v3_large_224", EMBEDDED]
PEERS = ["onnxruntime", "openvino", "executorch"]
PYTHON_PEERS = ["onnxruntime", "openvino"]
LOADS = 3
CLASSES = 21

# Below these a result isn't the network's, and its time tells nothing.
LEAST_AGREEMENT = 0.9999
LARGEST_ERROR = 1e-3


class Disagrees(Exception):
    pass


def hash_uniform(seed: int, count: int) -> np.ndarray:
    """src/base/hash_random.hpp for a whole range."""
    z = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(seed)
    z = (z ^ z >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ z >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return ((z >> np.uint64(40)).astype(np.int32) - np.int32(1 << 23)).astype(np.float32) * np.float32(2.0**-23)


def golden_cases(name: str) -> list:
    """(input, a function that takes logits and gives agreement and relative error) of PyTorch's committed results."""
    if name == EMBEDDED:
        folder = GOLDEN / "pipeline" / "bird"
        photo = np.asarray(Image.open(ROOT / "models" / "samples" / "bird.png").convert("RGB"))  # 513 x 513: no resizing
        argmax = np.asarray(Image.open(folder / "model_argmax.png"))
        bird = np.asarray(Image.open(folder / "model_BIRD.png")) / 65535

        def compare(logits):
            powers = np.exp(logits.astype(np.float64) - logits.max(0))
            return (logits.argmax(0) == argmax).mean(), np.abs(powers[3] / powers.sum(0) - bird).max()

        return [((photo.transpose(2, 0, 1) / np.float32(127.5) - 1).astype(np.float32), compare)]

    folder = GOLDEN / name
    meta = json.loads((folder / "meta.json").read_text())
    every = slice(meta["offset"], None, meta["stride"])

    def case(k):
        argmax = np.asarray(Image.open(folder / f"argmax_{k}.png"))
        some = np.load(folder / f"logits_{k}.npy")

        def compare(logits):
            error = np.abs(logits[:, every, every] - some).max() / (some.max() - some.min())
            return (logits.argmax(0) == argmax).mean(), error

        return hash_uniform(1000 + k, 3 * 224 * 224).reshape(3, 224, 224), compare

    return [case(0), case(1)]


def check(side: Side, name: str) -> dict:
    """Compares its results with PyTorch's; leaves the first input set."""
    worst = {"argmax_agreement": 1.0, "relative_error": 0.0}
    cases = golden_cases(name)
    for k, (image, compare) in reversed(list(enumerate(cases))):
        path, out = WORK / f"{name}.{k}.input", WORK / f"{name}.output"
        image.tofile(path)
        side.ask(f"input {path}")
        side.ask("run 1")
        side.ask(f"output {out}")
        agreement, error = compare(np.fromfile(out, np.float32).reshape(CLASSES, *image.shape[1:]))
        worst["argmax_agreement"] = min(worst["argmax_agreement"], float(agreement))
        worst["relative_error"] = max(worst["relative_error"], float(error))
    if worst["argmax_agreement"] < LEAST_AGREEMENT or not worst["relative_error"] <= LARGEST_ERROR:
        raise Disagrees(f"{side.label} disagrees with PyTorch on {name}: {worst}")
    return worst


def begin(side: Side, input_path: pathlib.Path) -> dict:
    """Loads it some times, then three calls."""
    loads = [side.start() for _ in range(LOADS)]
    side.ask(f"input {input_path}")
    first = side.ask("run 1")["ms"][0]
    side.ask("run 2")
    return {
        "name": loads[-1]["name"],
        "load_ms": [reply["load_ms"] for reply in loads],
        "first_ms": first,
        "idle_mb": loads[-1]["idle_mb"],
        **side.ask("memory"),
    }


def ours(kind: str, model: pathlib.Path, options) -> list[Side]:
    sides = []
    for text in options.ours:
        words = text.split()
        environment = dict(word.split("=", 1) for word in words[1:])
        command = [CONTENDER, kind, words[0], model, options.threads]
        sides.append(Side(f"silhouette {text}", command, environment))
    return sides


def peer_command(kind: str, *arguments) -> list:
    return [sys.executable, ROOT / "bench" / "peers" / "contender.py", kind, *arguments]


def onnx_model(name: str, pte: pathlib.Path) -> pathlib.Path:
    path = WORK / f"{name}.onnx"
    sources = [pte, onnx_file.FOLDER / f"{name}.onnx", onnx_file.FOLDER / f"{name}.json", pathlib.Path(onnx_file.__file__)]
    if not path.exists() or path.stat().st_mtime <= max(source.stat().st_mtime for source in sources):
        onnx_file.write(name, pte, path)
    return path


def pte_model(name: str) -> pathlib.Path:
    return ROOT / "models" / f"{name}.pte" if name == EMBEDDED else WORK / f"{name}.pte"


def add_times(results: dict, times: dict, is_peer) -> None:
    for label, values in times.items():
        results[label] |= {"times_ms": values, "min_ms": min(values), "median_ms": statistics.median(values)}
    peers = [result for label, result in results.items() if is_peer(label)]
    for result in results.values():
        for key in ("min", "median") if peers else ():
            result[f"{key}_to_fastest_peer"] = result[f"{key}_ms"] / min(peer[f"{key}_ms"] for peer in peers)


def shown_name(label: str, name: str) -> str:
    """The label, and what turned out to run if that says more."""
    return name if name.startswith(label) or " + " in label else f"{label} ({name})"


def print_table(title: str, results: dict, quiet: dict, last: tuple) -> None:
    head, cell = last
    names = {label: shown_name(label, result["name"]) for label, result in results.items()}
    width = max(map(len, names.values()))
    print(f"\n{title}")
    print(
        f"  {'':{width}} {'min ms':>8} {'median':>8} {'x peer':>7} {'median':>7} "
        f"{'load':>6} {'first':>7} {'MB':>6} {'of it':>6}  {head}"
    )
    for label, r in results.items():
        ratios = [f"{r[k]:7.2f}" if k in r else f"{'':7}" for k in ("min_to_fastest_peer", "median_to_fastest_peer")]
        print(
            f"  {names[label]:{width}} {r['min_ms']:8.2f} {r['median_ms']:8.2f} {' '.join(ratios)} {min(r['load_ms']):6.0f} "
            f"{r['first_ms']:7.1f} {r['rss_mb']:6.0f} {r['rss_mb'] - r['idle_mb']:6.0f}  {cell(r)}"
        )
    print(
        f"  others took {quiet['others_share']:.1%} of the machine meanwhile, the hypervisor {quiet['stolen_share']:.1%}; "
        f"in the worst turn {quiet['worst_turn_share']:.0%}",
        flush=True,
    )


def compare_network(name: str, options) -> dict:
    pte = pte_model(name)
    onnx = onnx_model(name, pte)
    sides = ours("network", pte, options)
    for peer in options.peers:
        if peer == "executorch":
            sides.append(Side(peer, [CONTENDER, "network", "executorch-alone", pte, options.threads]))
        else:
            sides.append(Side(peer, peer_command("network", peer, onnx, options.threads)))
    image = golden_cases(name)[0][0]
    first_input = WORK / f"{name}.0.input"
    image.tofile(first_input)
    try:
        results = {}
        for side in sides:
            results[side.label] = begin(side, first_input)
            results[side.label] |= check(side, name)
        times, quiet = measure(sides, options.rounds, options.turn)
    finally:
        for side in sides:
            side.end()
    add_times(results, times, lambda label: label in options.peers)
    shape = " x ".join(map(str, image.shape))
    print_table(
        f"{name}: network only, 1 x {shape}, fp32, {options.threads} threads, {options.rounds} rounds",
        results,
        quiet,
        ("argmax, error against PyTorch", lambda r: f"{r['argmax_agreement']:.4%} {r['relative_error']:.1e}"),
    )
    return {"name": name, "sides": results, "quiet": quiet}


def make_photos() -> list[pathlib.Path]:
    """A small JPEG and one of 12 megapixels with a sensor's grain, both of the sample photos."""
    samples = ROOT / "models" / "samples"
    small, large = WORK / "512x512.jpg", WORK / "4000x3000.jpg"
    Image.open(samples / "astronaut.png").convert("RGB").save(small, quality=90)
    if not large.exists():
        photo = Image.open(samples / "coffee.png").convert("RGB").resize((4000, 3000), Image.Resampling.LANCZOS)
        grain = np.random.default_rng(1).normal(0, 3, (3000, 4000, 1))
        pixels = np.clip(np.asarray(photo) + grain, 0, 255).round().astype(np.uint8)
        Image.fromarray(pixels).save(large, quality=90)
    return [small, large]


def compare_photos(runtime: str, options) -> list[dict]:
    pte = pte_model(EMBEDDED)
    onnx = onnx_model(EMBEDDED, pte)
    found = []
    for photo in make_photos():
        sides = ours("photo", pte, options)
        for library, resized in (("opencv", "logits"), ("pil", "logits"), ("opencv", "classes")):
            command = peer_command("photo", library, runtime, onnx, options.threads, resized)
            sides.append(Side(f"{library} + {runtime} {resized}", command))
        try:
            results, reference = {}, None
            for side in sides:
                results[side.label] = begin(side, photo)
                out = WORK / "photo.output"
                side.ask(f"output {out}")
                classes = np.fromfile(out, np.int32)
                reference = classes if reference is None else reference
                results[side.label]["agreement_with_first"] = float((classes == reference).mean())
            times, quiet = measure(sides, options.rounds, options.turn)
            for side in sides:
                results[side.label] |= side.ask("memory")
        finally:
            for side in sides:
                side.end()
        # Classes repeated by nearest neighbour are another, coarser result: shown, but not what is compared with.
        add_times(results, times, lambda label: label.endswith("logits"))
        print_table(
            f"{photo.name}: file to classes at the photo's size, {options.threads} threads, {options.rounds} rounds",
            results,
            quiet,
            ("peak MB, agrees with the first", lambda r: f"{r['peak_mb']:.0f} {r['agreement_with_first']:.3%}"),
        )
        found.append({"name": photo.name, "runtime": runtime, "sides": results, "quiet": quiet})
    return found


def machine() -> dict:
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in reversed(lines) if ":" in line)
    fields = {key.strip(): value.strip() for key, value in fields.items()}
    flags = set(fields.get("flags", "").split())
    command = [BUILD / "bench" / "silhouette_fma_peak", "--json"]
    peak = subprocess.run(command, check=True, stdout=subprocess.PIPE, preexec_fn=prepare_child).stdout
    return {
        "processor": f"{fields.get('model name', platform.processor())}, family {fields.get('cpu family')}, model {fields.get('model')}",
        "processors": len(os.sched_getaffinity(0)),
        "extensions": sorted(flags & {"avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile"}),
        "load_average": os.getloadavg(),
        "fma_peak_gflops": json.loads(peak),
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev bench --peers", description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", metavar="MODEL", help=f"of {', '.join(NETWORKS)} [all]")
    parser.add_argument("--rounds", type=int, default=10, help="turns of each side [10]")
    parser.add_argument("--threads", type=int, default=2, help="of each side [2]")
    parser.add_argument("--turn", type=float, default=200, metavar="MS", help="how long a turn is at least, roughly [200]")
    parser.add_argument(
        "--ours",
        action="append",
        metavar="'ENGINE [NAME=VALUE…]'",
        help="an engine (auto, native, native-low or executorch) and environment variables; may be repeated [auto]",
    )
    parser.add_argument("--peers", type=lambda text: text.split(","), default=PEERS, help=f"[{','.join(PEERS)}]")
    parser.add_argument("--no-photos", action="store_true", help="only networks, not the whole way from a JPEG")
    parser.add_argument("--json", type=pathlib.Path, default=BUILD / "peers.json", help="[%(default)s]")
    options = parser.parse_args()
    options.models, options.ours = options.models or NETWORKS, options.ours or ["auto"]
    for value, known, what in ((options.models, NETWORKS, "model"), (options.peers, PEERS, "peer")):
        if unknown := set(value) - set(known):
            parser.error(f"unknown {what} {', '.join(sorted(unknown))}; known are {', '.join(known)}")
    if options.rounds < 1 or options.threads < 1:
        parser.error("--rounds and --threads are at least 1")

    found = {"machine": machine(), "threads": options.threads, "rounds": options.rounds, "networks": [], "photos": []}
    print(json.dumps(found["machine"]), flush=True)
    try:
        for name in options.models:
            found["networks"].append(compare_network(name, options))
        if EMBEDDED in options.models and not options.no_photos:
            sides = found["networks"][options.models.index(EMBEDDED)]["sides"]
            with_python = [peer for peer in options.peers if peer in PYTHON_PEERS]
            if with_python:
                fastest = min(with_python, key=lambda peer: sides[peer]["min_ms"])
                found["photos"] = compare_photos(fastest, options)
    except (Disagrees, SideFailed) as error:
        print(error, file=sys.stderr)
        return 1
    options.json.write_text(json.dumps(found, indent=1) + "\n")
    print(f"\nall figures: {options.json}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
