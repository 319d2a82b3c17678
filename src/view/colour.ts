/** Colour of data: viridis on a log scale, blue to orange around zero, and black or white text, whichever reads better on it. */
import type { Theme } from '../state/local';
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
  /** As a pixel of a canvas. */
  readonly pixel: number;
}

/** How bright a colour is, as contrast is counted. */
export function luminance(rgb: readonly number[]): number {
  const [r = 0, g = 0, b = 0] = rgb.map((value) => {
    const share = value / 255;
    return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

const parsed = (hex: string) => [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));

/** A colour as a pixel of an image, whose bytes are red, green, blue, alpha. */
export function pixelOf(hex: string): number {
  const [red = 0, green = 0, blue = 0] = parsed(hex);
  return (0xff000000 | (blue << 16) | (green << 8) | red) >>> 0;
}

/** Between stops that are equally far from each other. */
function mixed(stops: readonly (readonly number[])[], share: number): Paint {
  const at = share * (stops.length - 1);
  const low = Math.min(stops.length - 2, Math.floor(at));
  const [a = [], b = []] = [stops[low], stops[low + 1]];
  const rgb = a.map((value, i) => Math.round(value + ((b[i] ?? 0) - value) * (at - low)));
  const fill = `#${rgb.map((value) => value.toString(16).padStart(2, '0')).join('')}`;
  return { fill, ink: luminance(rgb) > 0.179 ? '#000' : '#fff', pixel: pixelOf(fill) };
}

const TABLE: readonly Paint[] = Array.from({ length: STEPS }, (_, i) => mixed(STOPS, i / (STEPS - 1)));

/** Viridis at a share of its length. */
export function viridis(share: number): Paint {
  const clamped = Math.max(0, Math.min(1, share));
  return TABLE[Math.round(clamped * (STEPS - 1))] as Paint;
}

/** Where a magnitude is on the log scale between limits, 0 to 1, and beyond both. */
export function onScale(value: number, limits: Limits): number {
  return value <= 0 ? 0 : Math.log(value / limits.low) / Math.log(limits.high / limits.low);
}

/** A magnitude on the log scale between limits; null where it was not measured. */
export function magnitude(value: number, limits: Limits | null): Paint | null {
  if (!limits || Number.isNaN(value)) return null;
  return viridis(onScale(value, limits));
}

/** The scale itself, as stops of a gradient. */
export const GRADIENT: readonly string[] = Array.from({ length: 11 }, (_, i) => viridis(i / 10).fill);

const SIGNED = ['#0a4a94', '#3f86c9', '#a9cdea', '#f6f6f4', '#f5c193', '#dd7f2c', '#a34300'] as const;
/** White cells would glare on a dark page. */
const DARK_MIDDLE = '#2b2e33';
const POWER = 0.6;

function signedTable(theme: Theme): readonly Paint[] {
  const stops = SIGNED.map((hex, i) => parsed(i === 3 && theme === 'dark' ? DARK_MIDDLE : hex));
  return Array.from({ length: STEPS + 1 }, (_, i) => mixed(stops, i / STEPS));
}

const SIGNED_TABLES: Readonly<Record<Theme, readonly Paint[]>> = {
  light: signedTable('light'),
  dark: signedTable('dark'),
};

/** Blue below zero, orange above: a value between −1 and 1. Small ones are told apart, too. */
export function signedColour(value: number, theme: Theme): Paint {
  const share = Math.sign(value) * Math.min(1, Math.abs(value)) ** POWER;
  return SIGNED_TABLES[theme][Math.round(((share + 1) / 2) * STEPS)] as Paint;
}

/** The signed scale from −1 to 1, as stops of a gradient. */
export const signedGradient = (theme: Theme): readonly string[] =>
  Array.from({ length: 21 }, (_, i) => signedColour(i / 10 - 1, theme).fill);
