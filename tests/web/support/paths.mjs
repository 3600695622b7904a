import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
export const BUILD = join(ROOT, 'build', 'release');
export const SAMPLES = join(ROOT, 'models', 'samples');
export const MODELS = join(ROOT, 'models');
export const IMAGES = join(ROOT, 'tests', 'data', 'images');
export const SMALL_MODELS = join(ROOT, 'tests', 'data', 'models');
export const GOLDEN = join(ROOT, 'tests', 'golden');
export const PAGES = fileURLToPath(new URL('../pages/', import.meta.url));
/** Where run.mjs unpacks the tarball and builds the projects that use it. */
export const WORK = join(BUILD, 'web-tests');
export const PACKAGE = process.env.SILHOUETTE_WEB_PACKAGE ?? join(WORK, 'package');
/** Pictures of what tests did, for people to look at. */
export const SCREENSHOTS = join(WORK, 'screenshots');
