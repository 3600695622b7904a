import type { Photo } from './photo.js';

/** A picture to put behind people. */
export interface Scene {
  readonly id: string;
  readonly title: string;
  readonly picture: HTMLCanvasElement;
}

const WIDTH = 1280;
const HEIGHT = 800;

function paint(id: string, title: string, draw: (context: CanvasRenderingContext2D) => void): Scene {
  const picture = document.createElement('canvas');
  picture.width = WIDTH;
  picture.height = HEIGHT;
  const context = picture.getContext('2d');
  if (context !== null) draw(context);
  return { id, title, picture };
}

function fill(context: CanvasRenderingContext2D, stops: readonly string[]): void {
  const gradient = context.createLinearGradient(0, 0, 0, HEIGHT);
  stops.forEach((color, i) => {
    gradient.addColorStop(i / (stops.length - 1), color);
  });
  context.fillStyle = gradient;
  context.fillRect(0, 0, WIDTH, HEIGHT);
}

/** A range of hills, cut out of paper: a wave of two lengths. */
function hills(context: CanvasRenderingContext2D, base: number, height: number, phase: number, color: string): void {
  context.beginPath();
  context.moveTo(0, HEIGHT);
  for (let x = 0; x <= WIDTH; x += 8) {
    const wave = Math.sin(x / 190 + phase) * 0.6 + Math.sin(x / 71 + phase * 2.3) * 0.25;
    context.lineTo(x, base - height * wave);
  }
  context.lineTo(WIDTH, HEIGHT);
  context.closePath();
  context.fillStyle = color;
  context.fill();
}

function disc(context: CanvasRenderingContext2D, x: number, y: number, radius: number, color: string): void {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fillStyle = color;
  context.fill();
}

/** Painted when they are first needed: nothing has to be fetched. */
export function paintScenes(): readonly Scene[] {
  return [
    paint('hills', 'Hills', (context) => {
      fill(context, ['#f7c873', '#f2a65a', '#e9805f']);
      disc(context, 930, 300, 110, '#fff3d1');
      hills(context, 480, 90, 0.4, '#c9616a');
      hills(context, 560, 80, 2.1, '#8d4168');
      hills(context, 660, 70, 3.6, '#512a52');
      hills(context, 745, 45, 5.2, '#2b1a36');
    }),
    paint('night', 'Night', (context) => {
      fill(context, ['#0d1526', '#1b2c4f', '#35507f']);
      for (let i = 0; i < 130; ++i) {
        const x = (i * 523.7) % WIDTH;
        const y = (i * 191.3) % (HEIGHT * 0.7);
        disc(context, x, y, 0.8 + (i % 3) * 0.5, `rgb(255 255 240 / ${String(0.35 + (i % 5) * 0.12)})`);
      }
      disc(context, 320, 190, 64, '#f4efd9');
      hills(context, 640, 90, 1.1, '#14213b');
      hills(context, 730, 50, 4.4, '#0a1122');
    }),
    paint('studio', 'Studio', (context) => {
      const light = context.createRadialGradient(WIDTH / 2, HEIGHT * 0.42, 60, WIDTH / 2, HEIGHT * 0.5, WIDTH * 0.62);
      light.addColorStop(0, '#e8e6df');
      light.addColorStop(0.55, '#b9b8b0');
      light.addColorStop(1, '#6f706b');
      context.fillStyle = light;
      context.fillRect(0, 0, WIDTH, HEIGHT);
    }),
  ];
}

/** A picture of the visitor's. */
export function sceneOf(photo: Photo): Scene {
  return { id: 'own', title: photo.name, picture: photo.shown };
}
