/** Colours as bytes, for pictures of many cells: from 0 to 1, and signed around 0. */
import type { Theme } from '../../state/local';
import { viridis } from '../colour';

const STEPS = 256;
const STOPS = ['#0a4a94', '#3f86c9', '#a9cdea', '#f6f6f4', '#f5c193', '#dd7f2c', '#a34300'];
/** On a dark page white cells would glare. */
const DARK_MIDDLE = '#2b2e33';
/** Small differences are seen, too. */
const POWER = 0.6;

export type Rgb = readonly [number, number, number];

const rgbOf = (hex: string): Rgb => [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)) as unknown as Rgb;

function between(stops: readonly Rgb[], share: number): Rgb {
  const at = share * (stops.length - 1);
  const low = Math.min(stops.length - 2, Math.floor(at));
  const [a, b] = [stops[low] as Rgb, stops[low + 1] as Rgb];
  return a.map((value, i) => Math.round(value + ((b[i] ?? 0) - value) * (at - low))) as unknown as Rgb;
}

const WEIGHTS: readonly Rgb[] = Array.from({ length: STEPS }, (_, i) => rgbOf(viridis(i / (STEPS - 1)).fill));
const stopsOf = (theme: Theme) => STOPS.map((stop, i) => rgbOf(theme === 'dark' && i === 3 ? DARK_MIDDLE : stop));
const signedTable = (theme: Theme): readonly Rgb[] => {
  const stops = stopsOf(theme);
  return Array.from({ length: STEPS + 1 }, (_, i) => between(stops, i / STEPS));
};
const SIGNED: Readonly<Record<Theme, readonly Rgb[]>> = { light: signedTable('light'), dark: signedTable('dark') };

/** What a number's colour is, and the scale in words. */
export interface Scale {
  readonly low: number;
  readonly high: number;
  colour(value: number): Rgb;
  /** As a gradient of CSS. */
  readonly gradient: string;
}

const css = (colours: readonly Rgb[]) => `linear-gradient(90deg,${colours.map((one) => `rgb(${one})`).join(',')})`;

const clamp = (share: number) => Math.max(0, Math.min(1, share));

/** Weights: always from 0 to 1, so that any two pictures can be compared. */
export const UNIT: Scale = {
  low: 0,
  high: 1,
  colour: (value) => WEIGHTS[Math.round(clamp(value) * (STEPS - 1))] as Rgb,
  gradient: css(WEIGHTS.filter((_, i) => i % 25 === 0 || i === STEPS - 1)),
};

/** Magnitudes on a log scale. */
export function logScale(low: number, high: number): Scale {
  const share = (value: number) => (value <= low ? 0 : Math.log(value / low) / Math.log(high / low));
  return { ...UNIT, low, high, colour: (value) => UNIT.colour(share(value)) };
}

/** Signed numbers, symmetric about 0. */
export function signedScale(limit: number, theme: Theme): Scale {
  const table = SIGNED[theme];
  const share = (value: number) => {
    const size = clamp(Math.abs(value) / limit) ** POWER;
    return (1 + Math.sign(value) * size) / 2;
  };
  return {
    low: -limit,
    high: limit,
    colour: (value) => table[Math.round(share(value) * STEPS)] as Rgb,
    gradient: css(Array.from({ length: 13 }, (_, i) => table[Math.round(share(limit * (i / 6 - 1)) * STEPS)] as Rgb)),
  };
}
