// Silhouette beside onnxruntime-web and LiteRT.js on the same weights and pixels, in turns in one browser. Called by
// `./dev bench --web`; README.md says how it is made fair.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { brotliCompressSync, gzipSync } from 'node:zlib';

import { launchChromium } from '../../tests/web/support/browsers.mjs';
import { startServer } from '../../tests/web/support/server.mjs';
import { measureFrames } from './frames.mjs';
import { prepare, ROOT, WORK } from './models.mjs';
import { measureOpening } from './opening.mjs';
import { watchMachine } from './quiet.mjs';

const PACKAGES = fileURLToPath(new URL('node_modules/', import.meta.url));

// Below these a result isn't the network's, and its time tells nothing.
const LEAST_AGREEMENT = 0.9999;
const LARGEST_ERROR = 1e-3;
const TURN_MS = 200;
const SETTLE_MS = 50;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    package: { type: 'string', default: join(ROOT, 'build', 'release', 'web-tests', 'package') },
    rounds: { type: 'string', default: '10' },
    threads: { type: 'string', default: '1,2' },
    json: { type: 'string', default: join(ROOT, 'build', 'release', 'web-bench.json') },
    only: { type: 'string', default: 'networks,selfie,opening,frames,sizes' },
  },
});
const rounds = Number(options.rounds);
const threadCounts = options.threads.split(',').map(Number);
const parts = options.only.split(',');

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const least = (values) => values.reduce((a, b) => Math.min(a, b), Infinity);

function agreement(found, expected) {
  if (found.length !== expected.length) throw new Error(`${found.length} pixels instead of ${expected.length}`);
  let same = 0;
  for (let i = 0; i < found.length; ++i) if (found[i] === expected[i]) ++same;
  return same / found.length;
}

function largestError(found, expected) {
  if (found.length !== expected.length) throw new Error(`${found.length} values instead of ${expected.length}`);
  let largest = 0;
  for (let i = 0; i < found.length; ++i) {
    const error = Math.abs(found[i] - expected[i]);
    if (!(error <= largest)) largest = error; // NaN, too
  }
  return largest;
}

function insist(label, name, what, agrees, error) {
  if (!(agrees >= LEAST_AGREEMENT) || !(error <= LARGEST_ERROR)) {
    throw new Error(
      `${label} disagrees with ${what} on ${name}: ${(agrees * 100).toFixed(3)} % of pixels, error ${error}`,
    );
  }
  return { agreement: agrees, error };
}

/** Sides are pages; `what` is what they are made of. */
async function openSide(context, origin, { label, page: kind, load }) {
  const page = await context.newPage();
  page.on('pageerror', (error) => console.error(`${label}: ${error.message}`));
  await page.goto(`${origin}/pages/side.html?side=${kind}`);
  await page.waitForFunction(() => window.side !== undefined);
  const ask = (command, message) => page.evaluate(([name, what]) => window.side[name](what), [command, message]);
  const { loadMs } = await ask('load', load);
  return { label, kind, page, ask, loadMs };
}

/** In each round every side has one turn, of one call to warm up and at least three that count; who begins changes. */
async function measure(sides) {
  for (const side of sides) {
    const once = least((await side.ask('turn', { calls: 3 })).networkMs);
    side.calls = once >= 1000 ? 1 : Math.max(3, Math.min(30, Math.round(TURN_MS / once)));
    side.networkMs = [];
    side.callMs = [];
  }
  const quiet = watchMachine();
  for (let round = 0; round < rounds; ++round) {
    const first = round % sides.length;
    for (const side of [...sides.slice(first), ...sides.slice(0, first)]) {
      // Threads that wait by spinning stop meanwhile.
      await side.page.evaluate((ms) => new Promise((resolve) => setTimeout(resolve, ms)), SETTLE_MS);
      const { networkMs, callMs } = await side.ask('turn', { calls: side.calls + 1 });
      side.networkMs.push(...networkMs.slice(1));
      side.callMs.push(...(callMs ?? []).slice(1));
    }
  }
  return quiet();
}

function ourSides(threads, url) {
  const ending = threads > 1 ? '-threads' : '';
  return ['relaxed', 'simd128'].map((kind) => ({
    label: `silhouette, ${kind === 'relaxed' ? 'relaxed SIMD' : 'SIMD128'}`,
    page: 'silhouette',
    load: {
      model: url,
      threads,
      wasm: `/package/dist/wasm/silhouette${kind === 'relaxed' ? '-relaxed' : ''}${ending}.wasm`,
    },
  }));
}

function report(name, threads, sides, peer, quiet) {
  const fastest = least(sides.filter(({ kind }) => kind === peer).map(({ networkMs }) => least(networkMs)));
  const middle = least(sides.filter(({ kind }) => kind === peer).map(({ networkMs }) => median(networkMs)));
  console.log(`\n${name}, ${threads} thread${threads > 1 ? 's' : ''}, ${rounds} rounds`);
  console.table(
    Object.fromEntries(
      sides.map((side) => [
        side.label,
        {
          'min ms': Number(least(side.networkMs).toFixed(1)),
          'median ms': Number(median(side.networkMs).toFixed(1)),
          'min to peer': Number((least(side.networkMs) / fastest).toFixed(2)),
          'median to peer': Number((median(side.networkMs) / middle).toFixed(2)),
          'whole call': side.callMs.length > 0 ? Number(least(side.callMs).toFixed(1)) : '',
          'load ms': Math.round(side.loadMs),
          'first ms': Math.round(side.firstMs),
          agrees: `${(side.checked.agreement * 100).toFixed(3)} %`,
          error: side.checked.error.toExponential(1),
        },
      ]),
    ),
  );
  const share = (value) => `${(value * 100).toFixed(1)} %`;
  console.log(`others took ${share(quiet.others)} of the machine meanwhile, the hypervisor ${share(quiet.stolen)}`);
  return {
    name,
    threads,
    quiet,
    sides: sides.map(({ label, networkMs, callMs, loadMs, firstMs, checked }) => ({
      label,
      networkMs,
      callMs,
      loadMs,
      firstMs,
      ...checked,
    })),
  };
}

/** The peer's results must be PyTorch's, ours PyTorch's where it had the same pixels, and the peer's otherwise. */
async function checkNetwork(sides, model) {
  let reference = model.expected;
  for (const side of sides.filter(({ kind }) => kind === 'onnxruntime')) {
    for (const golden of model.goldens) {
      const { argmax, samples } = await side.ask('logits', { url: golden.url, kept: golden.kept, ...pick(model) });
      const range = golden.samples.reduce((a, b) => Math.max(a, b)) - golden.samples.reduce((a, b) => Math.min(a, b));
      insist(
        side.label,
        model.name,
        'PyTorch',
        agreement(argmax, golden.argmax),
        largestError(samples, golden.samples) / range,
      );
    }
  }
  // Peers first: they are checked already where they become the reference.
  for (const side of [...sides].sort((a, b) => (a.kind === 'silhouette') - (b.kind === 'silhouette'))) {
    const { argmax, probability, firstMs } = await side.ask('photo', { url: model.rgb, ...pick(model) });
    side.firstMs = firstMs;
    reference ??= { argmax, probability };
    const what = model.expected ? 'PyTorch' : 'onnxruntime-web';
    side.checked = insist(
      side.label,
      model.name,
      what,
      agreement(argmax, reference.argmax),
      largestError(probability, reference.probability),
    );
  }
}

function pick({ side, channels, wanted, mean, std }) {
  return { side, channels, wanted, mean, std };
}

async function compareNetwork(context, origin, model, threads) {
  const peer = { page: 'onnxruntime', load: { model: model.onnx, threads } };
  const sides = [];
  for (const side of [...ourSides(threads, model.url), { label: 'onnxruntime-web', ...peer }]) {
    sides.push(await openSide(context, origin, side));
  }
  await checkNetwork(sides, model);
  const found = report(model.name, threads, sides, 'onnxruntime', await measureAndClose(sides));
  return found;
}

async function measureAndClose(sides) {
  const quiet = await measure(sides);
  for (const { page } of sides) await page.close();
  return quiet;
}

async function compareSelfie(context, origin, model, threads) {
  const sides = [];
  const peer = { label: 'LiteRT.js', page: 'litert', load: { model: model.tflite, threads } };
  for (const side of [peer, ...ourSides(threads, model.url)]) sides.push(await openSide(context, origin, side));
  let reference;
  for (const side of sides) {
    const found = await side.ask('photo', { url: model.rgb, side: model.side, wanted: model.wanted });
    side.firstMs = found.firstMs;
    const probability = side.kind === 'litert' ? model.lastOperators(found.values) : found.probability;
    reference ??= probability;
    const classes = (values) => Uint8Array.from(values, (value) => (value > 0.5 ? 1 : 0));
    side.checked = insist(
      side.label,
      model.name,
      'LiteRT.js',
      agreement(classes(probability), classes(reference)),
      largestError(probability, reference),
    );
  }
  return report(model.name, threads, sides, 'litert', await measureAndClose(sides));
}

function sizes() {
  const files = [
    ...['', '-relaxed', '-threads', '-relaxed-threads'].map((kind) =>
      join(options.package, 'dist', 'wasm', `silhouette${kind}.wasm`),
    ),
    join(PACKAGES, 'onnxruntime-web', 'dist', 'ort-wasm-simd-threaded.wasm'),
    join(PACKAGES, '@litertjs', 'core', 'wasm', 'litert_wasm_internal.wasm'),
  ];
  const found = files.map((file) => {
    const data = readFileSync(file);
    return {
      file: file.split('/').at(-1),
      kB: Math.round(data.length / 1000),
      'gzip kB': Math.round(gzipSync(data, { level: 9 }).length / 1000),
      'brotli kB': Math.round(brotliCompressSync(data).length / 1000),
    };
  });
  console.table(found);
  return found;
}

mkdirSync(WORK, { recursive: true });
const models = prepare(positionals, PACKAGES);
const server = await startServer({
  mounts: [
    ['/pages/', fileURLToPath(new URL('pages/', import.meta.url))],
    ['/package/', options.package],
    ['/ort/', join(PACKAGES, 'onnxruntime-web', 'dist')],
    ['/litert/', join(PACKAGES, '@litertjs')],
    ['/work/', WORK],
  ],
  cacheControl: 'max-age=3600',
});
const browser = await launchChromium();
try {
  const found = {
    machine: { processor: cpus()[0].model, processors: availableParallelism(), browser: browser.version() },
    rounds,
    networks: [],
  };
  console.log(JSON.stringify(found.machine));
  const context = await browser.newContext();
  for (const model of models) {
    const compare = model.tflite === undefined ? compareNetwork : compareSelfie;
    if (!parts.includes(model.tflite === undefined ? 'networks' : 'selfie')) continue;
    for (const threads of threadCounts) found.networks.push(await compare(context, server.origin, model, threads));
  }
  await context.close();
  if (parts.includes('opening')) found.opening = await measureOpening(browser, server.origin);
  if (parts.includes('frames')) found.frames = await measureFrames(browser, server.origin);
  if (parts.includes('sizes')) found.sizes = sizes();
  writeFileSync(options.json, `${JSON.stringify(found, undefined, 1)}\n`);
  console.log(`\nall figures: ${options.json}`);
} finally {
  await browser.close();
  await server.close();
}
