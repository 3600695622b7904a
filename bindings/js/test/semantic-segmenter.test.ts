import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

import {
  createSemanticSegmenter,
  DEEPLAB_V3_MOBILENET_V2_EMBEDDED,
  download,
  IMAGENET_NORM,
  isRnExecuTorchError,
  models,
  PASCAL_VOC_LABELS,
  RnExecuTorchError,
  Segmenter,
  type ImageBuffer,
  type RnExecuTorchErrorCode,
  type SemanticSegmenterModel,
} from 'silhouette-seg';

import { embeddedFile, scratchFolder, serveFile, synthesize, tinyFile } from './support.js';

const symmetric = { alpha: 1 / 127.5, beta: -1 };

function config(
  modelPath: string = DEEPLAB_V3_MOBILENET_V2_EMBEDDED,
): SemanticSegmenterModel<(typeof PASCAL_VOC_LABELS)[number]> {
  return {
    modelPath,
    modelOpts: {
      labels: PASCAL_VOC_LABELS,
      resizeMode: 'stretch',
      interpolation: 'linear',
      normalizeOpts: symmetric,
      outInterpolation: 'lanczos',
    },
  };
}

function buffer(format: ImageBuffer['format'] = 'rgb', width = 48, height = 30): ImageBuffer {
  const channels = { rgb: 3, rgba: 4, bgr: 3, bgra: 4, gray: 1 }[format];
  const data = new Uint8Array(width * height * channels);
  for (let i = 0; i < width * height; ++i) {
    const rgb = [(i * 3) % 256, (i * 5) % 256, (i * 11) % 256];
    if (format.startsWith('b')) rgb.reverse();
    for (let c = 0; c < channels; ++c) data[i * channels + c] = c < 3 ? (rgb[c] as number) : i % 256;
  }
  return { data, width, height, format, layout: 'hwc' };
}

async function rejectsAs(promise: Promise<unknown>, code: RnExecuTorchErrorCode, ...words: string[]): Promise<void> {
  await assert.rejects(promise, (error: unknown) => {
    assert.ok(isRnExecuTorchError(error, code), String(error));
    assert.ok(error instanceof RnExecuTorchError);
    for (const word of words) assert.ok(error.message.includes(word), `'${word}' in: ${error.message}`);
    return true;
  });
}

test('the documented program of 0.10: create, segment, dispose', async () => {
  const segmenter = await createSemanticSegmenter(config());
  const input = buffer();
  const {
    buffer: picture,
    colormap,
    classMap,
    probabilities,
  } = await segmenter.segment(input, null, {
    classes: ['cat', 'background'],
  });
  assert.deepEqual(
    { ...picture, data: undefined },
    { data: undefined, width: 48, height: 30, format: 'rgba', layout: 'hwc' },
  );
  assert.equal(picture.data.length, 48 * 30 * 4);

  const plain = await Segmenter.load(DEEPLAB_V3_MOBILENET_V2_EMBEDDED, { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] });
  const expected = await plain.segment(
    { data: input.data, width: 48, height: 30 },
    { resize: true, filter: 'linear', classes: ['CAT', 'BACKGROUND'] },
  );
  assert.deepEqual(classMap, expected.argmax);
  assert.deepEqual(probabilities.get('cat'), expected.probabilities.get('CAT'));
  assert.deepEqual([...probabilities.keys()].sort(), ['background', 'cat']);

  // Colours as published: the first class transparent, the others HSL(i × 137.5 mod 360, 95 %, 50 %).
  assert.ok(colormap);
  assert.deepEqual(colormap.background, [0, 0, 0, 0]);
  assert.deepEqual(colormap.aeroplane, [6, 249, 77, 255]);
  assert.deepEqual(Object.keys(colormap), [...PASCAL_VOC_LABELS]);
  classMap.forEach((label, i) => {
    const color = colormap[PASCAL_VOC_LABELS[label] as 'cat'];
    assert.deepEqual([...picture.data.subarray(4 * i, 4 * i + 4)], [...color]);
  });
  segmenter.dispose();
  await rejectsAs(segmenter.segment(input), 'RESOURCE_DISPOSED');
  assert.throws(
    () => segmenter.segmentWorklet(input),
    (error) => isRnExecuTorchError(error, 'INVALID_STATE'),
  );
});

test('colours of the caller: what is left out is transparent', async () => {
  const segmenter = await createSemanticSegmenter(config());
  const { buffer: picture, colormap, classMap } = await segmenter.segment(buffer(), { background: [1, 2, 3, 4] });
  assert.deepEqual(colormap?.background, [1, 2, 3, 4]);
  assert.deepEqual(colormap.dog, [0, 0, 0, 0]);
  const at = classMap.indexOf(0);
  assert.ok(at >= 0);
  assert.deepEqual([...picture.data.subarray(4 * at, 4 * at + 4)], [1, 2, 3, 4]);
  for (const bad of [{ background: [1, 2, 3] }, { background: [1, 2, 3, 256] }, { lion: [0, 0, 0, 0] }, 7]) {
    await rejectsAs(segmenter.segment(buffer(), bad as never), 'INVALID_ARGUMENT');
  }
});

test('formats of images: channels in any order are one picture, alpha is left out', async () => {
  const segmenter = await createSemanticSegmenter(config());
  const classes = { classes: ['cat'] } as const;
  const expected = await segmenter.segment(buffer('rgb'), null, classes);
  for (const format of ['bgr', 'rgba', 'bgra'] as const) {
    const result = await segmenter.segment(buffer(format), null, classes);
    assert.deepEqual(result.probabilities.get('cat'), expected.probabilities.get('cat'), format);
  }
  const grey = await segmenter.segment(buffer('gray'));
  assert.equal(grey.classMap.length, 48 * 30);
  for (const bad of [
    { ...buffer(), width: 49 },
    { ...buffer(), format: 'yuv' },
    { ...buffer(), layout: 'chw' },
    { ...buffer(), data: [1, 2, 3] },
    { ...buffer(), width: 0 },
    null,
  ]) {
    await rejectsAs(segmenter.segment(bad as never), 'INVALID_ARGUMENT');
  }
  await rejectsAs(segmenter.segment(buffer(), null, { classes: 'cat' as never }), 'INVALID_ARGUMENT', "'cat'");
});

test('one channel: its probability in grey, and no colours', async () => {
  const path = synthesize('selfie_256', scratchFolder());
  const { modelOpts } = models.semanticSegmentation.SELFIE_SEGMENTATION.DEFAULT;
  const segmenter = await createSemanticSegmenter({ modelPath: path, modelOpts });
  const { buffer: picture, colormap, classMap, probabilities } = await segmenter.segment(buffer());
  assert.equal(colormap, undefined);
  const person = probabilities.get('person');
  assert.ok(person);
  person.forEach((p, i) => {
    const grey = Math.round(255 * p);
    assert.deepEqual([...picture.data.subarray(4 * i, 4 * i + 4)], [grey, grey, grey, 255]);
    if (Math.abs(p - 0.5) > 1e-6) assert.equal(classMap[i], p > 0.5 ? 1 : 0);
  });
});

test('failures have the codes of 0.10', async () => {
  await rejectsAs(createSemanticSegmenter(config('/nowhere.pte')), 'LOAD_FAILED', '/nowhere.pte');
  await rejectsAs(createSemanticSegmenter(config(tinyFile)), 'INVALID_ARGUMENT', '21');
  const opts = config().modelOpts;
  for (const bad of [
    { ...opts, resizeMode: 'crop' },
    { ...opts, interpolation: 'nearest' },
    { ...opts, outInterpolation: 'magic' },
    { ...opts, labels: 'cat' },
    { ...opts, normalizeOpts: { alpha: 0 } },
    { ...opts, normalizeOpts: { beta: [1, 2] } },
    undefined,
  ]) {
    await rejectsAs(createSemanticSegmenter({ ...config(), modelOpts: bad } as never), 'INVALID_ARGUMENT');
  }
  await rejectsAs(createSemanticSegmenter(config('http://127.0.0.1:9/model.pte')), 'DOWNLOAD_FAILED');
  const aborted = AbortSignal.abort();
  await rejectsAs(createSemanticSegmenter(config(), { signal: aborted }), 'DOWNLOAD_ABORTED');
});

test('the registry: paths, labels and normalisation', () => {
  const { DEEPLAB_V3_RESNET50, SELFIE_SEGMENTATION_LANDSCAPE, ...others } = models.semanticSegmentation;
  assert.equal(
    DEEPLAB_V3_RESNET50.XNNPACK_FP32.modelPath,
    'https://huggingface.co/software-mansion/react-native-executorch-deeplab-v3/resolve/v0.10.0/xnnpack/deeplab_v3_resnet50_xnnpack_fp32.pte',
  );
  assert.equal(DEEPLAB_V3_RESNET50.DEFAULT, DEEPLAB_V3_RESNET50.XNNPACK_INT8);
  assert.equal(DEEPLAB_V3_RESNET50.DEFAULT.modelOpts.normalizeOpts, IMAGENET_NORM);
  assert.deepEqual(SELFIE_SEGMENTATION_LANDSCAPE.DEFAULT.modelOpts.labels, ['background', 'person']);
  assert.equal(Object.keys(others).length, 6);
});

test('download: every file once, paths instead of URLs', async () => {
  const server = await serveFile(embeddedFile);
  try {
    const url = `${server.origin}/a.pte`;
    const fractions: number[] = [];
    const wanted = { ...config(url), again: [url], size: 7, nothing: null };
    const got = await download(wanted, { onProgress: (fraction) => fractions.push(fraction) });
    assert.equal(server.requests.length, 1);
    assert.equal(fractions.at(-1), 1);
    assert.ok(fractions.every((f, i) => f >= (fractions[i - 1] ?? 0)));
    assert.ok(existsSync(got.modelPath));
    assert.deepEqual(readFileSync(got.modelPath), readFileSync(embeddedFile));
    assert.deepEqual(got, { ...wanted, modelPath: got.modelPath, again: [got.modelPath] });
    await download(url);
    assert.equal(server.requests.length, 1, 'it is in the cache');
    await download(url, { forceDownload: true });
    assert.equal(server.requests.length, 2);
    const segmenter = await createSemanticSegmenter(got);
    await segmenter.segment(buffer());
    const once = new Date();
    assert.deepEqual(
      await download({ at: new URL(url), once }),
      { at: got.modelPath, once },
      'what is no plain value stays',
    );
    const cyclic: Record<string, unknown> = {};
    cyclic['self'] = cyclic;
    await rejectsAs(download(cyclic), 'INVALID_ARGUMENT', 'itself');
    await rejectsAs(download(url, { onProgress: 5 as never }), 'INVALID_ARGUMENT', 'onProgress');
    await rejectsAs(download(`${server.origin}/b.pte`, { signal: AbortSignal.abort() }), 'DOWNLOAD_ABORTED');
  } finally {
    await server.close();
  }
});
