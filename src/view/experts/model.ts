/** What there is to see of the experts, worked out once for each repaint, for all drawings of them. */
import type { ExpertsOf } from '../../state/local';
import type { Moment } from '../../state/moment';
import {
  addressOf,
  gained,
  goesOn,
  type Mixture,
  mixturesOf,
  type Place,
  type Spot,
  spotOf,
  Tally,
} from '../../state/routing';
import type { DecodedFrame } from '../../wire/codec';
import type { FrameLayout } from '../../wire/types.generated';
import { coloursOf } from '../canvas';
import type { View } from '../context';
import type { Look } from '../look';
import { CELL, COLOURS } from './pixels';

/** A load of ⅛ and of 8 times the even share are the ends of the scale. */
export const LOAD_ENDS = 3;
/** A longer text is counted whole and shown by its last tokens. */
const MOST_PLACES = 256;

/** A token of the sequence, and where its weights are. */
export interface Token extends Place {
  readonly text: string;
  /** In the sequence. */
  readonly at: number;
}

/** A share of the scale as a cell. */
const colour = (share: number) => CELL.colour + Math.round(Math.max(0, Math.min(1, share)) * (COLOURS - 1));

export class Experts {
  mixtures: readonly Mixture[] = [];
  columns = 1;
  /** Where the weights are in a frame: how many statistics there are, and which of them it is. */
  stats = 1;
  column = 0;
  now = new Tally([]);
  clean: Tally | null = null;
  spot: Spot = { mixture: 0, expert: 0 };
  tokens: readonly Token[] = [];
  /** What each cell shows, by mixture from the bottom and number. */
  cells = new Uint16Array(0);
  /** Counts how often what is shown has changed. */
  version = 0;
  look: Look | null = null;
  #layout: FrameLayout | null = null;
  #before = new Tally([]);
  #frames: readonly DecodedFrame[] = [];
  #moments: readonly Moment[] = [];
  #drawn = '';
  #followed: string | null = null;
  #chosen = false;

  constructor(readonly view: View) {}

  get mixture(): Mixture {
    return this.mixtures[this.spot.mixture] as Mixture;
  }

  /** The weight that is drawn largest: the top of the scale, which is fixed during a run. */
  get high(): number {
    return this.look?.weights?.high ?? 1;
  }

  get address(): string {
    return addressOf(this.mixtures, this.spot);
  }

  /** Whether an address is one of a mixture or of an expert. */
  names(address: string | null): boolean {
    const { layout } = this.view.session.durable.value;
    if (address === null || !layout || !this.#laidOut(layout)) return false;
    const spot = spotOf(this.mixtures, address);
    return spot !== null && addressOf(this.mixtures, spot) === address;
  }

  /** Nobody looks: frames that are kept for their tokens may go. What was counted stays. */
  rest(): void {
    if (this.#frames.length === 0) return;
    this.#frames = [];
    this.tokens = [];
    this.#drawn = '';
  }

  /** Take what a repaint shows. Returns whether there is anything. */
  read(look: Look): boolean {
    this.look = look;
    const { layout } = this.view.session.durable.value;
    if (!layout || !this.#laidOut(layout)) return false;
    const frame = look.now?.frame ?? null;
    if (frame && look.now) {
      this.#renew();
      this.#frames = this.#sequence(frame);
      this.now.follow(this.#frames, this.stats, this.column);
    }
    this.clean = look.clean && look.interventions.length > 0 ? this.#before : null;
    if (this.clean && look.clean) this.#before.follow([look.clean.frame], this.stats, this.column);
    this.#follow();
    this.#write(look);
    return true;
  }

  /** The rows of a layout, once. */
  #laidOut(layout: FrameLayout): boolean {
    if (layout === this.#layout) return this.mixtures.length > 0;
    this.#layout = layout;
    this.mixtures = mixturesOf(layout);
    this.columns = Math.max(1, ...this.mixtures.map(({ experts }) => experts));
    this.stats = layout.stats.length;
    this.column = layout.stats.indexOf('norm');
    this.now = new Tally(this.mixtures);
    this.#before = new Tally(this.mixtures);
    this.cells = new Uint16Array(this.mixtures.length * this.columns);
    this.#chosen = false;
    return this.mixtures.length > 0;
  }

  /** Count anew where frames came late: what was counted goes on from them. */
  #renew(): void {
    const { moments } = this.view.session.timeline;
    if (moments === this.#moments) return;
    this.#moments = moments;
    this.#frames = [];
    this.now.clear();
  }

  /** The shown frame, after those of its sequence that are kept. */
  #sequence(shown: DecodedFrame): readonly DecodedFrame[] {
    if (shown === this.#frames.at(-1)) return this.#frames;
    const { moments } = this.view.session.timeline;
    const frames = [shown];
    let at = moments.length - 1;
    while (at > 0 && moments[at]?.frame !== shown) at -= 1;
    for (let i = at; i > 0; i--) {
      const before = moments[i - 1]?.frame;
      if (!before || !goesOn(frames.at(-1) as DecodedFrame, before)) break;
      frames.push(before);
    }
    return frames.reverse();
  }

  /** The cell that one looks at: what is selected, where that is a mixture or in one. Till then the busiest in the middle. */
  #follow(): void {
    const { selected } = this.view.state.value;
    if (selected !== this.#followed) {
      this.#followed = selected;
      const spot = spotOf(this.mixtures, selected);
      if (spot) {
        const expert = spot.expert >= 0 ? spot.expert : Math.max(0, this.#busiest(spot.mixture));
        this.spot = { mixture: spot.mixture, expert };
        this.#chosen = true;
      }
    }
    if (this.#chosen || this.now.counted === 0) return;
    const mixture = Math.floor((this.mixtures.length - 1) / 2);
    this.spot = { mixture, expert: Math.max(0, this.#busiest(mixture)) };
    this.#chosen = true;
  }

  #busiest(mixture: number): number {
    return this.now.busiest(this.mixtures[mixture] as Mixture);
  }

  #write(look: Look): void {
    const { experts: of } = this.view.state.value;
    const done = look.interventions.map(({ address, cut }) => `${address} ${cut}`).join();
    const colours = coloursOf(this.view.state.value);
    const key = [this.now.version, this.clean?.version, of, done, this.address, colours].join('|');
    if (key === this.#drawn) return;
    this.#drawn = key;
    this.version += 1;
    this.#tokens();
    for (const mixture of this.mixtures) this.#row(mixture, of, look);
    for (const { address, cut } of look.interventions) if (cut) this.#cut(address);
  }

  #tokens(): void {
    const tokens: Token[] = [];
    for (const frame of this.#frames) {
      const { first, positions, tokens: names } = frame.header;
      for (let position = 0; position < positions; position++) {
        tokens.push({ frame, position, at: first + position, text: names[position] ?? '' });
      }
    }
    this.tokens = tokens.slice(-MOST_PLACES);
  }

  #row(mixture: Mixture, of: ExpertsOf, look: Look): void {
    const { now, cells, columns } = this;
    const measured = (now.tokens[mixture.index] ?? 0) > 0;
    const each = (now.choices[mixture.index] ?? 0) / mixture.experts;
    const { low, high } = look.weights ?? { low: 0.01, high: 1 };
    const span = Math.log(high / low);
    for (let expert = 0; expert < mixture.experts; expert++) {
      const count = now.counts[mixture.offset + expert] ?? 0;
      let what: number = measured ? CELL.noToken : CELL.unmeasured;
      if (count > 0 && of === 'load') what = colour((Math.log2(count / each) + LOAD_ENDS) / (2 * LOAD_ENDS));
      else if (count > 0) what = colour(Math.log(now.weight(mixture, expert) / low) / span);
      cells[mixture.index * columns + expert] = what;
    }
  }

  /** What is ablated, itself or with what contains it. */
  #cut(address: string): void {
    for (const one of this.mixtures) {
      const from = one.index * this.columns;
      if (one.address === address || one.address.startsWith(`${address}.`)) {
        this.cells.fill(CELL.ablated, from, from + one.experts);
      }
    }
    const spot = spotOf(this.mixtures, address);
    if (spot && spot.expert >= 0) this.cells[spot.mixture * this.columns + spot.expert] = CELL.ablated;
  }

  isCut({ index }: Mixture, expert: number): boolean {
    return this.cells[index * this.columns + expert] === CELL.ablated;
  }

  /** By how many tokens it has gained on the clean run; NaN where there is nothing to compare. */
  gained(mixture: Mixture, expert: number): number {
    return gained(this.now, this.clean, mixture, expert);
  }

  /** Look at another cell, and say so. */
  select(spot: Spot): void {
    this.view.state.set({ selected: addressOf(this.mixtures, spot) });
  }
}
