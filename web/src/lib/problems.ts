import { SegmentationError } from 'silhouette-seg';

/** What can go wrong, from the visitor's side. */
export type ProblemKind =
  | 'unreadable-photo'
  | 'not-a-file'
  | 'unknown-file'
  | 'unreadable-model'
  | 'unsupported-model'
  | 'labels'
  | 'download'
  | 'memory'
  | 'camera-denied'
  | 'camera-missing'
  | 'camera-busy'
  | 'camera-unsupported'
  | 'internal';

interface Words {
  readonly title: string;
  readonly remedy: string;
}

const WORDS: Readonly<Record<ProblemKind, Words>> = {
  'unreadable-photo': {
    title: 'That file isn’t a photo this browser can open',
    remedy: 'Try a JPEG, PNG, WebP or AVIF. If it is one of these, the file may be damaged or only half there.',
  },
  'not-a-file': {
    title: 'There was no picture in that',
    remedy: 'Save the picture first and drop the file, or copy the picture itself and paste it.',
  },
  'unknown-file': {
    title: 'That is neither a photo nor a model',
    remedy:
      'Drop a photo (JPEG, PNG, WebP, AVIF), or a model as a .pte file, with its labels in a .txt file if you like.',
  },
  'unreadable-model': {
    title: 'That file isn’t a model',
    remedy: 'A model is a .pte file made by ExecuTorch. This one is something else, or was cut short on its way here.',
  },
  'unsupported-model': {
    title: 'This model can’t run in the browser',
    remedy:
      'It has to be a float32 network that takes one image and gives one map of classes. The details say what is in the way.',
  },
  labels: {
    title: 'The labels don’t fit the model',
    remedy: 'Give one label for each class of the model, one a line, in the model’s order.',
  },
  download: {
    title: 'The model could not be fetched',
    remedy: 'Check the connection and try again; what has arrived already is kept.',
  },
  memory: {
    title: 'There isn’t enough memory for this',
    remedy: 'Close other tabs, or try a smaller photo or a smaller model.',
  },
  'camera-denied': {
    title: 'The camera is blocked for this page',
    remedy: 'Allow the camera in the address bar’s site settings, then start it again. No frame leaves this device.',
  },
  'camera-missing': {
    title: 'No camera was found',
    remedy: 'Connect one and start it again, or choose a photo instead.',
  },
  'camera-busy': {
    title: 'The camera is in use elsewhere',
    remedy: 'Close the other program or tab that uses it, then start it again.',
  },
  'camera-unsupported': {
    title: 'This browser gives pages no camera here',
    remedy: 'Cameras need a secure address: https, or localhost.',
  },
  internal: {
    title: 'Something went wrong on our side',
    remedy: 'Try it once more. If it happens again, reload the page; your photo stays on this device either way.',
  },
};

/** A failure with words for people; `message` are the details. */
export class Problem extends Error {
  readonly kind: ProblemKind;

  constructor(kind: ProblemKind, details: string) {
    super(details);
    this.name = 'Problem';
    this.kind = kind;
  }

  get title(): string {
    return WORDS[this.kind].title;
  }

  get remedy(): string {
    return WORDS[this.kind].remedy;
  }
}

function kindOf(error: SegmentationError): ProblemKind {
  switch (error.code) {
    case 'INVALID_IMAGE':
    case 'UNSUPPORTED_IMAGE':
      return 'unreadable-photo';
    case 'INVALID_MODEL':
      return 'unreadable-model';
    case 'UNSUPPORTED_MODEL':
      return 'unsupported-model';
    case 'DOWNLOAD_FAILED':
    case 'FILE_NOT_FOUND':
    case 'IO_ERROR':
      return 'download';
    case 'LIMIT_EXCEEDED':
      return 'memory';
    case 'INVALID_ARGUMENT':
      return /label/i.test(error.message) ? 'labels' : 'internal';
    default:
      return 'internal';
  }
}

const CAMERA: Readonly<Record<string, ProblemKind>> = {
  NotAllowedError: 'camera-denied',
  SecurityError: 'camera-denied',
  NotFoundError: 'camera-missing',
  OverconstrainedError: 'camera-missing',
  NotReadableError: 'camera-busy',
  AbortError: 'camera-busy',
};

/** What `getUserMedia` said. */
export function cameraProblem(error: unknown): Problem {
  if (!(error instanceof Error)) return problemOf(error);
  return new Problem(CAMERA[error.name] ?? 'camera-unsupported', `${error.name}: ${error.message}`);
}

/** Whatever was thrown. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof SegmentationError) return new Problem(kindOf(error), `${error.code}: ${error.message}`);
  return new Problem('internal', error instanceof Error ? `${error.name}: ${error.message}` : String(error));
}

/** Whether somebody only changed their mind. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}
