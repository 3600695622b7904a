// The networks of the comparison: their files, pixels that all sides are given, and PyTorch's results for them.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { readPng } from '../../tests/web/support/png.mjs';
import { writeOnnx } from './onnx-file.mjs';
import { withoutLastOperators } from './tflite.mjs';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const BUILD = join(ROOT, 'build', 'release');
export const WORK = join(BUILD, 'web-bench');
const GOLDEN = join(ROOT, 'tests', 'golden');
const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

function newer(file, ...sources) {
  return existsSync(file) && sources.every((source) => statSync(file).mtimeMs > statSync(source).mtimeMs);
}

/** src/base/hash_random.hpp for a whole range. */
function hashUniform(seed, count) {
  const out = new Float32Array(count);
  const mask = (1n << 64n) - 1n;
  let state = BigInt(seed);
  for (let i = 0; i < count; ++i) {
    state = (state + 0x9e3779b97f4a7c15n) & mask;
    let z = state;
    z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & mask;
    z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & mask;
    z ^= z >> 31n;
    out[i] = (Number(z >> 40n) - 2 ** 23) * 2 ** -23;
  }
  return out;
}

/** The values of a .npy file of float32. */
function readNpy(file) {
  const bytes = readFileSync(file);
  const start = 10 + bytes.readUInt16LE(8);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset + start, bytes.byteOffset + bytes.length));
}

/** RGB of a square of a sample photo. */
function crop(photo, left, top, side, step = 1) {
  const { width, channels, data } = readPng(join(ROOT, 'models', 'samples', `${photo}.png`));
  const rgb = new Uint8Array(3 * side * side);
  for (let y = 0; y < side; ++y) {
    for (let x = 0; x < side; ++x) {
      const from = ((top + y * step) * width + left + x * step) * channels;
      rgb.set(data.subarray(from, from + 3), 3 * (y * side + x));
    }
  }
  return rgb;
}

function save(name, values) {
  writeFileSync(join(WORK, name), values);
  return `/work/${name}`;
}

/** A network without its weights, filled by `synthesize`; PyTorch's results are for inputs that are no 8-bit pixels. */
function skeleton(name) {
  const source = join(ROOT, 'models', 'skeletons', `${name}.skeleton`);
  const pte = join(WORK, `${name}.pte`);
  if (!newer(pte, source)) execFileSync(join(BUILD, 'tools', 'synthesize', 'synthesize'), [source, pte]);
  const folder = join(GOLDEN, name);
  const { offset, stride } = JSON.parse(readFileSync(join(folder, 'meta.json'), 'utf8'));
  const goldens = [0, 1].map((k) => ({
    url: save(`${name}.${k}.input`, hashUniform(1000 + k, 3 * 224 * 224)),
    kept: { offset, stride },
    argmax: readPng(join(folder, `argmax_${k}.png`)).data,
    samples: readNpy(join(folder, `logits_${k}.npy`)),
  }));
  return {
    name,
    side: 224,
    channels: 21,
    wanted: 15,
    pte,
    ...IMAGENET,
    goldens,
    rgb: save(`${name}.rgb`, crop('astronaut', 32, 0, 224, 2)),
  };
}

/** The model that comes with the package; a sample photo has its very size. */
function embedded() {
  const folder = join(GOLDEN, 'pipeline', 'bird');
  return {
    name: 'deeplab_v3_mobilenet_v2',
    side: 513,
    channels: 21,
    wanted: 3,
    mean: [0.5, 0.5, 0.5],
    std: [0.5, 0.5, 0.5],
    pte: join(ROOT, 'models', 'deeplab_v3_mobilenet_v2.pte'),
    goldens: [],
    rgb: save('bird.rgb', crop('bird', 0, 0, 513)),
    expected: {
      argmax: readPng(join(folder, 'model_argmax.png')).data,
      probability: Float32Array.from(readPng(join(folder, 'model_BIRD.png')).data, (value) => value / 65535),
    },
  };
}

function selfie(packages) {
  const file = join(packages, '@mediapipe', 'selfie_segmentation', 'selfie_segmentation.tflite');
  const { bytes, lastOperators } = withoutLastOperators(file);
  return {
    name: 'selfie_segmentation',
    side: 256,
    wanted: 1,
    pte: join(ROOT, 'models', 'selfie_segmentation.pte'),
    tflite: save('selfie.tflite', bytes),
    lastOperators,
    rgb: save('selfie.rgb', crop('astronaut', 0, 0, 256, 2)),
  };
}

/** All models, or those whose names are told. */
export function prepare(names, packages) {
  mkdirSync(WORK, { recursive: true });
  const makers = {
    deeplab_v3_mobilenet_v2: embedded,
    lraspp_mobilenet_v3_large_224: () => skeleton('lraspp_mobilenet_v3_large_224'),
    deeplabv3_resnet50_224: () => skeleton('deeplabv3_resnet50_224'),
    selfie_segmentation: () => selfie(packages),
  };
  const unknown = names.filter((name) => !(name in makers));
  if (unknown.length > 0)
    throw new Error(`unknown models ${unknown.join(', ')}; known are ${Object.keys(makers).join(', ')}`);
  return (names.length > 0 ? names : Object.keys(makers)).map((name) => {
    const model = makers[name]();
    const url = model.pte.startsWith(WORK) ? `/work/${name}.pte` : save(`${name}.pte`, readFileSync(model.pte));
    if (model.tflite !== undefined) return { ...model, url };
    const onnx = join(WORK, `${name}.onnx`);
    const description = join(ROOT, 'bench', 'peers', 'onnx', `${name}.json`);
    if (!newer(onnx, description, model.pte)) writeOnnx(name, model.pte, onnx);
    return { ...model, url, onnx: `/work/${name}.onnx` };
  });
}
