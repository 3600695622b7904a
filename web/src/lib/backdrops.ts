import type { HexColor } from './palette.js';
import type { Scene } from './scenes.js';

/** What lies behind the subject. */
export type Backdrop =
  | { readonly kind: 'none' }
  | { readonly kind: 'blur'; readonly amount: number }
  | { readonly kind: 'color'; readonly color: HexColor }
  | { readonly kind: 'picture'; readonly scene: Scene };

/** Share of the longer side that is averaged. */
export const BLUR = { least: 0.01, most: 0.08, usual: 0.03 };

/** As the package takes it. */
export function packageBackdrop(
  backdrop: Backdrop,
): 'transparent' | { blur: number } | HexColor | { image: HTMLCanvasElement } {
  switch (backdrop.kind) {
    case 'none':
      return 'transparent';
    case 'blur':
      return { blur: backdrop.amount };
    case 'color':
      return backdrop.color;
    case 'picture':
      return { image: backdrop.scene.picture };
  }
}
