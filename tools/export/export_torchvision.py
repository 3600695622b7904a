"""Exports one of torchvision's segmentation networks as a .pte for XNNPACK.

    export_torchvision.py NAME [--weights FILE.pth] [--size N] [--int8] [--out FILE] [--check]

Without --weights the weights are random. Only the head 'out' is exported. --int8 quantises by PT2E; give --calibrate
a folder of photos for a meaningful range of activations (default: the samples of this repository).
"""

import argparse
import pathlib

import numpy as np
import torch
import torchvision
from PIL import Image

import common

NAMES = (
    "deeplabv3_resnet50",
    "deeplabv3_resnet101",
    "deeplabv3_mobilenet_v3_large",
    "lraspp_mobilenet_v3_large",
    "fcn_resnet50",
    "fcn_resnet101",
)


class OutHead(torch.nn.Module):
    """torchvision's networks return a dict; a .pte returns tensors."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x):
        return self.network(x)["out"]


def build(name, weights=None) -> OutHead:
    options = {} if name.startswith("lraspp") else {"aux_loss": False}
    network = getattr(torchvision.models.segmentation, name)(
        weights=None, weights_backbone=None, num_classes=21, **options
    )
    if weights:
        state = torch.load(weights, map_location="cpu", weights_only=True)
        state = {key: value for key, value in state.items() if not key.startswith("aux_classifier.")}
        network.load_state_dict(state)
    return OutHead(common.make_contiguous(network))


def photos(folder, size):
    """Calibration inputs, normalised as the network expects."""
    mean, std = (np.array(v, np.float32) for v in (common.IMAGENET_MEAN, common.IMAGENET_STD))
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".png", ".jpg", ".jpeg"))
    for path in found:
        pixels = np.asarray(Image.open(path).convert("RGB").resize((size, size)), np.float32) / 255
        yield torch.from_numpy(np.ascontiguousarray(((pixels - mean) / std).transpose(2, 0, 1)[None]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("--weights", type=pathlib.Path)
    parser.add_argument("--size", type=int, default=520)
    parser.add_argument("--int8", action="store_true")
    parser.add_argument("--calibrate", type=pathlib.Path, default=common.SAMPLES)
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--check", action="store_true", help="run the file and compare it with PyTorch")
    args = parser.parse_args()
    out = args.out or pathlib.Path(f"{args.name}_xnnpack_{'int8' if args.int8 else 'fp32'}.pte")

    network = build(args.name, args.weights)
    example = common.hash_input(0, (1, 3, args.size, args.size))
    constant_methods = common.metadata(
        mean=common.IMAGENET_MEAN,
        std=common.IMAGENET_STD,
        height=args.size,
        width=args.size,
        source=f"torchvision {torchvision.__version__} {args.name}, "
        + (f"weights of {args.weights.name}" if args.weights else "random weights"),
        license_name="BSD-3-Clause",
    )
    calibration = photos(args.calibrate, args.size) if args.int8 else None
    pte = common.lower(network, example, constant_methods, int8_calibration=calibration)
    out.write_bytes(pte)
    common.report(str(out), pte)
    if args.check:
        with torch.no_grad():
            common.compare(args.name, common.run(pte, example)[0], network(example))


if __name__ == "__main__":
    main()
