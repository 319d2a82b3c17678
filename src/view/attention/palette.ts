/** Scales of pictures of many cells: from 0 to 1, and signed around 0. */
import type { Theme } from '../../state/local';
import { GRADIENT, onScale, type Paint, signedColour, signedGradient, viridis } from '../colour';

/** What a number's colour is, and the scale in words. */
export interface Scale {
  readonly low: number;
  readonly high: number;
  colour(value: number): Paint;
  /** As a gradient of CSS. */
  readonly gradient: string;
}

const css = (stops: readonly string[]) => `linear-gradient(90deg,${stops.join(',')})`;

/** Weights: always from 0 to 1, so that any two pictures can be compared. */
export const UNIT: Scale = { low: 0, high: 1, colour: viridis, gradient: css(GRADIENT) };

/** Magnitudes on a log scale. */
export function logScale(low: number, high: number): Scale {
  return { ...UNIT, low, high, colour: (value) => viridis(onScale(value, { low, high })) };
}

/** Signed numbers, symmetric about 0. */
export function signedScale(limit: number, theme: Theme): Scale {
  const colour = (value: number) => signedColour(value / limit, theme);
  return { low: -limit, high: limit, colour, gradient: css(signedGradient(theme)) };
}
