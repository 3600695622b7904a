"""Turns MediaPipe's selfie segmentation networks into fp32 models.

    import_selfie.py --package FOLDER [--out models/]

FOLDER is the unpacked npm package @mediapipe/selfie_segmentation. The half-precision weights become floats. Results of
the file are compared with PyTorch's here, and with those of the .tflite by make_selfie_golden.py.
"""

import argparse
import hashlib
import pathlib

import numpy as np
import torch
from PIL import Image

import common
from tflite_network import load_network

PACKAGE = "@mediapipe/selfie_segmentation 0.1.1675465747"
SHA256 = {
    "selfie_segmentation": "8d13b7fae74af625c641226813616a2117bd6bca19eb3b75574621fc08557f27",
    "selfie_segmentation_landscape": "4aafe6223bb8dac6fac8ca8ed56852870a33051ef3f6238822d282a109962894",
}
LABELS = ["BACKGROUND", "FOREGROUND"]  # of one channel that is the latter's probability


def checked_file(package: pathlib.Path, name: str) -> pathlib.Path:
    source = package / f"{name}.tflite"
    if hashlib.sha256(source.read_bytes()).hexdigest() != SHA256[name]:
        raise SystemExit(f"{source} isn't the one of {PACKAGE}")
    return source


def photo_input(photo: str, size):
    """A photo as the network wants it, RGB / 255 resized as torchvision does, and the height and width that it has."""
    from torchvision.transforms.v2 import functional as TF

    pixels = np.array(Image.open(common.SAMPLES / f"{photo}.png").convert("RGB"))
    planes = torch.from_numpy(pixels).permute(2, 0, 1)[None].contiguous()
    return TF.resize(planes, list(size), antialias=True).float() / 255, pixels.shape[:2]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--package", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, default=common.MODELS)
    args = parser.parse_args()

    for name in SHA256:
        network = load_network(checked_file(args.package, name))
        height, width = network.input_size
        example = (common.hash_input(0, (1, 3, height, width)) + 1) / 2
        constant_methods = common.metadata(
            mean=[0, 0, 0],
            std=[1, 1, 1],
            height=height,
            width=width,
            source=f"{name}.tflite of the npm package {PACKAGE}, weights widened to fp32",
            license_name="Apache-2.0",
            labels=LABELS,
        )
        pte = common.lower(network, example, constant_methods)
        out = args.out / f"{name}.pte"
        out.write_bytes(pte)
        common.report(str(out), pte)
        print(f"{out.name}: sha256 {hashlib.sha256(pte).hexdigest()}")
        with torch.no_grad():
            for photo in ("astronaut", "chelsea"):
                x, _ = photo_input(photo, (height, width))
                common.compare(photo, common.run(pte, x)[0], network(x))


if __name__ == "__main__":
    main()
