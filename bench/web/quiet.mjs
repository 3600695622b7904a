// How much of the machine others took meanwhile: what isn't the browser's, from /proc.
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

const TICKS = 100; // a second, on every Linux that browsers run on

function fieldsOf(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined; // it ended
  }
}

/** Ticks that a process and its descendants have computed. */
function ticksOf(root) {
  const children = new Map();
  const used = new Map();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const fields = fieldsOf(pid);
    if (fields === undefined) continue;
    used.set(pid, Number(fields[11]) + Number(fields[12]));
    children.set(fields[1], [...(children.get(fields[1]) ?? []), pid]);
  }
  const sum = (pid) => (used.get(pid) ?? 0) + (children.get(pid) ?? []).map(sum).reduce((a, b) => a + b, 0);
  return sum(String(root));
}

function machine() {
  const [user, nice, system, , , irq, soft, steal] = readFileSync('/proc/stat', 'utf8')
    .split('\n', 1)[0]
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return { used: user + nice + system + irq + soft, steal };
}

/** Begins to watch; the function returned tells { others, stolen } as shares of the machine since then. */
export function watchMachine(root = process.pid) {
  const began = { ...machine(), own: ticksOf(root), at: performance.now() };
  return () => {
    const { used, steal } = machine();
    const wall = ((performance.now() - began.at) / 1000) * TICKS * availableParallelism();
    const others = Math.max(0, used - began.used - (ticksOf(root) - began.own));
    return { others: others / wall, stolen: (steal - began.steal) / wall };
  };
}
