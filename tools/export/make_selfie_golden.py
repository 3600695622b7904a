"""Results of MediaPipe's selfie segmentation networks, the .tflite files run by LiteRT, for tests/golden; and how well
the committed .pte files agree with them.

    make_selfie_golden.py --package FOLDER

FOLDER is the unpacked npm package @mediapipe/selfie_segmentation. LiteRT lacks the operator that both networks end in,
a transposed convolution of MediaPipe's own. Their files are changed in memory, in two ways: LiteRT runs all before it
and NumPy the rest; and LiteRT runs its own transposed convolution instead. Both must give the same.
"""

import argparse
import pathlib
import struct

import flatbuffers
import numpy as np
import torch
import torch.nn.functional as F
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from PIL import Image

import common
import import_selfie

PHOTOS = ("astronaut", "bird", "chelsea", "coffee")
KEPT = {"astronaut": ("model", "original"), "chelsea": ("model",)}  # in tests/golden, at these sizes


def sigmoid(x):
    return (1 + np.tanh(x / 2)) / 2


class Network:
    def __init__(self, path):
        self.data = path.read_bytes()
        model, graph = self._open()
        self.height, self.width = (int(v) for v in graph.tensors[graph.inputs[0]].shape[1:3])
        custom, last = graph.operators[-2:]
        names = [model.operatorCodes[operator.opcodeIndex] for operator in (custom, last)]
        assert names[0].customCode == b"Convolution2DTransposeBias"
        assert names[1].builtinCode == schema.BuiltinOperator.LOGISTIC
        constants = {
            operator.outputs[0]: operator.inputs[0]
            for operator in graph.operators
            if model.operatorCodes[operator.opcodeIndex].builtinCode == schema.BuiltinOperator.DEQUANTIZE
        }

        def constant(index):
            tensor = graph.tensors[constants[index]]
            raw = np.asarray(model.buffers[tensor.buffer].data, np.uint8).tobytes()
            return np.frombuffer(raw, np.float16).reshape(tensor.shape).astype(np.float64)

        self.weight, self.bias = (constant(int(index)) for index in custom.inputs[1:])  # OHWI and O, O = 1
        padding_and_strides = struct.unpack("<iii", bytes(custom.customOptions))
        assert self.weight.shape[:3] == (1, 2, 2) and padding_and_strides == (1, 2, 2)

    def _open(self):
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(self.data, 0))
        return model, model.subgraphs[0]

    @staticmethod
    def _interpreter(model):
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(model.Pack(builder), b"TFL3")
        interpreter = Interpreter(model_content=bytes(builder.Output()))
        interpreter.allocate_tensors()
        return interpreter

    @staticmethod
    def _run(interpreter, x):
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
        interpreter.invoke()
        return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])

    def by_numpy(self, x):
        """Each of an input's pixels makes a square of two by two of its own."""
        model, graph = self._open()
        graph.outputs = [int(graph.operators[-2].inputs[0])]
        graph.operators = graph.operators[:-2]
        values = self._run(self._interpreter(model), x)[0].astype(np.float64)  # H × W × channels
        scores = np.einsum("yxc,ijc->yixj", values, self.weight[0]) + self.bias
        return sigmoid(scores.reshape(self.height, self.width))

    def by_litert(self, x):
        model, graph = self._open()
        custom = graph.operators[-2]
        image, weight, bias = (int(v) for v in custom.inputs)
        shape = schema.TensorT()
        shape.shape, shape.type, shape.name = [4], schema.TensorType.INT32, b"shape"
        shape.buffer = len(model.buffers)
        values = schema.BufferT()
        values.data = np.frombuffer(np.array([1, self.height, self.width, 1], np.int32).tobytes(), np.uint8)
        model.buffers.append(values)
        graph.tensors.append(shape)
        code = schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.TRANSPOSE_CONV
        code.version = 3  # the first with a bias
        custom.opcodeIndex = len(model.operatorCodes)
        model.operatorCodes.append(code)
        options = schema.TransposeConvOptionsT()
        options.padding, options.strideH, options.strideW = schema.Padding.SAME, 2, 2
        custom.builtinOptionsType = schema.BuiltinOptions.TransposeConvOptions
        custom.builtinOptions, custom.customOptions = options, None
        custom.inputs = [len(graph.tensors) - 1, weight, image, bias]
        return self._run(self._interpreter(model), x)[0, :, :, 0].astype(np.float64)


def save(path, plane):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.rint(plane * 65535).astype(np.uint16)).save(path, optimize=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--package", type=pathlib.Path, required=True)
    args = parser.parse_args()
    for name in import_selfie.SHA256:
        network = Network(import_selfie.checked_file(args.package, name))
        pte = (common.MODELS / f"{name}.pte").read_bytes()
        for photo in PHOTOS:
            x, (height, width) = import_selfie.photo_input(photo, (network.height, network.width))
            nhwc = x.permute(0, 2, 3, 1).contiguous().numpy()
            found, other = network.by_numpy(nhwc), network.by_litert(nhwc)
            difference = np.abs(found - other).max()
            print(f"{name}, {photo}: {(found > 0.5).mean():.2%} foreground, the two ways differ by {difference:.2g}")
            assert difference < 1e-5
            expected = torch.from_numpy(found)[None, None]
            common.compare("  the .pte", common.run(pte, x)[0].double(), expected)
            large = F.interpolate(expected, size=(height, width), mode="bilinear", align_corners=False)
            planes = {"model": found, "original": large[0, 0].numpy()}
            for scale in KEPT.get(photo, ()):
                save(common.GOLDEN / name / f"{photo}_{scale}.png", planes[scale])


if __name__ == "__main__":
    main()
