/** Colour of data: viridis on a log scale, and black or white text, whichever reads better on it. */
import type { Limits } from '../state/scale';

const STOPS = [
  [0x44, 0x01, 0x54],
  [0x48, 0x24, 0x75],
  [0x41, 0x44, 0x87],
  [0x35, 0x5f, 0x8d],
  [0x2a, 0x78, 0x8e],
  [0x21, 0x91, 0x8c],
  [0x22, 0xa8, 0x84],
  [0x44, 0xbf, 0x70],
  [0x7a, 0xd1, 0x51],
  [0xbd, 0xdf, 0x26],
  [0xfd, 0xe7, 0x25],
] as const;

const STEPS = 256;

export interface Paint {
  readonly fill: string;
  /** Text on it: at least 4.58:1. */
  readonly ink: string;
}

function luminance(rgb: readonly number[]): number {
  const [r = 0, g = 0, b = 0] = rgb.map((value) => {
    const share = value / 255;
    return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function stop(share: number): Paint {
  const at = share * (STOPS.length - 1);
  const low = Math.min(STOPS.length - 2, Math.floor(at));
  const [a, b] = [STOPS[low] ?? STOPS[0], STOPS[low + 1] ?? STOPS[0]];
  const rgb = a.map((value, i) => Math.round(value + ((b[i] ?? 0) - value) * (at - low)));
  const fill = `#${rgb.map((value) => value.toString(16).padStart(2, '0')).join('')}`;
  return { fill, ink: luminance(rgb) > 0.179 ? '#000' : '#fff' };
}

const TABLE: readonly Paint[] = Array.from({ length: STEPS }, (_, i) => stop(i / (STEPS - 1)));

/** Viridis at a share of its length. */
export function viridis(share: number): Paint {
  const clamped = Math.max(0, Math.min(1, share));
  return TABLE[Math.round(clamped * (STEPS - 1))] as Paint;
}

/** A magnitude on the log scale between limits; null where it was not measured. */
export function magnitude(value: number, limits: Limits | null): Paint | null {
  if (!limits || Number.isNaN(value)) return null;
  if (value <= 0) return viridis(0);
  return viridis(Math.log(value / limits.low) / Math.log(limits.high / limits.low));
}

/** The scale itself, as stops of a gradient. */
export const GRADIENT: readonly string[] = Array.from({ length: 11 }, (_, i) => viridis(i / 10).fill);
