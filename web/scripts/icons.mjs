/** Draws the PNG icons from public/icons/icon.svg with Debian's Chromium: `node scripts/icons.mjs`. Run it when the drawing changes. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { chromium } from 'playwright-core';

import { BROWSER } from './browser.mjs';

const folder = new URL('../public/icons/', import.meta.url);
const drawing = await readFile(new URL('icon.svg', folder), 'utf8');

/** `inset`: of the side, left free around the drawing; a maskable icon is cut to a circle of 80 %. */
const ICONS = [
  { name: 'icon-180.png', side: 180, inset: 0.1, ground: '#f2f3ef' },
  { name: 'icon-192.png', side: 192, inset: 0, ground: 'transparent' },
  { name: 'icon-512.png', side: 512, inset: 0, ground: 'transparent' },
  { name: 'icon-maskable-512.png', side: 512, inset: 0.16, ground: '#f2f3ef' },
];

const browser = await chromium.launch(BROWSER);
try {
  for (const { name, side, inset, ground } of ICONS) {
    const tab = await browser.newPage({ viewport: { width: side, height: side } });
    await tab.setContent(
      `<body style="margin:0;padding:${side * inset}px;box-sizing:border-box;height:100vh;background:${ground}">${drawing}</body>`,
    );
    await tab.addStyleTag({ content: 'svg { display: block; height: 100%; margin: auto }' });
    await tab.screenshot({ path: fileURLToPath(new URL(name, folder)), omitBackground: true });
    await tab.close();
  }
} finally {
  await browser.close();
}
