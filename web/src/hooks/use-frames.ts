import { useEffect, useRef, useState } from 'react';

import { drawFrame, type Segmenter } from '../engine.js';
import { packageBackdrop, type Backdrop } from '../lib/backdrops.js';
import { isAbort, problemOf, type Problem } from '../lib/problems.js';

export interface FrameSettings {
  readonly backdrop: Backdrop;
  readonly mirror: boolean;
}

export interface FrameRates {
  /** Frames drawn in the last second. */
  readonly perSecond: number;
  /** What the network took for the newest. */
  readonly networkMs: number | undefined;
}

const SMOOTHING = 0.5;
const TELL_EVERY_MS = 500;

/** Counts frames over the last second. */
class Meter {
  readonly #times: number[] = [];
  #told = 0;

  /** Frames a second, if it is time to tell. */
  tick(now: number): number | undefined {
    this.#times.push(now);
    while ((this.#times[0] ?? now) < now - 1000) this.#times.shift();
    if (now - this.#told < TELL_EVERY_MS) return undefined;
    this.#told = now;
    const [first = now] = this.#times;
    return now > first ? Math.round(((this.#times.length - 1) * 1000) / (now - first)) : undefined;
  }
}

/** Draws frames as the camera gives them, and drops those that come while one is being looked at. */
class FrameLoop {
  readonly #video: HTMLVideoElement;
  readonly #canvas: HTMLCanvasElement;
  /** Where frames are kept by browsers that give no handles of them. */
  readonly #copy = document.createElement('canvas');
  readonly #meter = new Meter();
  readonly #listen: { tell: (rates: FrameRates) => void; fail: (error: unknown) => void };
  #ended = false;
  #busy = false;
  segmenter: Segmenter | undefined;
  settings: FrameSettings;

  constructor(
    video: HTMLVideoElement,
    canvas: HTMLCanvasElement,
    settings: FrameSettings,
    listen: { tell: (rates: FrameRates) => void; fail: (error: unknown) => void },
  ) {
    this.#video = video;
    this.#canvas = canvas;
    this.settings = settings;
    this.#listen = listen;
  }

  start(): void {
    this.#next();
  }

  end(): void {
    this.#ended = true;
  }

  /** Asked anew each time: it may have ended while a frame was looked at. */
  #isOver(): boolean {
    return this.#ended;
  }

  #next(): void {
    if (this.#ended) return;
    this.#video.requestVideoFrameCallback(() => {
      this.#next();
      void this.#step();
    });
  }

  async #step(): Promise<void> {
    if (this.#busy || this.#isOver() || this.#video.videoWidth === 0) return;
    this.#busy = true;
    try {
      const networkMs = await this.#look();
      const perSecond = this.#meter.tick(performance.now());
      if (perSecond !== undefined && !this.#isOver()) this.#listen.tell({ perSecond, networkMs });
    } catch (error) {
      if (!this.#isOver()) this.#listen.fail(error);
    } finally {
      this.#busy = false;
    }
  }

  /**
   * The frame that is there now: what is drawn under a mask is what the mask is of, not a newer one. A handle of it costs
   * nothing; it keeps the camera waiting for its memory until it is closed.
   */
  #takeFrame(): VideoFrame | HTMLCanvasElement {
    if (typeof VideoFrame === 'function') return new VideoFrame(this.#video);
    fit(this.#copy, this.#video);
    this.#copy.getContext('2d')?.drawImage(this.#video, 0, 0);
    return this.#copy;
  }

  /** Draws the newest frame, and tells what the network took if it was asked. */
  async #look(): Promise<number | undefined> {
    const context = this.#canvas.getContext('2d');
    if (context === null) return undefined;
    fit(this.#canvas, this.#video);
    const frame = this.#takeFrame();
    try {
      const { segmenter } = this;
      if (segmenter === undefined || this.settings.backdrop.kind === 'none') {
        this.#drawPlain(context, frame);
        return undefined;
      }
      const result = await segmenter.segmentFrame(frame, { smoothing: SMOOTHING });
      if (result === undefined || this.#isOver()) return undefined;
      const { backdrop, mirror } = this.settings;
      drawFrame(context, frame, result, { background: packageBackdrop(backdrop), mirror });
      return result.timings.networkMs;
    } finally {
      if ('close' in frame) frame.close();
    }
  }

  #drawPlain(context: CanvasRenderingContext2D, frame: CanvasImageSource): void {
    context.save();
    if (this.settings.mirror) {
      context.translate(this.#canvas.width, 0);
      context.scale(-1, 1);
    }
    context.drawImage(frame, 0, 0, this.#canvas.width, this.#canvas.height);
    context.restore();
  }
}

/** Gives a canvas the size of a video's frames. */
function fit(canvas: HTMLCanvasElement, { videoWidth, videoHeight }: HTMLVideoElement): void {
  if (canvas.width === videoWidth && canvas.height === videoHeight) return;
  canvas.width = videoWidth;
  canvas.height = videoHeight;
}

/** Draws what the camera sees, with something else behind its subject, from frame to frame. */
export function useFrames(
  stream: MediaStream | undefined,
  segmenter: Segmenter | undefined,
  settings: FrameSettings,
  report: (problem: Problem) => void,
): {
  video: React.RefObject<HTMLVideoElement | null>;
  canvas: React.RefObject<HTMLCanvasElement | null>;
  rates: FrameRates | undefined;
} {
  const video = useRef<HTMLVideoElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const loop = useRef<FrameLoop | undefined>(undefined);
  const [rates, setRates] = useState<FrameRates | undefined>(undefined);
  const newest = useRef({ segmenter, settings });

  useEffect(() => {
    newest.current = { segmenter, settings };
    if (loop.current !== undefined) Object.assign(loop.current, newest.current);
  });

  useEffect(() => {
    const element = video.current;
    if (stream === undefined || element === null || canvas.current === null) return;
    element.srcObject = stream;
    void element.play().catch(() => undefined);
    const fail = (error: unknown): void => {
      // A model that was closed for another one.
      if (isAbort(error) || newest.current.segmenter?.closed === true) return;
      report(problemOf(error));
    };
    const made = new FrameLoop(element, canvas.current, newest.current.settings, { tell: setRates, fail });
    made.segmenter = newest.current.segmenter;
    loop.current = made;
    made.start();
    return () => {
      made.end();
      loop.current = undefined;
      element.srcObject = null;
      setRates(undefined);
    };
  }, [stream, report]);

  return { video, canvas, rates };
}
