import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import {
  DEEPLAB_V3_MOBILENET_V2_EMBEDDED,
  DEEPLAB_V3_RESNET50_520,
  registeredModels,
  Segmenter,
  SelfieSegmentationLabel,
  SemanticSegmentationModule,
  type SemanticSegmentationModelSources,
} from 'silhouette-seg';

import { chelsea, embeddedFile, rejectsWith, scratchFolder, serve, synthesize, tinyFile } from './support.js';

const [width, height] = [451, 300];

test('the documented program of 0.8 and 0.9: fromModelName, forward, delete', async () => {
  const fractions: number[] = [];
  const module = await SemanticSegmentationModule.fromModelName(DEEPLAB_V3_MOBILENET_V2_EMBEDDED, (fraction) => {
    fractions.push(fraction);
  });
  assert.equal(fractions.at(-1), 1);
  const result = await module.forward(chelsea, ['CAT', 'BACKGROUND']);
  assert.deepEqual(Object.keys(result).sort(), ['ARGMAX', 'BACKGROUND', 'CAT']);
  assert.ok(result.ARGMAX instanceof Int32Array);
  assert.ok(result.CAT instanceof Float32Array);
  assert.equal(result.ARGMAX.length, width * height, 'resized to the input unless told otherwise');

  const segmenter = await Segmenter.load(DEEPLAB_V3_MOBILENET_V2_EMBEDDED);
  const expected = await segmenter.segment(chelsea, { classes: ['CAT'], resize: true });
  assert.deepEqual(result.ARGMAX, expected.argmax);
  assert.deepEqual(result.CAT, expected.probabilities.get('CAT'));

  const small = await module.forward(chelsea, [], false);
  assert.deepEqual(Object.keys(small), ['ARGMAX']);
  assert.equal(small.ARGMAX.length, 513 * 513);
  module.delete();
  await rejectsWith(module.forward(chelsea), 'MODEL_NOT_LOADED');
  segmenter.close();
});

test('a name and a source: normalised as ImageNet is, whatever the file says', async () => {
  const path = synthesize('lraspp_mobilenet_v3_large_224', scratchFolder());
  const module = await SemanticSegmentationModule.fromModelName({
    modelName: 'lraspp-mobilenet-v3-large-quantized',
    modelSource: path,
  });
  const segmenter = await Segmenter.load({
    modelSource: path,
    mean: [0.485, 0.456, 0.406],
    std: [0.229, 0.224, 0.225],
  });
  const expected = await segmenter.segment(chelsea, { classes: [15] });
  const result = await module.forward(chelsea, ['PERSON'], false);
  assert.deepEqual(result.ARGMAX, expected.argmax);
  assert.deepEqual(result.PERSON, [...expected.probabilities.values()][0]);
});

test('a source that is a constant keeps what is known of it', async () => {
  const path = new URL(registeredModels().find((entry) => entry.name === DEEPLAB_V3_RESNET50_520)?.url ?? '').pathname;
  const server = await serve((request, response) => {
    const body = request.url === path ? readFileSync(embeddedFile) : undefined;
    response.writeHead(body ? 200 : 404, { 'Content-Length': body?.length ?? 0 });
    response.end(body);
  });
  process.env['SILHOUETTE_MODEL_HOST'] = server.origin;
  try {
    const module = await SemanticSegmentationModule.fromModelName({
      modelName: 'deeplab-v3-resnet50',
      modelSource: DEEPLAB_V3_RESNET50_520,
    });
    const { ARGMAX } = await module.forward(chelsea, [], false);
    assert.equal(ARGMAX.length, 513 * 513);
  } finally {
    delete process.env['SILHOUETTE_MODEL_HOST'];
    await server.close();
  }
});

test('of one channel, the first class is the foreground and the second the rest', async () => {
  const path = synthesize('selfie_256', scratchFolder());
  const segmenter = await Segmenter.load(path, { mean: [0, 0, 0], std: [1, 1, 1] });
  const expected = await segmenter.segment(chelsea, { classes: [0, 1] });
  assert.ok(
    expected.argmax.some((c) => c === 0) && expected.argmax.some((c) => c === 1),
    'both classes are there to be told apart',
  );
  const module = await SemanticSegmentationModule.fromModelName({
    modelName: 'selfie-segmentation',
    modelSource: path,
  });
  const result = await module.forward(chelsea, ['SELFIE', 'BACKGROUND'], false);
  assert.deepEqual(
    result.ARGMAX,
    expected.argmax.map((c) => (c === 1 ? SelfieSegmentationLabel.SELFIE : SelfieSegmentationLabel.BACKGROUND)),
  );
  assert.deepEqual(result.SELFIE, [...expected.probabilities.values()][1]);
  assert.deepEqual(result.BACKGROUND, [...expected.probabilities.values()][0]);
});

test('fromCustomModel: an enum, an object, and what does not fit', async () => {
  enum Mine {
    NOTHING,
    SOMETHING,
    MORE,
  }
  const { channels } = (await Segmenter.load(tinyFile)).description;
  const map = Object.fromEntries(Array.from({ length: channels }, (_, i) => [`CLASS_${String(i)}`, channels - 1 - i]));
  const module = await SemanticSegmentationModule.fromCustomModel(tinyFile, {
    labelMap: map,
    preprocessorConfig: { normMean: [0.1, 0.2, 0.3], normStd: [0.5, 0.5, 0.5] },
  });
  const segmenter = await Segmenter.load(tinyFile, { mean: [0.1, 0.2, 0.3], std: [0.5, 0.5, 0.5] });
  const expected = await segmenter.segment(chelsea, { classes: [channels - 1] });
  const result = await module.forward(chelsea, ['CLASS_0'], false);
  assert.deepEqual(result.ARGMAX, expected.argmax);
  assert.deepEqual(result.CLASS_0, [...expected.probabilities.values()][0]);
  await rejectsWith(module.forward(chelsea, ['CLASS_99']), 'INVALID_ARGUMENT', 'CLASS_99', 'CLASS_0');

  const tooMany = SemanticSegmentationModule.fromCustomModel(embeddedFile, { labelMap: Mine });
  await rejectsWith(tooMany, 'INVALID_ARGUMENT', '21', '3');
  for (const labelMap of [null, {}, ['A', 'B'], { A: 0, B: 2 }, { A: 0, B: 0 }, { A: 0.5 }, { A: '0' }]) {
    await rejectsWith(
      SemanticSegmentationModule.fromCustomModel(tinyFile, { labelMap: labelMap as never }),
      'INVALID_ARGUMENT',
      'labelMap',
    );
  }
});

test('pixels as react-native-executorch has them', async () => {
  const module = await SemanticSegmentationModule.fromModelName(DEEPLAB_V3_MOBILENET_V2_EMBEDDED);
  const segmenter = await Segmenter.load(DEEPLAB_V3_MOBILENET_V2_EMBEDDED);
  const data = Uint8Array.from({ length: 40 * 30 * 3 }, (_, i) => (i * 7) % 256);
  const result = await module.forward({ dataPtr: data, sizes: [30, 40, 3], scalarType: 0 }, ['CAT']);
  const expected = await segmenter.segment({ data, width: 40, height: 30 }, { classes: ['CAT'], resize: true });
  assert.deepEqual(result.ARGMAX, expected.argmax);
  for (const sizes of [[30, 40], [30, 40, 4], [40, 30, 3, 1], undefined]) {
    await rejectsWith(module.forward({ dataPtr: data, sizes: sizes as never }), 'INVALID_ARGUMENT', 'sizes');
  }
  await rejectsWith(module.forward({ dataPtr: data, sizes: [31, 40, 3] }), 'INVALID_ARGUMENT');
});

test('what is no model', async () => {
  for (const model of [null, 7, 'deeplab-v3-resnet50', {}, { modelName: 'resnet', modelSource: tinyFile }]) {
    await rejectsWith(
      SemanticSegmentationModule.fromModelName(model as unknown as SemanticSegmentationModelSources),
      'INVALID_ARGUMENT',
    );
  }
  await rejectsWith(
    SemanticSegmentationModule.fromModelName({ modelName: 'fcn-resnet50', modelSource: '/nowhere.pte' }),
    'FILE_NOT_FOUND',
    '/nowhere.pte',
  );
});
