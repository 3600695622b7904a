"""Writes models/samples/ from the reference photo and mask and from scikit-image's photos.

make_samples.py --photo bird_segmentation.bmp --mask bird_segmentation_mask.bmp
"""

import argparse

import numpy as np
import skimage.data
from PIL import Image

import common


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photo", required=True)
    parser.add_argument("--mask", required=True)
    args = parser.parse_args()
    images = {
        "bird": np.asarray(Image.open(args.photo).convert("RGB")),
        "bird_mask": np.asarray(Image.open(args.mask).convert("L")),  # a pixel's value is its class
        "chelsea": skimage.data.chelsea(),
        "astronaut": skimage.data.astronaut(),
        "coffee": skimage.data.coffee(),
    }
    common.SAMPLES.mkdir(parents=True, exist_ok=True)
    for name, pixels in images.items():
        Image.fromarray(pixels).save(common.SAMPLES / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
