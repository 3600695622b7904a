"""A network's ONNX file out of its graph (onnx/NAME.onnx, without weights) and the .pte that has the weights."""

import hashlib
import json
import pathlib

import numpy as np

FOLDER = pathlib.Path(__file__).resolve().parent / "onnx"

# Numbers of fields in onnx.proto.
MODEL_GRAPH = 7
GRAPH_INITIALIZER = 5
TENSOR_DIMS, TENSOR_TYPE, TENSOR_NAME, TENSOR_RAW_DATA = 1, 2, 8, 9
TYPE_FLOAT = 1


def varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def head(field: int, size: int) -> bytes:
    """What stands before a field of `size` bytes in protobuf's wire format."""
    return varint(field << 3 | 2) + varint(size)


def initializer(name: str, values: np.ndarray) -> list[bytes]:
    """A weight as a field of the graph, in pieces: the values of a large network are not copied more than needed."""
    data = values.tobytes()
    text = name.encode()
    tensor = b"".join(varint(TENSOR_DIMS << 3) + varint(side) for side in values.shape)
    tensor += varint(TENSOR_TYPE << 3) + varint(TYPE_FLOAT)
    tensor += head(TENSOR_NAME, len(text)) + text + head(TENSOR_RAW_DATA, len(data))
    return [head(GRAPH_INITIALIZER, len(tensor) + len(data)), tensor, data]


def write(name: str, pte: pathlib.Path, out: pathlib.Path) -> None:
    """Writes the ONNX file. A protobuf message that is split in two and put one behind the other reads as one, so the
    weights follow the graph as a model of their own that has nothing but them."""
    manifest = json.loads((FOLDER / f"{name}.json").read_text())
    data = pte.read_bytes()
    if hashlib.sha256(data).hexdigest() != manifest["pte_sha256"]:
        raise ValueError(f"{pte} isn't the file that onnx/{name}.json was made for; run tools/export/make_onnx_skeleton.py")
    weights = []
    for entry in manifest["weights"]:
        stored = np.frombuffer(data, "<f4", int(np.prod(entry["stored"])), entry["offset"]).reshape(entry["stored"])
        weights += initializer(entry["name"], np.ascontiguousarray(stored.transpose(entry["axes"])))
    graph_size = sum(map(len, weights))
    partial = out.with_suffix(".partial")
    with partial.open("wb") as file:
        file.write((FOLDER / f"{name}.onnx").read_bytes())
        file.write(head(MODEL_GRAPH, graph_size))
        file.writelines(weights)
    partial.replace(out)
