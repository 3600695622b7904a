"""Full-size networks in a few hundred KB: the .pte without its filters, which `tools/synthesize` generates again.

    make_skeleton.py calibrate NETWORK PARAMS.npz       gains and biases that keep activations in a sane range
    make_skeleton.py export PARAMS.npz MODEL.pte        run in either exporter's environment
    make_skeleton.py pack PARAMS.npz MODEL.pte NAME     MODEL.pte -> models/skeletons/NAME.skeleton, verified
    make_skeleton.py golden PARAMS.npz NAME [MODEL.pte…]  PyTorch's results -> tests/golden/NAME; checks the files too
    make_skeleton.py all WORK [--old-python PYTHON] [--only NETWORK…]
                                                        all of these for every committed skeleton; WORK keeps the files

Filters are `gain[output channel] * u`, rounded to float32 once, with `u` from common.hash_uniform over the order in
which the file stores the filter (OHWI; HWC when depthwise). Gain and bias are chosen layer by layer in one forward
pass over two seeded inputs, so that every channel leaves a convolution with the mean and deviation that a
batch-normalised network would give it; batch normalisation itself is thereby folded. The skeleton's format is
described in tools/export/README.md.
"""

import argparse
import hashlib
import json
import pathlib
import struct
import subprocess
import sys

import numpy as np
import torch

import common
import export_torchvision
import selfie

MAGIC = b"SILSKEL1"
NAMES = (*export_torchvision.NAMES, "selfie")
SMALL = 512  # filters of fewer bytes stay in the file


def size_of(network: str) -> int:
    return selfie.SIZE if network == "selfie" else 224


def shape_of(network: str) -> tuple:
    return (1, 3, size_of(network), size_of(network))


def layer_seed(network: str, layer: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{network}/{layer}".encode()).digest()[:8], "little")


def is_depthwise(conv) -> bool:
    return conv.groups == conv.in_channels and conv.groups > 1


def filter_in_file_order(network, name, conv, gain) -> np.ndarray:
    """The filter as it lies in the file; see `to_pytorch_order`."""
    u = common.hash_uniform(layer_seed(network, name), conv.weight.numel())
    if is_depthwise(conv):
        return (u.reshape(-1, conv.out_channels) * gain).reshape(-1)
    return (u.reshape(conv.out_channels, -1) * gain[:, None]).reshape(-1)


def to_pytorch_order(flat, conv) -> torch.Tensor:
    out_channels, in_channels, height, width = conv.weight.shape
    if isinstance(conv, torch.nn.ConvTranspose2d):
        in_channels, out_channels = out_channels, in_channels
        ordered = flat.reshape(out_channels, height, width, in_channels).transpose(3, 0, 1, 2)
    elif is_depthwise(conv):
        ordered = flat.reshape(height, width, out_channels).transpose(2, 0, 1)[:, None]
    else:
        ordered = flat.reshape(out_channels, height, width, in_channels).transpose(0, 3, 1, 2)
    return torch.from_numpy(np.ascontiguousarray(ordered))


def build(network) -> torch.nn.Module:
    """The network with every batch normalisation replaced by the bias of the convolution before it."""
    if network == "selfie":
        return build_selfie()
    module = export_torchvision.build(network)
    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, torch.nn.BatchNorm2d):
                setattr(parent, name, torch.nn.Identity())
            elif isinstance(child, torch.nn.Conv2d) and child.bias is None:
                child.bias = torch.nn.Parameter(torch.zeros(child.out_channels), requires_grad=False)
    return module


def build_selfie() -> torch.nn.Module:
    module = common.make_contiguous(selfie.Selfie())
    for name, child in module.named_modules():
        if isinstance(child, torch.nn.PReLU):
            u = common.hash_uniform(layer_seed("selfie", name), child.num_parameters)
            child.weight.data = torch.from_numpy(np.float32(0.25) + np.float32(0.25) * u)
    return module


def convolutions(module):
    kinds = (torch.nn.Conv2d, torch.nn.ConvTranspose2d)
    return {name: child for name, child in module.named_modules() if isinstance(child, kinds)}


def residual_ends(module) -> set:
    """Convolutions whose result is added to a shortcut: kept small, as training keeps them."""
    from torchvision.models.mobilenetv3 import InvertedResidual
    from torchvision.models.resnet import Bottleneck

    ends = set()
    for name, block in module.named_modules():
        if isinstance(block, Bottleneck):
            ends.add(f"{name}.conv3")
        elif isinstance(block, InvertedResidual) and block.use_res_connect:
            ends.add([f"{name}.{inner}" for inner in convolutions(block)][-1])
        elif isinstance(block, selfie.Bottleneck) and block.adds:
            ends.add(f"{name}.project")
    return ends


def calibrate(network):
    """Gain and bias of every convolution, by name."""
    module, params = build(network), {}
    ends = residual_ends(module)

    def before(name):
        def hook(conv, inputs):
            offset = common.hash_uniform(layer_seed(network, name + "/offset"), conv.out_channels)
            vary = common.hash_uniform(layer_seed(network, name + "/spread"), conv.out_channels)
            unit = np.ones(conv.out_channels, np.float32)
            conv.weight.data = to_pytorch_order(filter_in_file_order(network, name, conv, unit), conv)
            conv.bias.data.zero_()
            y = conv.__class__.forward(conv, inputs[0]).double()
            if y.shape[2] * y.shape[3] == 1:  # after global pooling: a channel has no spread of its own
                mean, deviation = y.mean(), y.std().expand(conv.out_channels)
            else:
                mean, deviation = y.mean(dim=(0, 2, 3)), y.std(dim=(0, 2, 3))
            target = torch.from_numpy((0.3 if name in ends else 1.0) * (1 + 0.25 * vary.astype(np.float64)))
            gain = (target / deviation).numpy().astype(np.float32)
            bias = torch.from_numpy(0.3 * offset.astype(np.float64)) - torch.from_numpy(gain).double() * mean
            set_parameters(network, name, conv, gain, bias.float().numpy())
            params[name + "/gain"], params[name + "/bias"] = gain, conv.bias.numpy().copy()

        return hook

    handles = [conv.register_forward_pre_hook(before(name)) for name, conv in convolutions(module).items()]
    with torch.no_grad():
        module(torch.cat([common.hash_input(k, shape_of(network)) for k in (0, 1)]))
    for handle in handles:
        handle.remove()
    return params


def set_parameters(network, name, conv, gain, bias):
    conv.weight.data = to_pytorch_order(filter_in_file_order(network, name, conv, gain), conv)
    conv.bias.data = torch.from_numpy(bias.copy())


def load(path):
    """(network name, module, params) of a file written by `calibrate`."""
    with np.load(path) as archive:
        params = {key: archive[key] for key in archive.files}
    network = str(params.pop("network"))
    module = build(network)
    for name, conv in convolutions(module).items():
        set_parameters(network, name, conv, params[name + "/gain"], params[name + "/bias"])
    return network, common.make_contiguous(module), params


def export(network, module) -> bytes:
    own = network == "selfie"
    origin = "modelled after MediaPipe's selfie segmentation" if own else f"torchvision {network}"
    constant_methods = common.metadata(
        mean=[0.0, 0.0, 0.0] if own else common.IMAGENET_MEAN,
        std=[1.0, 1.0, 1.0] if own else common.IMAGENET_STD,
        height=size_of(network),
        width=size_of(network),
        source=f"{origin}, generated weights: a test of speed and correctness, it recognises nothing",
        license_name="Apache-2.0" if own else "BSD-3-Clause",
        labels=["BACKGROUND", "PERSON"] if own else common.LABELS,
    )
    return common.lower(module, common.hash_input(0, shape_of(network)), constant_methods)


def pack(network, module, params, pte: bytes, name: str, exporter: str, golden: str) -> bytes:
    found = []  # (offset, bytes, manifest entry, gains)
    for layer, conv in convolutions(module).items():
        gain = params[layer + "/gain"]
        data = filter_in_file_order(network, layer, conv, gain).tobytes()
        if len(data) < SMALL:
            continue
        offset = pte.find(data)
        if offset < 0 or pte.find(data, offset + 1) >= 0:
            raise ValueError(f"the filter of {layer} is not in the file exactly once")
        layout = "channel_minor" if is_depthwise(conv) else "channel_major"
        entry = {"seed": str(layer_seed(network, layer)), "count": conv.weight.numel()}
        found.append((offset, len(data), entry | {"channels": len(gain), "layout": layout}, gain.tobytes()))
    found.sort(key=lambda item: item[0])

    pieces, raw, position = [], [], 0
    for offset, size, entry, _ in found:
        if offset > position:
            pieces.append({"raw": offset - position})
            raw.append(pte[position:offset])
        pieces.append({"filter": entry})
        position = offset + size
    if position < len(pte):
        pieces.append({"raw": len(pte) - position})
        raw.append(pte[position:])
    gain_offset = sum(map(len, raw))
    for _, _, entry, gain in found:
        entry["gain_offset"] = gain_offset
        gain_offset += len(gain)
        raw.append(gain)
    manifest = {
        "name": name,
        "exporter": exporter,
        "golden": golden,
        "input": list(shape_of(network)),
        "sha256": hashlib.sha256(pte).hexdigest(),
        "size": len(pte),
        "pieces": pieces,
    }
    text = json.dumps(manifest, separators=(",", ":")).encode()
    return MAGIC + struct.pack("<I", len(text)) + text + b"".join(raw)


def unpack(skeleton: bytes) -> bytes:
    """What tools/synthesize does, in Python: the oracle of its test."""
    if skeleton[:8] != MAGIC:
        raise ValueError("not a skeleton")
    (length,) = struct.unpack_from("<I", skeleton, 8)
    manifest, raw = json.loads(skeleton[12 : 12 + length]), skeleton[12 + length :]
    parts, position = [], 0
    for piece in manifest["pieces"]:
        if "raw" in piece:
            parts.append(raw[position : position + piece["raw"]])
            position += piece["raw"]
            continue
        entry = piece["filter"]
        u = common.hash_uniform(int(entry["seed"]), entry["count"])
        gain = np.frombuffer(raw, "<f4", entry["channels"], entry["gain_offset"])
        major = entry["layout"] == "channel_major"
        u = u.reshape((entry["channels"], -1) if major else (-1, entry["channels"]))
        parts.append((u * (gain[:, None] if major else gain)).tobytes())
    pte = b"".join(parts)
    if hashlib.sha256(pte).hexdigest() != manifest["sha256"]:
        raise ValueError("the generated file has another checksum")
    return pte


def golden(network, module, name, files, stride):
    from PIL import Image

    folder = common.GOLDEN / name
    folder.mkdir(parents=True, exist_ok=True)
    meta = {"network": network, "torch": torch.__version__, "stride": stride, "offset": stride // 2, "inputs": []}
    for k in (0, 1):
        x = common.hash_input(k, shape_of(network))
        with torch.no_grad():
            logits = module(x)
        single = logits.shape[1] == 1
        classes = (logits > 0.5).long()[:, 0] if single else logits.argmax(1)
        Image.fromarray(classes[0].to(torch.uint8).numpy()).save(folder / f"argmax_{k}.png", optimize=True)
        some = logits[0, :, stride // 2 :: stride, stride // 2 :: stride]
        np.save(folder / f"logits_{k}.npy", np.ascontiguousarray(some.numpy()))
        wide = logits.double()
        counts = torch.bincount(classes.flatten(), minlength=max(logits.shape[1], 2)).tolist()
        over_classes = {} if single else {"std_over_classes": wide.std(dim=1).mean().item()}
        meta["inputs"].append(
            {
                "seed": 1000 + k,
                "min": wide.min().item(),
                "max": wide.max().item(),
                "mean": wide.mean().item(),
                "std": wide.std().item(),
                "std_over_pixels": wide.std(dim=(2, 3)).mean().item(),
                **over_classes,
                "pixels_of_class": counts,
            }
        )
        for file in files:
            common.compare(f"{file} input {k}", common.run(file.read_bytes(), x)[0], logits)
    text = json.dumps(meta, indent=1)
    (folder / "meta.json").write_text(text + "\n")
    print(text)


# network: (calling the older exporter too, pixels between the logits kept)
COMMITTED = {
    "deeplabv3_resnet50": (True, 4),
    "lraspp_mobilenet_v3_large": (True, 4),
    "deeplabv3_mobilenet_v3_large": (False, 8),
    "fcn_resnet50": (False, 14),
    "fcn_resnet101": (False, 14),
    "deeplabv3_resnet101": (False, 14),
    "selfie": (False, 4),
}


def make_all(work, old_python, only):
    """Each step in a process of its own, because the older exporter lives in another environment."""
    work.mkdir(parents=True, exist_ok=True)

    def step(*arguments, python=sys.executable):
        subprocess.run([str(part) for part in (python, __file__, *arguments)], check=True)

    for network in only or COMMITTED:
        older, stride = COMMITTED[network]
        name = f"{network}_{size_of(network)}"
        params, model, old_model = work / f"{name}.npz", work / f"{name}.pte", work / f"{name}_et06.pte"
        step("calibrate", network, params)
        step("export", params, model)
        step("pack", params, model, name)
        models = [model]
        if older and old_python:
            step("export", params, old_model, python=old_python)
            step("pack", params, old_model, f"{name}_et06", "--exporter", "executorch 0.6.0", "--golden", name)
            models.append(old_model)
        step("golden", params, name, *models, "--stride", stride)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verb = verbs.add_parser("calibrate")
    verb.add_argument("network", choices=NAMES)
    verb.add_argument("params", type=pathlib.Path)
    verb = verbs.add_parser("export")
    verb.add_argument("params", type=pathlib.Path)
    verb.add_argument("model", type=pathlib.Path)
    verb = verbs.add_parser("pack")
    verb.add_argument("params", type=pathlib.Path)
    verb.add_argument("model", type=pathlib.Path)
    verb.add_argument("name")
    verb.add_argument("--exporter", default="executorch 1.5.1")
    verb.add_argument("--golden", help="folder under tests/golden with the results (default: NAME)")
    verb = verbs.add_parser("golden")
    verb.add_argument("params", type=pathlib.Path)
    verb.add_argument("name")
    verb.add_argument("models", type=pathlib.Path, nargs="*")
    verb.add_argument("--stride", type=int, default=4, help="logits are kept at every so many pixels")
    verb = verbs.add_parser("all")
    verb.add_argument("work", type=pathlib.Path)
    verb.add_argument("--old-python", help="python of the environment of requirements-0.6.txt")
    verb.add_argument("--only", nargs="+", choices=COMMITTED, help="these networks (default: all)")
    args = parser.parse_args()

    if args.verb == "all":
        make_all(args.work, args.old_python, args.only)
        return
    if args.verb == "calibrate":
        np.savez(args.params, network=args.network, **calibrate(args.network))
        return
    network, module, params = load(args.params)
    if args.verb == "export":
        pte = export(network, module)
        args.model.write_bytes(pte)
        common.report(str(args.model), pte)
    elif args.verb == "pack":
        pte = args.model.read_bytes()
        skeleton = pack(network, module, params, pte, args.name, args.exporter, args.golden or args.name)
        if unpack(skeleton) != pte:
            raise ValueError("the skeleton does not give the file back")
        common.SKELETONS.mkdir(parents=True, exist_ok=True)
        out = common.SKELETONS / f"{args.name}.skeleton"
        out.write_bytes(skeleton)
        print(f"{out}: {len(skeleton)} bytes for {len(pte)}")
    else:
        golden(network, module, args.name, args.models, args.stride)


if __name__ == "__main__":
    main()
