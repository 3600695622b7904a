import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { SCREENSHOTS } from './paths.mjs';

/** A picture of what a test did, for people to look at. */
export async function screenshot(page, name) {
  mkdirSync(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true });
}
