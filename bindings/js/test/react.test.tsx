import './dom.js';

import { act, cleanup, renderHook, waitFor } from '@testing-library/react';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { afterEach, test } from 'node:test';
import { StrictMode } from 'react';

import { DEEPLAB_V3_MOBILENET_V2_EMBEDDED, DeeplabLabel, SegmentationError, type ResourceSource } from 'silhouette-seg';
import { useImageSegmentation, type UseImageSegmentationOptions } from 'silhouette-seg/react';

import { astronaut, chelsea, embeddedFile, serve, tinyFile } from './support.js';

const patience = { timeout: 30_000 };

afterEach(cleanup);

function render(options: UseImageSegmentationOptions, strict = false) {
  return renderHook((props: UseImageSegmentationOptions) => useImageSegmentation(props), {
    initialProps: options,
    ...(strict ? { wrapper: StrictMode } : {}),
  });
}

type Hook = ReturnType<typeof render>;

async function ready({ result }: Hook): Promise<void> {
  await waitFor(() => {
    assert.equal(result.current.isReady, true, result.current.error ?? 'not ready');
  }, patience);
}

async function refused(promise: Promise<unknown>, message: string): Promise<void> {
  await assert.rejects(promise, (error: unknown) => {
    assert.ok(error instanceof SegmentationError);
    assert.equal(error.message, message);
    return true;
  });
}

test('loads, reports progress and segments', async () => {
  const hook = render({ modelSource: DEEPLAB_V3_MOBILENET_V2_EMBEDDED });
  assert.deepEqual(
    { ...hook.result.current, forward: undefined },
    { forward: undefined, error: null, isReady: false, isGenerating: false, downloadProgress: 0 },
  );
  await ready(hook);
  assert.equal(hook.result.current.downloadProgress, 1);
  let out: Partial<Record<DeeplabLabel, number[]>> = {};
  await act(async () => {
    out = await hook.result.current.forward(chelsea, [DeeplabLabel.CAT], true);
  });
  assert.deepEqual(Object.keys(out), ['8', '21']);
  assert.ok(Array.isArray(out[DeeplabLabel.ARGMAX]));
  assert.equal(out[DeeplabLabel.CAT]?.length, out[DeeplabLabel.ARGMAX].length);
  assert.equal(hook.result.current.error, null);
});

test('forward before the model is ready', async () => {
  const hook = render({ modelSource: embeddedFile });
  await refused(hook.result.current.forward(chelsea), 'module not loaded');
  assert.equal(hook.result.current.isGenerating, false);
  await ready(hook);
});

test('a second forward in the same tick is refused, a third after the first is not', async () => {
  const hook = render({ modelSource: embeddedFile });
  await ready(hook);
  const { forward } = hook.result.current;
  let first: Promise<unknown> = Promise.resolve();
  await act(async () => {
    first = forward(chelsea);
    await refused(forward(astronaut), 'model generating');
  });
  assert.equal(hook.result.current.isGenerating, true);
  await refused(hook.result.current.forward(astronaut), 'model generating');
  await act(async () => {
    await first;
  });
  assert.equal(hook.result.current.isGenerating, false);
  await act(async () => {
    await hook.result.current.forward(astronaut);
  });
});

test('a forward that fails leaves the hook ready', async () => {
  const hook = render({ modelSource: tinyFile });
  await ready(hook);
  await act(async () => {
    await assert.rejects(hook.result.current.forward('/no/such.jpg'), { code: 'FILE_NOT_FOUND' });
  });
  assert.equal(hook.result.current.isGenerating, false);
  assert.equal(hook.result.current.error, null);
  assert.equal(hook.result.current.isReady, true);
  await act(async () => {
    await hook.result.current.forward(chelsea);
  });
});

test('a load that fails gives a string', async () => {
  const hook = render({ modelSource: '/no/such.pte' });
  await waitFor(() => {
    assert.equal(typeof hook.result.current.error, 'string');
  }, patience);
  assert.match(hook.result.current.error ?? '', /\/no\/such\.pte/);
  assert.equal(hook.result.current.isReady, false);
  await refused(hook.result.current.forward(chelsea), 'module not loaded');
  // Another source is another try.
  hook.rerender({ modelSource: tinyFile });
  await ready(hook);
  assert.equal(hook.result.current.error, null);
});

test('a source that can not be one gives a string too', async () => {
  const hook = render({ modelSource: 987_654 });
  await waitFor(() => {
    assert.match(hook.result.current.error ?? '', /987654/);
  }, patience);
});

test('unmount during a load ends the download', async () => {
  let ended = false;
  const server = await serve((_request, response) => {
    response.writeHead(200, { 'Content-Length': 1000 });
    response.write('a');
    response.on('close', () => {
      ended = true;
    });
  });
  try {
    const hook = render({ modelSource: `${server.origin}/unmounted.pte` });
    await waitFor(() => {
      assert.equal(server.requests.length, 1);
    }, patience);
    const { forward } = hook.result.current;
    hook.unmount();
    await refused(forward(chelsea), 'module not loaded');
    await waitFor(() => {
      assert.ok(ended);
    }, patience);
  } finally {
    await server.close();
  }
});

test('unmount during a forward lets it end', async () => {
  const hook = render({ modelSource: embeddedFile });
  await ready(hook);
  let running: Promise<Partial<Record<DeeplabLabel, number[]>>> = Promise.resolve({});
  act(() => {
    running = hook.result.current.forward(chelsea);
  });
  // The call has the model once its promise chain has come to it.
  await new Promise((done) => setImmediate(done));
  hook.unmount();
  assert.equal((await running)[DeeplabLabel.ARGMAX]?.length, 513 * 513);
});

test('another modelSource replaces the model', async () => {
  const hook = render({ modelSource: tinyFile });
  await ready(hook);
  hook.rerender({ modelSource: embeddedFile });
  assert.equal(hook.result.current.isReady, false);
  await refused(hook.result.current.forward(chelsea), 'module not loaded');
  await ready(hook);
  await act(async () => {
    assert.equal((await hook.result.current.forward(chelsea))[DeeplabLabel.ARGMAX].length, 513 * 513);
  });
});

test('another modelSource while the first one loads: the later one counts', async () => {
  const bytes = readFileSync(tinyFile);
  const server = await serve((_request, response) => {
    response.writeHead(200, { 'Content-Length': bytes.length });
    response.write(bytes.subarray(0, 10));
  });
  try {
    const hook = render({ modelSource: `${server.origin}/slow.pte` });
    await waitFor(() => {
      assert.equal(server.requests.length, 1);
    }, patience);
    hook.rerender({ modelSource: embeddedFile });
    await ready(hook);
    assert.equal(hook.result.current.error, null);
    await act(async () => {
      assert.equal((await hook.result.current.forward(chelsea))[DeeplabLabel.ARGMAX].length, 513 * 513);
    });
  } finally {
    await server.close();
  }
});

test('a literal object in the component is one model, not one for each render', async () => {
  const server = await serve((_request, response) => {
    response.end(readFileSync(tinyFile));
  });
  try {
    const source = (): ResourceSource => ({ modelSource: `${server.origin}/literal.pte`, mean: [0, 0, 0] });
    const hook = render({ modelSource: source() });
    await ready(hook);
    hook.rerender({ modelSource: source() });
    assert.equal(hook.result.current.isReady, true);
    assert.equal(server.requests.length, 1);
  } finally {
    await server.close();
  }
});

test('preventLoad, turned off later and on again', async () => {
  const hook = render({ modelSource: tinyFile, preventLoad: true });
  await act(() => new Promise((done) => setTimeout(done, 20)));
  assert.equal(hook.result.current.isReady, false);
  assert.equal(hook.result.current.downloadProgress, 0);
  await refused(hook.result.current.forward(chelsea), 'module not loaded');
  hook.rerender({ modelSource: tinyFile, preventLoad: false });
  await ready(hook);
  hook.rerender({ modelSource: tinyFile, preventLoad: true });
  assert.equal(hook.result.current.isReady, true);
  await act(async () => {
    await hook.result.current.forward(chelsea);
  });
});

test("StrictMode's double effects", async () => {
  const hook = render({ modelSource: DEEPLAB_V3_MOBILENET_V2_EMBEDDED }, true);
  await ready(hook);
  assert.equal(hook.result.current.error, null);
  await act(async () => {
    await hook.result.current.forward(chelsea);
  });
  hook.rerender({ modelSource: tinyFile });
  await ready(hook);
  hook.unmount();
});

test('two hooks have a model each', async () => {
  const [one, other] = [render({ modelSource: tinyFile }), render({ modelSource: embeddedFile })];
  await ready(one);
  await ready(other);
  await act(async () => {
    const [small, large] = await Promise.all([
      one.result.current.forward(chelsea),
      other.result.current.forward(chelsea),
    ]);
    assert.ok(small[DeeplabLabel.ARGMAX].length < large[DeeplabLabel.ARGMAX].length);
  });
});
