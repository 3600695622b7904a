import { Aborted, messageOf, publicError, SegmentationError } from '../errors.js';

/** What kind of thing went wrong, as react-native-executorch 0.10 tells it. */
export type RnExecuTorchErrorCode =
  | 'LOAD_FAILED'
  | 'EXECUTION_FAILED'
  | 'SCHEMA_MISMATCH'
  | 'INVALID_ARGUMENT'
  | 'INVALID_STATE'
  | 'RESOURCE_DISPOSED'
  | 'RESOURCE_BUSY'
  | 'DOWNLOAD_FAILED'
  | 'DOWNLOAD_ABORTED'
  | 'UNKNOWN';

/** A failure of the functions of react-native-executorch 0.10. `cause` is this package's own, a {@link SegmentationError}. */
export class RnExecuTorchError extends Error {
  readonly code: RnExecuTorchErrorCode;

  constructor(code: RnExecuTorchErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RnExecuTorchError';
    this.code = code;
  }
}

/** Whether something that was caught is such an error, and of that kind. */
export function isRnExecuTorchError(error: unknown, code?: RnExecuTorchErrorCode): error is RnExecuTorchError {
  const candidate = error as { name?: unknown; code?: unknown } | null | undefined;
  return candidate?.name === 'RnExecuTorchError' && (code === undefined || candidate.code === code);
}

function codeOf(error: unknown, during: 'load' | 'segment'): RnExecuTorchErrorCode {
  if (!(error instanceof SegmentationError)) return 'UNKNOWN';
  switch (error.code) {
    case 'INVALID_ARGUMENT':
    case 'INVALID_IMAGE':
    case 'UNSUPPORTED_IMAGE':
      return 'INVALID_ARGUMENT';
    case 'UNSUPPORTED_MODEL':
      return 'SCHEMA_MISMATCH';
    case 'MODEL_NOT_LOADED':
      return 'RESOURCE_DISPOSED';
    case 'DOWNLOAD_FAILED':
      return 'DOWNLOAD_FAILED';
    default:
      return during === 'load' ? 'LOAD_FAILED' : 'EXECUTION_FAILED';
  }
}

/** Runs `body`, and lets nothing out but errors of 0.10. */
export async function reportingAsRn<T>(during: 'load' | 'segment', body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    if (isRnExecuTorchError(error)) throw error;
    if (error instanceof Aborted || (error as { name?: unknown } | null)?.name === 'AbortError') {
      throw new RnExecuTorchError('DOWNLOAD_ABORTED', 'the download was aborted', { cause: error });
    }
    const known = publicError(error);
    throw new RnExecuTorchError(codeOf(known, during), messageOf(known), { cause: known });
  }
}
