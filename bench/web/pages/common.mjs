/** Fetches a file as a typed array. */
export async function read(url, Type = Uint8Array) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return new Type(await response.arrayBuffer());
}

/** RGB pixels as planes of a network's input. */
export function toPlanes(rgb, mean, std) {
  const count = rgb.length / 3;
  const planes = new Float32Array(rgb.length);
  for (let c = 0; c < 3; ++c) {
    for (let i = 0; i < count; ++i) planes[c * count + i] = (rgb[3 * i + c] / 255 - mean[c]) / std[c];
  }
  return planes;
}

/** The most probable class of every pixel, and the probability of one class, of logits as planes. */
export function decide(logits, classes, wanted) {
  const count = logits.length / classes;
  const argmax = new Uint8Array(count);
  const probability = new Float32Array(count);
  for (let i = 0; i < count; ++i) {
    let best = 0;
    for (let c = 1; c < classes; ++c) if (logits[c * count + i] > logits[best * count + i]) best = c;
    let sum = 0;
    for (let c = 0; c < classes; ++c) sum += Math.exp(logits[c * count + i] - logits[best * count + i]);
    argmax[i] = best;
    probability[i] = Math.exp(logits[wanted * count + i] - logits[best * count + i]) / sum;
  }
  return { argmax, probability };
}

/** Every `stride`-th pixel of planes n × n, from `offset`: what golden results keep. */
export function sampled(planes, channels, n, { offset, stride }) {
  const places = [];
  for (let at = offset; at < n; at += stride) places.push(at);
  const out = new Float32Array(channels * places.length ** 2);
  let to = 0;
  for (let c = 0; c < channels; ++c) {
    for (const y of places) for (const x of places) out[to++] = planes[(c * n + y) * n + x];
  }
  return out;
}

/** A module worker that answers each message with one. */
export async function startWorker(url) {
  const worker = new Worker(url, { type: 'module' });
  const answer = () =>
    new Promise((resolve, reject) => {
      worker.onerror = (event) => reject(new Error(`${url}: ${event.message}`));
      worker.onmessage = ({ data }) => {
        if (data.error === undefined) resolve(data);
        else reject(new Error(`${url}: ${data.error}`));
      };
    });
  await answer();
  return (message) => {
    const answered = answer();
    worker.postMessage(message);
    return answered;
  };
}

/** The other end: `commands` by name. Its first message says that it listens. */
export function serve(commands) {
  self.onmessage = async ({ data: { command, ...rest } }) => {
    try {
      self.postMessage((await commands[command](rest)) ?? {});
    } catch (error) {
      self.postMessage({ error: String(error.stack ?? error) });
    }
  };
  self.postMessage({});
}
