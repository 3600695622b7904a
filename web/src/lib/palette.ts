/** A colour as `<input type="color">` has it: `#rrggbb`. */
export type HexColor = `#${string}`;

/** Turn from class to class: the golden angle, so that neighbours are far apart however many there are. */
const TURN = 137.508;
const START = 20;
const YELLOW = 100;

function toSrgb(linear: number): number {
  const clipped = Math.min(1, Math.max(0, linear));
  return Math.round(255 * (clipped <= 0.0031308 ? 12.92 * clipped : 1.055 * clipped ** (1 / 2.4) - 0.055));
}

/** OKLCH to sRGB, by Björn Ottosson's matrices; what sRGB doesn't have is clipped. `hue` in degrees. */
function oklch(lightness: number, chroma: number, hue: number): HexColor {
  const a = chroma * Math.cos((hue * Math.PI) / 180);
  const b = chroma * Math.sin((hue * Math.PI) / 180);
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const rgb = [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
  return `#${rgb.map((channel) => toSrgb(channel).toString(16).padStart(2, '0')).join('')}`;
}

/** The colour that a class has until somebody chooses another. */
export function classColor(channel: number, background: number | undefined): HexColor {
  if (channel === background) return '#8b918a';
  const hue = (START + channel * TURN) % 360;
  // Yellow of other colours' lightness is olive.
  const yellow = Math.max(0, 1 - Math.abs(hue - YELLOW) / 60);
  return oklch(0.72 + 0.15 * yellow, 0.19, hue);
}

/** Red, green and blue, 0 … 255. */
export function channelsOf(color: HexColor): [red: number, green: number, blue: number] {
  const number = Number.parseInt(color.slice(1), 16);
  return [(number >> 16) & 255, (number >> 8) & 255, number & 255];
}
