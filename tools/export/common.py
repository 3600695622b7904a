"""What the export scripts share: metadata, lowering, running, inspecting, and the reproducible random numbers."""

import collections
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile

import numpy as np
import torch

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODELS = ROOT / "models"
SAMPLES = MODELS / "samples"
SKELETONS = MODELS / "skeletons"
GOLDEN = ROOT / "tests" / "golden"

# More threads than this only disturb whoever shares the machine.
torch.set_num_threads(int(os.environ.get("SILHOUETTE_EXPORT_THREADS", "2")))

# The 21 classes of PASCAL VOC in the order of the networks' channels: names of DeeplabLabel.
LABELS = (
    "BACKGROUND AEROPLANE BICYCLE BIRD BOAT BOTTLE BUS CAR CAT CHAIR COW DININGTABLE DOG HORSE MOTORBIKE "
    "PERSON POTTEDPLANT SHEEP SOFA TRAIN TVMONITOR"
).split()

IMAGENET_MEAN = [0.485, 0.456, 0.406]
IMAGENET_STD = [0.229, 0.224, 0.225]


# --- Random numbers that C++ reproduces bit for bit --------------------------------------------------------------

_GOLDEN_RATIO = 0x9E3779B97F4A7C15


def hash_uniform(seed: int, count: int) -> np.ndarray:
    """The first `count` outputs of SplitMix64 started at `seed`, as float32 in [-1, 1) (24 bits, so exact)."""
    with np.errstate(over="ignore"):
        z = np.arange(1, count + 1, dtype=np.uint64)
        z *= np.uint64(_GOLDEN_RATIO)
        z += np.uint64(seed)
        z ^= z >> np.uint64(30)
        z *= np.uint64(0xBF58476D1CE4E5B9)
        z ^= z >> np.uint64(27)
        z *= np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    signed = (z >> np.uint64(40)).astype(np.int32) - np.int32(1 << 23)
    return signed.astype(np.float32) * np.float32(2.0**-23)


def hash_input(k: int, shape) -> torch.Tensor:
    """Test input number `k`: `hash_uniform` with seed 1000 + k over the NCHW index."""
    return torch.from_numpy(hash_uniform(1000 + k, int(np.prod(shape))).reshape(shape))


# --- Lowering ----------------------------------------------------------------------------------------------------


def metadata(*, mean, std, height, width, source, license_name, labels=LABELS) -> dict:
    """Constant methods by which a .pte describes itself; mean and std are on the scale RGB / 255."""
    return {
        "get_labels": "\n".join(labels),
        "get_mean": [float(v) for v in mean],
        "get_std": [float(v) for v in std],
        "get_input_size": [int(height), int(width)],
        "get_source": source,
        "get_license": license_name,
    }


def make_contiguous(module: torch.nn.Module) -> torch.nn.Module:
    """The XNNPACK partitioner refuses weights of another dim order (trained ones are often channels-last)."""
    for tensor in [*module.parameters(), *module.buffers()]:
        tensor.data = tensor.data.clone(memory_format=torch.contiguous_format)
    return module.eval().requires_grad_(False)


def lower(module, example, constant_methods=None, xnnpack=True, int8_calibration=None) -> bytes:
    """Exports `module` and returns the .pte. `int8_calibration`: inputs to calibrate PT2E quantisation with."""
    os.environ["PATH"] = os.pathsep.join([str(wheel_folder() / "data" / "bin"), os.environ["PATH"]])  # flatc
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import to_edge_transform_and_lower

    module = make_contiguous(module)
    if int8_calibration is not None:
        module = quantise(module, example, int8_calibration)
    with torch.no_grad():
        exported = torch.export.export(module, (example,))
        edge = to_edge_transform_and_lower(
            exported, partitioner=[XnnpackPartitioner()] if xnnpack else [], constant_methods=constant_methods
        )
        return bytes(edge.to_executorch().buffer)


def quantise(module, example, calibration):
    """Static symmetric int8, weights per channel: what XNNPACK runs with its integer kernels."""
    from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (
        XNNPACKQuantizer,
        get_symmetric_quantization_config,
    )
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

    quantizer = XNNPACKQuantizer().set_global(get_symmetric_quantization_config(is_per_channel=True))
    with torch.no_grad():
        prepared = prepare_pt2e(torch.export.export(module, (example,)).module(), quantizer)
        for sample in calibration:
            prepared(sample)
        return convert_pt2e(prepared)


def run(pte: bytes, *inputs, method="forward"):
    """Outputs of the ExecuTorch runtime for the program."""
    from executorch.extension.pybindings import portable_lib

    try:  # Quantised and other kernels beyond the portable ones, where the wheel has them.
        import executorch.kernels.quantized  # noqa: F401
    except ImportError:
        pass
    return portable_lib._load_for_executorch_from_buffer(pte).run_method(method, tuple(inputs))


def compare(name, actual, expected) -> None:
    """Prints the error of `actual` against `expected` and, for logits, how often the argmax agrees."""
    error = (actual - expected).abs().max().item()
    spread = (expected.max() - expected.min()).item()
    line = f"{name}: max error {error:.3g}, range {spread:.4g}, ratio {error / spread:.3g}"
    if expected.dim() == 4 and expected.shape[1] > 1:
        line += f", argmax agrees on {(actual.argmax(1) == expected.argmax(1)).double().mean().item():.6%}"
    print(line, flush=True)


# --- Reading a .pte ----------------------------------------------------------------------------------------------


def wheel_folder() -> pathlib.Path:
    import importlib.util

    return pathlib.Path(list(importlib.util.find_spec("executorch").submodule_search_locations)[0])


def flatbuffer_to_json(data: bytes, schema: pathlib.Path):
    flatc = shutil.which("flatc", path=str(wheel_folder() / "data" / "bin")) or "flatc"
    with tempfile.TemporaryDirectory() as folder:
        binary = pathlib.Path(folder) / "data.bin"
        binary.write_bytes(data)
        command = [flatc, "--json", "--strict-json", "--raw-binary", "--defaults-json", "-o", folder]
        subprocess.run([*command, "-I", schema.parent, schema, "--", binary], check=True)
        text = re.sub(r": (-?)(inf|nan)\b", r": null", binary.with_suffix(".json").read_text())  # an open clamp
        return json.loads(text)


def find_schema(name: str) -> pathlib.Path:
    return next(path for path in sorted(wheel_folder().rglob(name)))


def describe(pte: bytes) -> dict:
    """Instructions and operators of each method that has any, delegates' operators included."""
    program_size, segment_base = len(pte), 0
    if pte[8:12] == b"eh00":
        program_size, segment_base = struct.unpack_from("<QQ", pte, 16)
    program = flatbuffer_to_json(pte[:program_size], find_schema("program.fbs"))
    result = {}
    for plan in program["execution_plan"]:
        instructions = [step for chain in plan["chains"] for step in chain["instructions"] or []]
        if not instructions:
            continue
        names = []
        for step in instructions:
            kind, args = step["instr_args_type"], step["instr_args"]
            if kind == "KernelCall":
                operator = plan["operators"][args["op_index"]]
                names.append(f"{operator['name']}.{operator['overload']}")
            else:
                names.append(kind)
        operators = collections.Counter()
        for delegate in plan["delegates"]:
            processed = delegate["processed"]
            if processed["location"] == "SEGMENT":
                segment = program["segments"][processed["index"]]
                payload = pte[segment_base + segment["offset"] :][: segment["size"]]
            else:
                payload = bytes(program["backend_delegate_data"][processed["index"]]["data"])
            operators.update(xnnpack_operators(payload))
        result[plan["name"]] = {
            "instructions": dict(collections.Counter(names)),
            "delegates": [delegate["id"] for delegate in plan["delegates"]],
            "xnnpack": dict(operators),
        }
    return result


def xnnpack_operators(payload: bytes):
    offset, size = 0, len(payload)
    if payload[4:8] == b"XH00":
        offset, size = struct.unpack_from("<II", payload, 10)
    graph = flatbuffer_to_json(payload[offset : offset + size], find_schema("runtime_schema.fbs"))
    return collections.Counter(node["xnode_union_type"] for node in graph["xnodes"])


def report(name: str, pte: bytes) -> None:
    print(f"{name}: {len(pte)} bytes", file=sys.stderr)
    for method, found in describe(pte).items():
        print(f"  {method}: {json.dumps(found)}", file=sys.stderr)
