import { onAbort } from '../abort.js';
import { messageOf, SegmentationError, type ErrorCode } from '../errors.js';
import { displaySource } from './sources.js';

/** Bounds of one download; times in milliseconds. The defaults are the native library's. */
export interface DownloadLimits {
  readonly maxBytes: number;
  /** Gives up when nothing came for so long. */
  readonly stallMs: number;
  /** Gives up when fewer bytes a second came on average for `rateWindowMs` of waiting for them; 0: never. */
  readonly leastRate: number;
  readonly rateWindowMs: number;
  /** Of all attempts together; 0: without end. */
  readonly longestMs: number;
  /** New attempts after a dropped connection, status 408, 429 or 5xx; those that bring it on by 1 MiB don't count. */
  readonly retries: number;
  /** Before the first new attempt; doubled for each further one, up to `maxDelayMs`. */
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
  /** A server that asks to wait longer is given up. */
  readonly maxRetryAfterMs: number;
}

export const MODEL_LIMITS: DownloadLimits = {
  // A buffer can't have more where this runs, and an engine's memory hasn't room for it.
  maxBytes: 2 ** 31 - 1,
  stallMs: 30_000,
  leastRate: 1024,
  rateWindowMs: 30_000,
  longestMs: 6 * 3_600_000,
  retries: 4,
  firstDelayMs: 500,
  maxDelayMs: 8_000,
  maxRetryAfterMs: 60_000,
};

/** An image on the web is fetched while somebody waits: one more try, soon. */
export const IMAGE_LIMITS: DownloadLimits = {
  ...MODEL_LIMITS,
  maxBytes: 256 * 1024 * 1024,
  longestMs: 300_000,
  retries: 1,
  firstDelayMs: 200,
};

/** Whether another attempt may help: `unreachable` only if there was a connection a moment ago. */
export type FailureKind = 'final' | 'unreachable' | 'temporary';

/** Why an attempt failed. */
export class TransferFailure extends Error {
  readonly error: SegmentationError;
  readonly kind: FailureKind;
  /** Of HTTP, 0 if none came. */
  readonly status: number;
  readonly retryAfterMs: number;

  constructor(error: SegmentationError, kind: FailureKind, status = 0, retryAfterMs = 0) {
    super(error.message);
    this.error = error;
    this.kind = kind;
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

/** The head of a successful answer (status 200, 203 or 206). */
export interface ResponseHead {
  readonly partial: boolean;
  /** Of a part: where it starts in the file, if the server tells. */
  readonly start: number | undefined;
  /** Bytes of the whole file, as they will come; undefined if that isn't known. */
  readonly total: number | undefined;
  /** Whether more bytes than `total` may come, because it is hidden whether they were compressed on the way. */
  readonly guessed: boolean;
  /** A strong ETag, or ''. */
  readonly etag: string;
  readonly encoded: boolean;
}

/** Takes the body of a successful answer. */
export interface BodySink {
  begin(head: ResponseHead): Promise<void> | void;
  write(bytes: Uint8Array): Promise<void> | void;
}

export function downloadError(url: string, what: string, code: ErrorCode = 'DOWNLOAD_FAILED'): SegmentationError {
  return new SegmentationError(code, `download of '${displaySource(url)}' failed: ${what}`);
}

export const cancelled = (url: string): SegmentationError => downloadError(url, 'cancelled', 'CANCELLED');

const MEANINGS: Readonly<Record<number, string>> = {
  400: 'bad request',
  401: 'not authorized',
  403: 'forbidden',
  404: 'not found',
  408: 'request timed out',
  410: 'gone',
  416: 'range not satisfiable',
  429: 'too many requests',
  500: 'internal server error',
  502: 'bad gateway',
  503: 'service unavailable',
  504: 'gateway timed out',
};

/** RFC 9110: seconds, or a date. */
function retryAfter(value: string | null): number {
  if (value === null) return 0;
  if (/^\d+$/.test(value.trim())) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? 0 : Math.max(0, date - Date.now());
}

function statusFailure(url: string, response: Response): TransferFailure {
  const { status } = response;
  const temporary = status === 408 || status === 429 || status >= 500;
  const meaning = MEANINGS[status];
  const error = downloadError(
    url,
    `HTTP status ${String(status)}${meaning === undefined ? '' : ` (${meaning})`}; ` +
      (temporary ? 'try again later' : 'check the address'),
  );
  return new TransferFailure(
    error,
    temporary ? 'temporary' : 'final',
    status,
    retryAfter(response.headers.get('Retry-After')),
  );
}

function numberIn(text: string | null | undefined): number | undefined {
  return text !== null && text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function headOf(response: Response): ResponseHead {
  const { headers, status } = response;
  const encoding = headers.get('Content-Encoding');
  const encoded = encoding !== null && encoding !== '' && encoding !== 'identity';
  const tag = headers.get('ETag') ?? '';
  const partial = status === 206;
  const range = /^bytes (\d{1,15})-\d{1,15}\/(\d{1,15}|\*)$/.exec(headers.get('Content-Range') ?? '');
  const length = encoded ? undefined : numberIn(headers.get('Content-Length'));
  return {
    partial,
    start: partial ? numberIn(range?.[1]) : undefined,
    total: partial ? numberIn(range?.[2]) : length,
    // Other sites' servers have to allow that a page sees Content-Encoding; Content-Length it always sees.
    guessed: response.type === 'cors' && encoding === null,
    etag: tag.startsWith('W/') ? '' : tag,
    encoded,
  };
}

/** What `fetch` says when it gets no answer: a browser's reasons are in its console only. */
function fetchFailure(url: string, error: unknown): TransferFailure {
  const cause = (error as { cause?: { code?: unknown } } | null)?.cause;
  if (cause !== undefined) {
    const dropped = ['ECONNRESET', 'UND_ERR_SOCKET', 'EPIPE'].includes(String(cause.code));
    const why = `${messageOf(cause)}; check the address and the network`;
    return new TransferFailure(downloadError(url, why), dropped ? 'temporary' : 'unreachable');
  }
  const why =
    `${messageOf(error)}; check the address and the network, and whether that server lets other sites read the file ` +
    '(CORS: Access-Control-Allow-Origin) and this page may ask it (CSP: connect-src)';
  return new TransferFailure(downloadError(url, why), 'unreachable');
}

/** The end of one attempt that this side asks for: because of a signal, or of too little that comes. */
class Attempt {
  readonly #controller = new AbortController();
  readonly #limits: DownloadLimits;
  readonly #url: string;
  #reason: TransferFailure | SegmentationError | undefined;
  #waitedMs = 0;
  #received = 0;

  constructor(url: string, limits: DownloadLimits) {
    this.#url = url;
    this.#limits = limits;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  end(reason: TransferFailure | SegmentationError): void {
    this.#reason ??= reason;
    this.#controller.abort();
  }

  /** Waits for something from the network; ends the attempt when it takes too long. */
  async wait<T>(promise: Promise<T>, kind: FailureKind): Promise<T> {
    const { stallMs, leastRate, rateWindowMs } = this.#limits;
    const started = performance.now();
    const timer = setTimeout(() => {
      const why = `nothing came for ${String(stallMs)} ms; check the network`;
      this.end(new TransferFailure(downloadError(this.#url, why), kind));
    }, stallMs);
    // Who ends an attempt needn't wait for what the network does about it.
    let stopListening = (): void => undefined;
    const ended = new Promise<never>((_, reject) => {
      stopListening = onAbort(this.signal, () => {
        reject(this.#reason ?? cancelled(this.#url));
      });
    });
    try {
      return await Promise.race([promise, ended]);
    } catch (error) {
      throw this.#reason ?? error;
    } finally {
      clearTimeout(timer);
      stopListening();
      this.#waitedMs += performance.now() - started;
      if (leastRate > 0 && this.#waitedMs >= rateWindowMs) {
        const slow = this.#received < (leastRate * this.#waitedMs) / 1000;
        this.#waitedMs = 0;
        this.#received = 0;
        if (slow) this.#endSlow();
      }
    }
  }

  count(bytes: number): void {
    this.#received += bytes;
    if (this.#reason !== undefined) throw this.#reason;
  }

  #endSlow(): void {
    const { leastRate, rateWindowMs } = this.#limits;
    const why =
      `fewer than ${String(leastRate)} bytes a second came for ${String(rateWindowMs)} ms; check the network, or allow a ` +
      'lower rate';
    this.end(new TransferFailure(downloadError(this.#url, why), 'temporary'));
  }
}

function tooLarge(url: string, maxBytes: number): SegmentationError {
  return downloadError(url, `it has more than ${String(maxBytes)} bytes, which is the limit`, 'LIMIT_EXCEEDED');
}

async function readBody(
  url: string,
  response: Response,
  head: ResponseHead,
  attempt: Attempt,
  maxBytes: number,
  sink: BodySink,
): Promise<void> {
  const start = head.start ?? 0;
  if ((head.total ?? 0) > maxBytes) throw new TransferFailure(tooLarge(url, maxBytes), 'final');
  await sink.begin(head);
  if (response.body === null) return;
  const reader = response.body.getReader();
  let received = 0;
  for (;;) {
    let next;
    try {
      next = await attempt.wait(reader.read(), 'temporary');
    } catch (error) {
      reader.cancel().catch(() => undefined);
      if (error instanceof TransferFailure || error instanceof SegmentationError) throw error;
      const end = head.total === undefined ? 'bytes, before its end' : `of ${String(head.total)} bytes`;
      throw new TransferFailure(downloadError(url, `ended after ${String(start + received)} ${end}`), 'temporary');
    }
    if (next.done) return;
    received += next.value.length;
    attempt.count(next.value.length);
    if (start + received > maxBytes) throw new TransferFailure(tooLarge(url, maxBytes), 'final');
    await sink.write(next.value);
  }
}

/**
 * One GET, by the platform's `fetch`, which follows redirects. Fails with a `TransferFailure`, or with what the sink throws or
 * the signal asks for (`CANCELLED`).
 */
export async function transfer(
  url: string,
  headers: Readonly<Record<string, string>>,
  limits: DownloadLimits,
  sink: BodySink,
  signal: AbortSignal,
): Promise<void> {
  if (signal.aborted) throw cancelled(url);
  const attempt = new Attempt(url, limits);
  const stopListening = onAbort(signal, () => {
    attempt.end(cancelled(url));
  });
  try {
    let response;
    try {
      // The browser's cache would keep a second copy.
      const answer = fetch(url, { headers, signal: attempt.signal, cache: 'no-store' });
      response = await attempt.wait(answer, 'unreachable');
    } catch (error) {
      if (error instanceof TransferFailure || error instanceof SegmentationError) throw error;
      throw fetchFailure(url, error);
    }
    if (![200, 203, 206].includes(response.status)) throw statusFailure(url, response);
    await readBody(url, response, headOf(response), attempt, limits.maxBytes, sink);
  } finally {
    stopListening();
    // What is left of an answer that wasn't read to its end.
    attempt.end(cancelled(url));
  }
}
