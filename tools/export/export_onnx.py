"""Writes the embedded model as ONNX, for comparisons with runtimes that read that: bench/node.

    export_onnx.py --tflite deeplabv3_mnv2_pascal_quant.tflite --out deeplab_v3_mobilenet_v2.onnx

Input: `image`, 1 x 3 x 513 x 513, RGB scaled to [-1, 1]; output: `logits`, 1 x 21 x 513 x 513. Needs requirements.txt and
requirements-onnx.txt.
"""

import argparse
import pathlib

import torch

import import_tflite

SIZE = 513


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tflite", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    network = import_tflite.load_network(arguments.tflite)
    example = torch.zeros(1, 3, SIZE, SIZE)
    program = torch.onnx.export(network, (example,), dynamo=True, input_names=["image"], output_names=["logits"])
    program.save(arguments.out, external_data=False)
    print(f"{arguments.out}: {arguments.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
