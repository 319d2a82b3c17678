/**
 * Routing: how many tokens each expert got and how much each of them weighed it, counted over the frames of a sequence.
 * A frame has for each expert the weight that it got from each token, 0 where it was not chosen.
 */
import type { DecodedFrame } from '../wire/codec';
import type { FrameLayout } from '../wire/types.generated';

/** A router and its experts, as rows of a frame. */
export interface Mixture {
  /** `L3.moe` */
  readonly address: string;
  /** From the bottom of the model. */
  readonly index: number;
  readonly experts: number;
  /** First of its rows in the frame's statistics. */
  readonly row: number;
  /** First of its experts among those of all mixtures. */
  readonly offset: number;
}

const EXPERT = /^(.*)\.E(\d+)$/;

/** The mixtures of a layout, from the bottom of the model to the top. */
export function mixturesOf({ sites }: FrameLayout): Mixture[] {
  const found: { address: string; index: number; experts: number; row: number; offset: number }[] = [];
  let offset = 0;
  sites.forEach(({ address, kind }, row) => {
    const block = kind === 'expert' ? EXPERT.exec(address)?.[1] : undefined;
    if (block === undefined) return;
    const last = found.at(-1);
    if (last?.address === block) last.experts += 1;
    else found.push({ address: block, index: found.length, experts: 1, row, offset });
    offset += 1;
  });
  return found;
}

/** The place of an expert: its mixture, counted from the bottom, and its number. */
export interface Spot {
  readonly mixture: number;
  readonly expert: number;
}

/** Where an address is among the mixtures; its expert is −1 where it names none. Null where it is in no mixture. */
export function spotOf(mixtures: readonly Mixture[], address: string | null): Spot | null {
  if (address === null) return null;
  const [, block = address, number = '-1'] = EXPERT.exec(address) ?? [];
  const mixture = mixtures.findIndex((one) => one.address === block || one.address.startsWith(`${block}.`));
  const expert = Number(number);
  return mixture < 0 || expert >= (mixtures[mixture]?.experts ?? 0) ? null : { mixture, expert };
}

export function addressOf(mixtures: readonly Mixture[], { mixture, expert }: Spot): string {
  const { address = '' } = mixtures[mixture] ?? {};
  return expert < 0 ? address : `${address}.E${expert}`;
}

/** Whether a frame is one more token after another, under the same number of interventions. */
export function goesOn({ header }: DecodedFrame, before: DecodedFrame): boolean {
  const streams = header.origin === 'generate' || header.origin === 'outside';
  const end = before.header.first + before.header.positions;
  return (
    streams &&
    header.positions === 1 &&
    header.first >= end &&
    header.origin === before.header.origin &&
    header.interventions === before.header.interventions
  );
}

function add(numbers: Float64Array, at: number, more: number): void {
  numbers[at] = (numbers[at] ?? 0) + more;
}

/** Counts over the frames of one sequence. It is filled again and again: nothing is allocated for a frame. */
export class Tally {
  /** Measured tokens, by mixture. */
  readonly tokens: Float64Array;
  /** Tokens that were sent to any of its experts, each counted as often as it was sent. */
  readonly choices: Float64Array;
  /** Tokens that came, by expert. */
  readonly counts: Float64Array;
  /** Sum of the weights they gave it. */
  readonly weights: Float64Array;
  /** The first position that is counted. */
  first = 0;
  /** Whether it begins with the end of a prompt, whose frame was too large to be sent whole. */
  cut = false;
  /** Counts how often it changed: a drawing that knows the number has nothing to do. */
  version = 0;
  #last: DecodedFrame | null = null;

  constructor(readonly mixtures: readonly Mixture[]) {
    const { offset = 0, experts = 0 } = mixtures.at(-1) ?? {};
    this.tokens = new Float64Array(mixtures.length);
    this.choices = new Float64Array(mixtures.length);
    this.counts = new Float64Array(offset + experts);
    this.weights = new Float64Array(offset + experts);
  }

  /** The newest frame that is counted. */
  get last(): DecodedFrame | null {
    return this.#last;
  }

  /** Position after the last that is counted. */
  get end(): number {
    return this.#last ? this.#last.header.first + this.#last.header.positions : 0;
  }

  /** The most tokens that any mixture saw. */
  get counted(): number {
    return this.tokens.reduce((most, one) => Math.max(most, one), 0);
  }

  /** Count the frames of a sequence, oldest first, as far as they are kept; the last of them is the one that is shown. */
  follow(frames: readonly DecodedFrame[], stats: number, column: number): void {
    const [shown, last] = [frames.at(-1), this.#last];
    if (!shown || shown === last) return;
    const known = last ? frames.lastIndexOf(last) : -1;
    const [first] = frames;
    // What was counted and is not kept any more is still what they go on from.
    const later = known >= 0 || (last !== null && first !== undefined && goesOn(first, last));
    if (!later) this.clear();
    for (let i = known + 1; i < frames.length; i++) this.#count(frames[i] as DecodedFrame, stats, column);
  }

  clear(): void {
    for (const numbers of [this.tokens, this.choices, this.counts, this.weights]) numbers.fill(0);
    this.#last = null;
    this.version += 1;
  }

  #count(frame: DecodedFrame, stats: number, column: number): void {
    const { first, positions } = frame.header;
    if (!this.#last) [this.first, this.cut] = [first, first > 0 && positions > 1];
    this.#last = frame;
    this.version += 1;
    for (const mixture of this.mixtures) {
      for (let expert = 0; expert < mixture.experts; expert++) {
        const start = (mixture.row + expert) * positions * stats + column;
        this.#expert(mixture, expert, { frame, start, stats });
      }
    }
  }

  #expert(
    { index, offset }: Mixture,
    expert: number,
    { frame, start, stats }: { frame: DecodedFrame; start: number; stats: number },
  ): void {
    const end = start + frame.header.positions * stats;
    let [tokens, chosen, sum] = [0, 0, 0];
    for (let at = start; at < end; at += stats) {
      const weight = frame.stats[at] as number;
      if (Number.isNaN(weight)) continue;
      tokens += 1;
      if (weight === 0) continue;
      chosen += 1;
      sum += weight;
    }
    add(this.counts, offset + expert, chosen);
    add(this.weights, offset + expert, sum);
    add(this.choices, index, chosen);
    // All experts of a mixture see the same tokens.
    if (expert === 0) add(this.tokens, index, tokens);
  }

  /** Tokens that an expert got. */
  count({ offset }: Mixture, expert: number): number {
    return this.counts[offset + expert] ?? 0;
  }

  /** Share of the tokens that an expert got; NaN where none was measured. */
  share(mixture: Mixture, expert: number): number {
    return this.count(mixture, expert) / (this.tokens[mixture.index] ?? 0);
  }

  /** The share that each expert would get if all got equally many. */
  even({ index, experts }: Mixture): number {
    return (this.choices[index] ?? 0) / experts / (this.tokens[index] ?? 0);
  }

  /** Share of the tokens over the even share; NaN where none was measured. */
  load(mixture: Mixture, expert: number): number {
    return (this.count(mixture, expert) * mixture.experts) / (this.choices[mixture.index] ?? 0);
  }

  /** Mean weight from the tokens that came; NaN where none came. */
  weight({ offset }: Mixture, expert: number): number {
    return (this.weights[offset + expert] ?? 0) / (this.counts[offset + expert] ?? 0);
  }

  /** How evenly the tokens are spread, in bits: log2 of the experts where all get equally many, 0 where one gets all. */
  entropy({ index, experts, offset }: Mixture): number {
    const all = this.choices[index] ?? 0;
    if (all === 0) return Number.NaN;
    let bits = 0;
    for (let i = offset; i < offset + experts; i++) {
      const share = (this.counts[i] ?? 0) / all;
      if (share > 0) bits -= share * Math.log2(share);
    }
    return bits;
  }

  /** The expert that gets most tokens, the first of them where there are several; −1 where none came. */
  busiest(mixture: Mixture): number {
    let [best, most] = [-1, 0];
    for (let expert = 0; expert < mixture.experts; expert++) {
      const count = this.count(mixture, expert);
      if (count > most) [best, most] = [expert, count];
    }
    return best;
  }

  /** 1 for the expert that gets most tokens; equals share a rank. */
  rank(mixture: Mixture, expert: number): number {
    const mine = this.count(mixture, expert);
    let rank = 1;
    for (let other = 0; other < mixture.experts; other++) if (this.count(mixture, other) > mine) rank += 1;
    return rank;
  }
}

/** By how many of the same tokens an expert has gained on the clean run; NaN where the two are not of the same tokens. */
export function gained(now: Tally, clean: Tally | null, mixture: Mixture, expert: number): number {
  const [tokens, before] = [now.tokens[mixture.index] ?? 0, clean?.tokens[mixture.index] ?? 0];
  if (!clean || tokens === 0 || tokens !== before) return Number.NaN;
  return now.count(mixture, expert) - clean.count(mixture, expert);
}

/** Of which tokens an expert's weight is read. */
export interface Place {
  readonly frame: DecodedFrame;
  readonly position: number;
}

/** The weight that a token gave an expert; NaN where it was not measured. */
export function weightAt({ frame, position }: Place, row: number, stats: number, column: number): number {
  return frame.stats[(row * frame.header.positions + position) * stats + column] ?? Number.NaN;
}

/** The tokens that weigh an expert most, heaviest first; equals in the order of the text. */
export function heaviest<P extends Place>(
  places: readonly P[],
  row: number,
  of: { stats: number; column: number; most: number },
): { place: P; weight: number }[] {
  return places
    .map((place) => ({ place, weight: weightAt(place, row, of.stats, of.column) }))
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => b.weight - a.weight)
    .slice(0, of.most);
}
