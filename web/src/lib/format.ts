const percentages = new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 1 });
const wholePercentages = new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 0 });
const megabytes = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
const counts = new Intl.NumberFormat('en');

/** A share of 0 … 1. What is there, but rounds to nothing, says so. */
export function share(value: number): string {
  return value > 0 && value < 0.001 ? '< 0.1%' : percentages.format(value);
}

/** A probability of 0 … 1, in whole per cent: more digits would promise more than a network can keep. */
export function probability(value: number): string {
  return value > 0.995 && value < 1 ? '> 99%' : wholePercentages.format(value);
}

/** A part of 0 … 1 of something that goes on. */
export function progress(fraction: number): string {
  return wholePercentages.format(Math.floor(fraction * 100) / 100);
}

/** Bytes as people count them. */
export function bytes(value: number): string {
  if (value < 1000) return `${String(value)} bytes`;
  if (value < 1e6) return `${String(Math.round(value / 1000))} kB`;
  return `${megabytes.format(value / 1e6)} MB`;
}

/** Milliseconds, or seconds where there are many. */
export function duration(ms: number): string {
  return ms < 1000 ? `${String(Math.max(1, Math.round(ms)))} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** A whole number with its thousands apart. */
export function count(value: number): string {
  return counts.format(value);
}
