// MediaPipe's selfie segmentation ends in an operator that LiteRT lacks (a transposed convolution of two by two, then a
// sigmoid). LiteRT is given the file without these two; `lastOperators` is what they do.
import { readFileSync } from 'node:fs';

// Places of fields in schema.fbs.
const MODEL = { operatorCodes: 1, subgraphs: 2, buffers: 4 };
const SUBGRAPH = { tensors: 0, outputs: 2, operators: 3 };
const OPERATOR = { opcode: 0, inputs: 1, outputs: 2 };
const TENSOR = { shape: 0, buffer: 2 };
const OPERATOR_CODE = { custom: 1 };

class Flatbuffer {
  constructor(bytes) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  root() {
    return this.view.getUint32(0, true);
  }

  /** Where a table's field lies; 0: it has none. */
  field(table, number) {
    const vtable = table - this.view.getInt32(table, true);
    const size = this.view.getUint16(vtable, true);
    const offset = 4 + 2 * number < size ? this.view.getUint16(vtable + 4 + 2 * number, true) : 0;
    return offset === 0 ? 0 : table + offset;
  }

  /** Where a vector, string or table begins that a field refers to. */
  follow(at) {
    return at + this.view.getUint32(at, true);
  }

  vector(table, number) {
    const at = this.follow(this.field(table, number));
    return { at, length: this.view.getUint32(at, true) };
  }

  tables(table, number) {
    const { at, length } = this.vector(table, number);
    return Array.from({ length }, (_, i) => this.follow(at + 4 + 4 * i));
  }

  ints(table, number) {
    const { at, length } = this.vector(table, number);
    return Array.from({ length }, (_, i) => this.view.getInt32(at + 4 + 4 * i, true));
  }

  uint32(table, number) {
    const at = this.field(table, number);
    return at === 0 ? 0 : this.view.getUint32(at, true);
  }
}

function half(bits) {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  const size = exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
  return bits & 0x8000 ? -size : size;
}

/** { bytes, lastOperators(values): the network's output, of values of H × W × channels }. */
export function withoutLastOperators(path) {
  const file = new Flatbuffer(Uint8Array.from(readFileSync(path)));
  const model = file.root();
  const [graph] = file.tables(model, MODEL.subgraphs);
  const codes = file.tables(model, MODEL.operatorCodes);
  const operators = file.tables(graph, SUBGRAPH.operators);
  const tensors = file.tables(graph, SUBGRAPH.tensors);
  const buffers = file.tables(model, MODEL.buffers);
  const custom = operators.at(-2);
  const name = file.vector(codes[file.uint32(custom, OPERATOR.opcode)], OPERATOR_CODE.custom);
  if (
    Buffer.from(file.bytes.subarray(name.at + 4, name.at + 4 + name.length)).toString() !== 'Convolution2DTransposeBias'
  ) {
    throw new Error(`${path} doesn't end as MediaPipe's selfie segmentation does`);
  }
  // Constants are halves that an operator before makes floats of.
  const constant = (index) => {
    const maker = operators.find((operator) => file.ints(operator, OPERATOR.outputs)[0] === index);
    const stored = file.vector(buffers[file.uint32(tensors[file.ints(maker, OPERATOR.inputs)[0]], TENSOR.buffer)], 0);
    return Array.from({ length: stored.length / 2 }, (_, i) => half(file.view.getUint16(stored.at + 4 + 2 * i, true)));
  };
  const [image, weightIndex, biasIndex] = file.ints(custom, OPERATOR.inputs);
  const weights = constant(weightIndex);
  const [bias] = constant(biasIndex);
  const [, height, width, channels] = file.ints(tensors[image], TENSOR.shape);

  file.view.setUint32(file.vector(graph, SUBGRAPH.operators).at, operators.length - 2, true);
  file.view.setInt32(file.vector(graph, SUBGRAPH.outputs).at + 4, image, true);
  return {
    bytes: file.bytes,
    lastOperators(values) {
      const out = new Float32Array(4 * height * width);
      for (let y = 0; y < 2 * height; ++y) {
        for (let x = 0; x < 2 * width; ++x) {
          const pixel = ((y >> 1) * width + (x >> 1)) * channels;
          const tap = ((y & 1) * 2 + (x & 1)) * channels;
          let sum = bias;
          for (let c = 0; c < channels; ++c) sum += values[pixel + c] * weights[tap + c];
          out[y * 2 * width + x] = 1 / (1 + Math.exp(-sum));
        }
      }
      return out;
    },
  };
}
