/** The colour scale's limits: robust, rounded to readable numbers, and fixed for as long as one sequence runs. */
import { quantileSorted } from 'd3-array';
import type { Readings } from './readings';

export interface Limits {
  readonly low: number;
  readonly high: number;
}

const STEPS = [1, 2, 3, 5, 10];

function roundTo(value: number, up: boolean): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const mantissa = value / power;
  const step = up ? STEPS.find((s) => s >= mantissa - 1e-9) : [...STEPS].reverse().find((s) => s <= mantissa + 1e-9);
  return Number(((step ?? 1) * power).toPrecision(3));
}

/** Limits for a log scale over values: 3rd to 97th percentile, rounded outwards; null where nothing was measured. */
export function robustLimits(values: readonly number[]): Limits | null {
  const sorted = values.filter((value) => value > 0 && Number.isFinite(value)).sort((a, b) => a - b);
  const low = quantileSorted(sorted, 0.03);
  const high = quantileSorted(sorted, 0.97);
  if (low === undefined || high === undefined) return null;
  const limits = { low: roundTo(low, false), high: roundTo(high, true) };
  return limits.high > limits.low ? limits : { low: limits.low / 2, high: limits.high * 2 };
}

/** Limits that hold those of several kinds: hundreds of heads must not push a few blocks off the scale. */
function limitsOfAll(kinds: readonly (readonly number[])[]): Limits | null {
  const known = kinds.map(robustLimits).filter((limits) => limits !== null);
  if (known.length === 0) return null;
  return { low: Math.min(...known.map(({ low }) => low)), high: Math.max(...known.map(({ high }) => high)) };
}

/** The scale of the diagram's fills: output norms of blocks and of heads at the token that is shown. */
export function fillLimits(readings: Readings | null): Limits | null {
  if (!readings) return null;
  const { index } = readings;
  return limitsOfAll([index.sites('block'), index.sites('head')].map((of) => of.map((one) => readings.norm(one))));
}

/** The weights that tokens gave to experts, of all that the frame has. */
export function routingWeights({ index, frame }: Readings): number[] {
  const { sites } = index.layout;
  const [columns, column] = [index.stat.size, index.stat.get('norm') ?? 0];
  const { positions } = frame.header;
  return sites.flatMap(({ kind }, row) =>
    kind === 'expert'
      ? Array.from({ length: positions }, (_, i) => frame.stats[(row * positions + i) * columns + column] ?? 0)
      : [],
  );
}

/** Sequences whose scales are remembered: whoever goes back to one sees it in its own colours. */
const REMEMBERED = 8;

/** Scales by what they are of. Each is made once for a sequence and stays, so that colours can be compared while it runs. */
export class Scales {
  #kept = new Map<string, Map<string, Limits>>();
  #renewed = 0;

  /** Make all scales anew when they are next asked for; `times` counts how often a person asked for that. */
  renew(times: number): void {
    if (times !== this.#renewed) this.#kept.clear();
    this.#renewed = times;
  }

  /** The limits of one scale of a sequence, made if there are none yet. */
  of(sequence: string, name: string, make: () => Limits | null): Limits | null {
    const known = this.#kept.get(sequence);
    const limits = known?.get(name) ?? make();
    if (!limits || known?.has(name)) return limits;
    if (known) known.set(name, limits);
    else this.#kept.set(sequence, new Map([[name, limits]]));
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > REMEMBERED && oldest !== undefined) this.#kept.delete(oldest);
    return limits;
  }
}

/** Where a value is on a scale: −1 below it, 1 above it, 0 on it or not measured. */
export function beyond(value: number, limits: Limits | null): -1 | 0 | 1 {
  if (!limits || Number.isNaN(value) || value <= 0) return 0;
  return value > limits.high ? 1 : value < limits.low ? -1 : 0;
}
