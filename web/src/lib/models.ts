import {
  DEEPLAB_V3_MOBILENET_V2_EMBEDDED,
  SELFIE_SEGMENTATION_EMBEDDED,
  SELFIE_SEGMENTATION_LANDSCAPE_EMBEDDED,
} from 'silhouette-seg';

/** A model that may be chosen. */
export interface ModelChoice {
  /** Different for different models. */
  readonly id: string;
  readonly title: string;
  readonly about: string;
  /** A constant of the package, or a file of the visitor's. */
  readonly source: string | File;
  readonly labels?: readonly string[];
}

export const EVERYDAY: ModelChoice = {
  id: DEEPLAB_V3_MOBILENET_V2_EMBEDDED,
  title: 'Everyday things',
  about: 'People, animals, vehicles, furniture: 20 kinds of things. DeepLab v3 with MobileNet v2, 513 × 513, 8.4 MB.',
  source: DEEPLAB_V3_MOBILENET_V2_EMBEDDED,
};

export const PORTRAIT: ModelChoice = {
  id: SELFIE_SEGMENTATION_EMBEDDED,
  title: 'Portrait',
  about: 'People near the camera, with edges that follow hair. MediaPipe selfie segmentation, 256 × 256, 0.5 MB.',
  source: SELFIE_SEGMENTATION_EMBEDDED,
};

export const VIDEO: ModelChoice = {
  id: SELFIE_SEGMENTATION_LANDSCAPE_EMBEDDED,
  title: 'Portrait, wide',
  about: 'The same for wide pictures, and the quickest: made for video. 256 × 144, 0.5 MB.',
  source: SELFIE_SEGMENTATION_LANDSCAPE_EMBEDDED,
};

export const CHOICES: readonly ModelChoice[] = [EVERYDAY, PORTRAIT, VIDEO];

let files = 0;

/** A model that the visitor brought. */
export function ownModel(file: File, labels?: readonly string[]): ModelChoice {
  const title = file.name.replace(/\.pte$/i, '') || 'Your model';
  const about = labels === undefined ? 'From your disk.' : `From your disk, with ${String(labels.length)} labels.`;
  return { id: `file ${String(++files)}`, title, about, source: file, ...(labels === undefined ? {} : { labels }) };
}

/** Labels as people write them down: one a line, or a JSON array of texts. */
export function parseLabels(text: string): readonly string[] {
  const trimmed = text.trim();
  if (trimmed.startsWith('[')) {
    try {
      const list: unknown = JSON.parse(trimmed);
      if (Array.isArray(list) && list.every((item) => typeof item === 'string')) return list;
    } catch {
      // Not JSON after all: lines, of which one begins with a bracket.
    }
  }
  return trimmed
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
}
