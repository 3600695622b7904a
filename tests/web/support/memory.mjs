import { readFileSync } from 'node:fs';

/** Resident MiB of the process that renders a page, garbage left out if it is collected. */
export async function rendererMiB(browser, page, { collect = true } = {}) {
  if (collect) {
    const session = await page.context().newCDPSession(page);
    await session.send('HeapProfiler.collectGarbage');
    await session.detach();
  }
  const whole = await browser.newBrowserCDPSession();
  const { processInfo } = await whole.send('SystemInfo.getProcessInfo');
  await whole.detach();
  const sizes = processInfo
    .filter(({ type }) => type === 'renderer')
    .map(({ id }) => Number(/^VmRSS:\s*(\d+)/m.exec(readFileSync(`/proc/${id}/status`, 'utf8'))?.[1] ?? 0) / 1024);
  // Chromium keeps a spare renderer, which is small.
  return Math.max(...sizes);
}

/**
 * What `values` grow by from one to the next: the median of the slopes between any two of them (Theil 1950, Sen 1968), so
 * that single values, measured when something was freed a moment later or earlier, don't count.
 */
export function slope(values) {
  const slopes = values.flatMap((from, i) => values.slice(i + 1).map((to, steps) => (to - from) / (steps + 1)));
  slopes.sort((a, b) => a - b);
  return slopes[slopes.length >> 1] ?? 0;
}
