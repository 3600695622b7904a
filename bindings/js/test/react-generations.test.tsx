import './dom.js';

import { act, cleanup, renderHook, waitFor } from '@testing-library/react';
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { StrictMode } from 'react';

import {
  DEEPLAB_V3_MOBILENET_V2_EMBEDDED,
  PASCAL_VOC_LABELS,
  SegmentationError,
  type SemanticSegmenterModel,
} from 'silhouette-seg';
import { useSemanticSegmentation, useSemanticSegmenter, type UseSemanticSegmenterOptions } from 'silhouette-seg/react';

import { astronaut, chelsea, embeddedFile, serve, serveFile } from './support.js';

const patience = { timeout: 30_000 };

afterEach(cleanup);

test('useSemanticSegmentation: the documented component of 0.8 and 0.9', async () => {
  const hook = renderHook(() => useSemanticSegmentation({ model: DEEPLAB_V3_MOBILENET_V2_EMBEDDED }), {
    wrapper: StrictMode,
  });
  const { result } = hook;
  assert.deepEqual(
    { ...result.current, forward: undefined },
    { forward: undefined, error: null, isReady: false, isGenerating: false, downloadProgress: 0, runOnFrame: null },
  );
  await assert.rejects(result.current.forward(chelsea), { message: 'module not loaded', code: 'MODEL_NOT_LOADED' });
  await waitFor(() => {
    assert.equal(result.current.isReady, true, result.current.error?.message);
  }, patience);
  assert.equal(result.current.downloadProgress, 1);
  let keys: string[] = [];
  await act(async () => {
    const first = result.current.forward(chelsea, ['CAT']);
    await assert.rejects(result.current.forward(astronaut), { message: 'model generating' });
    const maps = await first;
    keys = Object.keys(maps);
    assert.ok(maps.CAT.length === maps.ARGMAX.length && maps.ARGMAX.length === 451 * 300);
  });
  assert.deepEqual(keys.sort(), ['ARGMAX', 'CAT']);
  assert.equal(result.current.isGenerating, false);
  const { forward } = result.current;
  hook.rerender();
  assert.equal(result.current.forward, forward, 'a stable function');
  hook.unmount();
  await assert.rejects(forward(chelsea), { message: 'module not loaded' });
});

test('useSemanticSegmentation: a load that fails gives an error with a code', async () => {
  const { result } = renderHook(() =>
    useSemanticSegmentation({ model: { modelName: 'fcn-resnet50', modelSource: '/no/such.pte' } }),
  );
  await waitFor(() => {
    assert.ok(result.current.error instanceof SegmentationError);
  }, patience);
  assert.equal(result.current.error?.code, 'FILE_NOT_FOUND');
  assert.equal(result.current.isReady, false);
});

const config = (modelPath: string): SemanticSegmenterModel<(typeof PASCAL_VOC_LABELS)[number]> => ({
  modelPath,
  modelOpts: {
    labels: PASCAL_VOC_LABELS,
    resizeMode: 'stretch',
    interpolation: 'linear',
    normalizeOpts: { alpha: 1 / 127.5, beta: -1 },
    outInterpolation: 'linear',
  },
});

const render = (path: string, options?: UseSemanticSegmenterOptions) =>
  renderHook(
    (props: { path: string; options?: UseSemanticSegmenterOptions | undefined }) =>
      useSemanticSegmenter(config(props.path), props.options),
    { initialProps: { path, options } },
  );

test('useSemanticSegmenter: the documented component of 0.10', async () => {
  const server = await serveFile(embeddedFile);
  try {
    const hook = render(`${server.origin}/hook.pte`, { preventLoad: true });
    const { result } = hook;
    assert.equal(result.current.isReady, false);
    assert.equal(typeof result.current.segment, 'undefined');
    assert.equal(server.requests.length, 0);
    hook.rerender({ path: `${server.origin}/hook.pte`, options: undefined });
    await waitFor(() => {
      assert.equal(result.current.isReady, true, result.current.error?.message);
    }, patience);
    assert.equal(server.requests.length, 1);
    assert.equal(result.current.downloadProgress, 100);
    assert.deepEqual(result.current.resource, config(`${server.origin}/hook.pte`));
    assert.deepEqual(result.current.labels, PASCAL_VOC_LABELS);
    const { segment } = result.current;
    assert.ok(segment);
    const image = {
      data: new Uint8Array(24 * 16 * 3).fill(90),
      width: 24,
      height: 16,
      format: 'rgb',
      layout: 'hwc',
    } as const;
    const { classMap, buffer } = await segment(image);
    assert.equal(classMap.length, 24 * 16);
    assert.equal(buffer.data.length, 24 * 16 * 4);
    // A literal in every render is one model.
    hook.rerender({ path: `${server.origin}/hook.pte`, options: undefined });
    assert.equal(result.current.segment, segment);
    hook.unmount();
    await assert.rejects(segment(image), { code: 'RESOURCE_DISPOSED' });
  } finally {
    await server.close();
  }
});

test('useSemanticSegmenter: unmounting ends the download, an error has the code of 0.10', async () => {
  let ended = false;
  const server = await serve((request, response) => {
    if (request.url === '/gone.pte') {
      response.writeHead(404);
      response.end();
      return;
    }
    response.writeHead(200, { 'Content-Length': 1000 });
    response.write('a');
    response.on('close', () => {
      ended = true;
    });
  });
  try {
    const hook = render(`${server.origin}/slow.pte`);
    await waitFor(() => {
      assert.equal(server.requests.length, 1);
    }, patience);
    hook.unmount();
    await waitFor(() => {
      assert.equal(ended, true);
    }, patience);
    const failed = render(`${server.origin}/gone.pte`);
    await waitFor(() => {
      assert.equal((failed.result.current.error as { code?: unknown } | undefined)?.code, 'DOWNLOAD_FAILED');
    }, patience);
    assert.equal(failed.result.current.isReady, false);
  } finally {
    await server.close();
  }
});
