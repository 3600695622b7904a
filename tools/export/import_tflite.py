"""Turns the reference DeepLabV3-MobileNetV2 .tflite into the embedded fp32 model.

    import_tflite.py --tflite deeplabv3_mnv2_pascal_quant.tflite [--out models/deeplab_v3_mobilenet_v2.pte]
                     [--photo bird.png --mask bird_mask.png]

The 8-bit weights become floats (scale * (q - zero point)); activations are not quantised any more. With --photo and
--mask it also prints the share of pixels that agree with a human's mask.
"""

import argparse
import pathlib
import sys

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

import common
from tflite_network import load_network

MEAN = STD = [0.5, 0.5, 0.5]  # RGB / 255 to [-1, 1]
SOURCE = (
    "deeplabv3_mnv2_pascal_quant.tflite of https://github.com/google-coral/test_data (DeepLabV3, MobileNetV2, "
    "PASCAL VOC 2012; quantisation-aware trained), dequantised to fp32"
)


def network_input(photo: np.ndarray, size) -> torch.Tensor:
    """uint8 RGB [H, W, 3] to the network's input (contiguous, as it was exported), resized as torchvision does."""
    from torchvision.transforms.v2 import functional as TF

    pixels = torch.from_numpy(photo.copy()).permute(2, 0, 1)[None].contiguous()
    resized = TF.resize(pixels, list(size), antialias=True).float() / 255
    return (resized - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(STD).view(1, 3, 1, 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tflite", required=True)
    parser.add_argument("--out", type=pathlib.Path, default=common.MODELS / "deeplab_v3_mobilenet_v2.pte")
    parser.add_argument("--photo", type=pathlib.Path)
    parser.add_argument("--mask", type=pathlib.Path)
    args = parser.parse_args()

    network = load_network(args.tflite)
    size = [513, 513]
    example = common.hash_input(0, (1, 3, *size))
    constant_methods = common.metadata(
        mean=MEAN, std=STD, height=size[0], width=size[1], source=SOURCE, license_name="Apache-2.0"
    )
    pte = common.lower(network, example, constant_methods)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_bytes(pte)
    common.report(str(args.out), pte)

    with torch.no_grad():
        common.compare("hash input", common.run(pte, example)[0], network(example))
        if args.photo:
            photo = np.asarray(Image.open(args.photo).convert("RGB"))
            x = network_input(photo, size)
            expected = network(x)
            common.compare(args.photo.name, common.run(pte, x)[0], expected)
            found = F.interpolate(expected, size=photo.shape[:2], mode="bilinear", align_corners=False).argmax(1)[0]
            counts = torch.bincount(found.flatten(), minlength=21).tolist()
            print({common.LABELS[c]: n for c, n in enumerate(counts) if n})
        if args.mask:
            mask = np.asarray(Image.open(args.mask))
            decided = mask != 255  # PASCAL VOC's "ignore"
            print(f"agreement with the mask: {(found.numpy() == mask)[decided].mean():.4%}")
    for method in constant_methods:
        print(method, common.run(pte, method=method), file=sys.stderr)


if __name__ == "__main__":
    main()
