"""The networks of `./dev bench --peers` as ONNX without their weights, which lie in the .pte of the same network.

    make_onnx_skeleton.py --tflite deeplabv3_mnv2_pascal_quant.tflite [NAME…]

Writes bench/peers/onnx/NAME.onnx, what `torch.onnx.export` gives for the network with every filter and bias taken out,
and NAME.json, which tells where in the .pte each of them is and how its axes lie there. bench/peers/onnx_file.py puts
them back. Needs requirements.txt and requirements-onnx.txt; prints how far PyTorch with the .pte's weights is from the
committed results.
"""

import argparse
import hashlib
import json
import pathlib
import struct

import numpy as np
import torch
from PIL import Image

import common
import import_tflite
import make_skeleton

OUT = common.ROOT / "bench" / "peers" / "onnx"
EMBEDDED = "deeplab_v3_mobilenet_v2"
SMALL = 64  # initializers of fewer bytes (shapes, bounds of a clamp) stay in the graph


def pte_convolutions(pte: bytes):
    """(filter's dims, filter's offset, bias's offset) of each convolution of the one delegate, in order."""
    program_size, segment_base = struct.unpack_from("<QQ", pte, 16)
    program = common.flatbuffer_to_json(pte[:program_size], common.find_schema("program.fbs"))
    segments = program["segments"]
    named = {entry["key"]: segments[entry["segment_index"]] for entry in program["named_data"]}
    forward = next(plan for plan in program["execution_plan"] if plan["name"] == "forward")
    (delegate,) = forward["delegates"]
    segment = segments[delegate["processed"]["index"]]
    payload = pte[segment_base + segment["offset"] :][: segment["size"]]
    offset, size = struct.unpack_from("<II", payload, 10)
    graph = common.flatbuffer_to_json(payload[offset : offset + size], common.find_schema("runtime_schema.fbs"))
    values = {value["xvalue_union"]["id_out"]: value["xvalue_union"] for value in graph["xvalues"]}

    def place(value):
        constant = graph["constant_data"][value["constant_buffer_idx"]]
        found = named[constant["named_key"]]
        if constant["size"] != 4 * int(np.prod(value["dims"])) or found["size"] < constant["size"]:
            raise ValueError("a constant has another size than its shape says")
        return segment_base + found["offset"]

    for node in graph["xnodes"]:
        if node["xnode_union_type"] in ("XNNConv2d", "XNNDepthwiseConv2d"):
            weight, bias = (values[node["xnode_union"][key]] for key in ("filter_id", "bias_id"))
            yield weight["dims"], place(weight), place(bias)


def convolutions_in_order(module, example):
    """(name, layer) in the order in which a run reaches them."""
    order = []
    handles = [
        layer.register_forward_hook(lambda layer, _inputs, _output, name=name: order.append((name, layer)))
        for name, layer in make_skeleton.convolutions(module).items()
    ]
    with torch.no_grad():
        module(example)
    for handle in handles:
        handle.remove()
    return order


def take_weights(module, example, pte: bytes) -> dict:
    """Gives the module the .pte's weights; where they were, by the initializer's name in ONNX."""
    places = {}
    for (name, layer), (dims, weight_at, bias_at) in zip(
        convolutions_in_order(module, example), pte_convolutions(pte), strict=True
    ):
        out_channels, in_channels, height, width = layer.weight.shape
        depthwise = make_skeleton.is_depthwise(layer)
        stored = [1, height, width, out_channels] if depthwise else [out_channels, height, width, in_channels]
        if dims != stored:
            raise ValueError(f"{name}: the file has a filter of {dims}, PyTorch's lies as {stored}")
        # Whether OHWI or 1HWC (depthwise), to OIHW.
        axes = [3, 0, 1, 2] if depthwise else [0, 3, 1, 2]
        flat = np.frombuffer(pte, "<f4", layer.weight.numel(), weight_at)
        layer.weight.data = torch.from_numpy(flat.reshape(dims).transpose(axes).copy(order="C"))
        layer.bias.data = torch.from_numpy(np.frombuffer(pte, "<f4", out_channels, bias_at).copy())
        places[name + ".weight"] = {"offset": weight_at, "stored": dims, "axes": axes}
        places[name + ".bias"] = {"offset": bias_at, "stored": [out_channels], "axes": [0]}
    return places


def check(name, module):
    """How far PyTorch with these weights is from the committed results."""
    if name == EMBEDDED:
        photo = np.asarray(Image.open(common.SAMPLES / "bird.png").convert("RGB"))
        logits = module(import_tflite.network_input(photo, [513, 513]))
        folder, file = common.GOLDEN / "pipeline" / "bird", "model_argmax.png"
    else:
        folder, file = common.GOLDEN / name, "argmax_0.png"
        logits = module(common.hash_input(0, make_skeleton.SHAPE))
        meta = json.loads((folder / "meta.json").read_text())
        some = logits[0, :, meta["offset"] :: meta["stride"], meta["offset"] :: meta["stride"]]
        print(f"{name}: max error {np.abs(some.numpy() - np.load(folder / 'logits_0.npy')).max():.3g}")
    expected = np.asarray(Image.open(folder / file))
    print(f"{name}: argmax agrees on {(logits.argmax(1)[0].numpy() == expected).mean():.6%}")


def make(name, module, pte: bytes, shape):
    import onnx

    example = common.hash_input(0, shape)
    places = take_weights(module, example, pte)
    with torch.no_grad():
        check(name, module)
        program = torch.onnx.export(module, (example,), dynamo=True, input_names=["image"], output_names=["logits"])
    model = program.model_proto
    kept, taken = [], []
    for tensor in model.graph.initializer:
        place = places.pop(tensor.name, None)
        if place is None:
            if len(tensor.raw_data) >= SMALL:
                raise ValueError(f"{tensor.name}, {list(tensor.dims)}, is large and not in the .pte")
            kept.append(tensor)
            continue
        stored = np.frombuffer(pte, "<f4", int(np.prod(place["stored"])), place["offset"]).reshape(place["stored"])
        if stored.transpose(place["axes"]).tobytes() != onnx.numpy_helper.to_array(tensor).tobytes():
            raise ValueError(f"{tensor.name}: the exporter changed the values")
        taken.append({"name": tensor.name, **place})
    if places:
        raise ValueError(f"the exporter dropped {sorted(places)}")
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    # Where in PyTorch's sources each node came from: most of the file, and nothing that a runtime reads.
    del model.metadata_props[:], model.graph.metadata_props[:], model.graph.value_info[:]
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    for value in [*model.graph.input, *model.graph.output, *model.graph.initializer]:
        del value.metadata_props[:]
    OUT.mkdir(parents=True, exist_ok=True)
    graph = model.SerializeToString(deterministic=True)
    (OUT / f"{name}.onnx").write_bytes(graph)
    manifest = {"exporter": f"torch {torch.__version__}", "pte_sha256": hashlib.sha256(pte).hexdigest()}
    lines = ",\n  ".join(json.dumps(entry) for entry in taken)
    head = json.dumps(manifest)[1:-1]
    (OUT / f"{name}.json").write_text(f'{{{head}, "weights": [\n  {lines}\n]}}\n')
    print(f"{name}: graph of {len(graph)} bytes, {len(taken)} weights in the .pte")


def main():
    names = [EMBEDDED, *(f"{network}_{make_skeleton.SIZE}" for network in make_skeleton.COMMITTED)]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tflite", type=pathlib.Path, help="only the embedded network needs it")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(names)} [all]")
    arguments = parser.parse_args()
    for name in arguments.names or names:
        if name == EMBEDDED:
            module = import_tflite.load_network(arguments.tflite)
            pte, shape = (common.MODELS / f"{name}.pte").read_bytes(), (1, 3, 513, 513)
        else:
            module = common.make_contiguous(make_skeleton.build(name.removesuffix(f"_{make_skeleton.SIZE}")))
            pte = make_skeleton.unpack((common.SKELETONS / f"{name}.skeleton").read_bytes())
            shape = make_skeleton.SHAPE
        make(name, module, pte, shape)


if __name__ == "__main__":
    main()
