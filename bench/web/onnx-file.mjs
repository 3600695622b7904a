// A network's ONNX file out of its graph (../peers/onnx/NAME.onnx, without weights) and the .pte that has the weights: what
// ../peers/onnx_file.py does, without NumPy.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const FOLDER = new URL('../peers/onnx/', import.meta.url);

// Numbers of fields in onnx.proto, and protobuf's wire types.
const MODEL_GRAPH = 7;
const GRAPH_INITIALIZER = 5;
const TENSOR_DIMS = 1;
const TENSOR_TYPE = 2;
const TENSOR_NAME = 8;
const TENSOR_RAW_DATA = 9;
const TYPE_FLOAT = 1;
const VARINT = 0;
const BYTES = 2;

function varint(value) {
  const out = [];
  for (; value >= 0x80; value = Math.floor(value / 128)) out.push((value & 0x7f) | 0x80);
  return Buffer.from([...out, value]);
}

function field(number, wireType, value) {
  return Buffer.concat([varint((number << 3) | wireType), varint(value)]);
}

/** The values of an array in another order of its axes. */
function transposed(values, shape, axes) {
  const strides = shape.map((_, i) => shape.slice(i + 1).reduce((product, side) => product * side, 1));
  const sides = axes.map((axis) => shape[axis]);
  const steps = axes.map((axis) => strides[axis]);
  const out = new Float32Array(values.length);
  const index = sides.map(() => 0);
  let from = 0;
  for (let to = 0; to < out.length; ++to) {
    out[to] = values[from];
    for (let axis = sides.length - 1; axis >= 0; --axis) {
      from += steps[axis];
      if (++index[axis] < sides[axis]) break;
      from -= steps[axis] * sides[axis];
      index[axis] = 0;
    }
  }
  return { values: out, shape: sides };
}

function initializer(name, { values, shape }) {
  const text = Buffer.from(name);
  const tensor = Buffer.concat([
    ...shape.map((side) => field(TENSOR_DIMS, VARINT, side)),
    field(TENSOR_TYPE, VARINT, TYPE_FLOAT),
    field(TENSOR_NAME, BYTES, text.length),
    text,
    field(TENSOR_RAW_DATA, BYTES, values.byteLength),
  ]);
  const data = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  return [field(GRAPH_INITIALIZER, BYTES, tensor.length + data.length), tensor, data];
}

/**
 * Writes the ONNX file. A protobuf message that is split in two and put one behind the other reads as one, so the weights
 * follow the graph as a model of their own that has nothing but them.
 */
export function writeOnnx(name, pte, out) {
  const manifest = JSON.parse(readFileSync(new URL(`${name}.json`, FOLDER), 'utf8'));
  const data = readFileSync(pte);
  if (createHash('sha256').update(data).digest('hex') !== manifest.pte_sha256) {
    throw new Error(
      `${pte} isn't the file that bench/peers/onnx/${name}.json was made for; run tools/export/make_onnx_skeleton.py`,
    );
  }
  const weights = manifest.weights.flatMap(({ name: weight, stored, axes, offset }) => {
    const count = stored.reduce((product, side) => product * side, 1);
    const bytes = data.buffer.slice(data.byteOffset + offset, data.byteOffset + offset + 4 * count);
    return initializer(weight, transposed(new Float32Array(bytes), stored, axes));
  });
  const size = weights.reduce((sum, part) => sum + part.length, 0);
  const graph = readFileSync(fileURLToPath(new URL(`${name}.onnx`, FOLDER)));
  writeFileSync(out, Buffer.concat([graph, field(MODEL_GRAPH, BYTES, size), ...weights]));
}
