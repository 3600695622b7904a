// Debian's browsers, driven by playwright-core.
import { existsSync } from 'node:fs';

import { chromium, firefox } from 'playwright-core';

// No sandbox: root may not have one. The rest keeps the browser from looking for servers that tests don't need.
const CHROMIUM_FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--use-fake-ui-for-media-stream',
  '--use-fake-device-for-media-stream',
];

const FIREFOX_PREFERENCES = {
  'app.update.enabled': false,
  'browser.safebrowsing.malware.enabled': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'extensions.getAddons.cache.enabled': false,
  'media.navigator.permission.disabled': true,
  'media.navigator.streams.fake': true,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'services.settings.server': 'http://127.0.0.1:9',
  'toolkit.telemetry.enabled': false,
};

/** `flags` are more of Chromium's, `camera` a Y4M or MJPEG file that the fake webcam shows. */
export async function launchChromium({ flags = [], camera } = {}) {
  const args = [...CHROMIUM_FLAGS, ...flags];
  if (camera !== undefined) args.push(`--use-file-for-fake-video-capture=${camera}`);
  return chromium.launch({ executablePath: process.env.SILHOUETTE_CHROMIUM ?? '/usr/bin/chromium', args });
}

const FIREFOX = process.env.SILHOUETTE_FIREFOX ?? '/usr/bin/firefox-esr';

/** Whether there is a Firefox: Debian has it on fewer architectures than Chromium. */
export const hasFirefox = existsSync(FIREFOX);

/** Unpatched, by WebDriver BiDi. */
export async function launchFirefox() {
  return firefox.launch({
    channel: 'moz-firefox',
    executablePath: FIREFOX,
    firefoxUserPrefs: FIREFOX_PREFERENCES,
  });
}

/** Waits as long as a busy machine may need; what never comes fails all the same. */
const PATIENCE_MS = 100_000;

/**
 * Gathers what went wrong in a page: uncaught errors, console errors, refused policies, and requests that left the origins
 * told. `failures()` is the list.
 */
export function watch(page, origins) {
  page.setDefaultTimeout(PATIENCE_MS);
  const failures = [];
  page.on('pageerror', (error) => failures.push(`uncaught: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error') failures.push(`console: ${message.text()}`);
  });
  page.on('request', (request) => {
    const url = request.url();
    if (!/^(blob|data|about):/.test(url) && !origins.some((origin) => url.startsWith(`${origin}/`))) {
      failures.push(`request to a third party: ${url}`);
    }
  });
  return () => failures;
}
