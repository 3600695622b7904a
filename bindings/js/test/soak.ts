// Resident memory over 1,000 segmentations and 200 loads: `npm run soak`.
import { growthOfLoading, growthOfSegmenting, type Growth } from './memory.js';

function report(name: string, { perStep, resident }: Growth): void {
  const list = resident.map((mib) => mib.toFixed(0)).join(' ');
  console.log(`${name}: ${(perStep * 1024).toFixed(2)} KiB a step over the second half; MiB: ${list}`);
  if (perStep > 0.1) process.exitCode = 1;
}

async function main(): Promise<void> {
  report('1000 segmentations', await growthOfSegmenting(1000, 20));
  report('200 loads', await growthOfLoading(200, 5));
}

void main();
