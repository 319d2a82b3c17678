/**
 * What a page keeps of time: the last frames of a sequence, and which of them is shown. Nobody is kept waiting: frames
 * come, and are kept, while an earlier one is looked at. Those that a page was too slow for come later, and are put in
 * their place. All sessions of a page share one budget of bytes; the oldest frames of each are dropped where its share
 * is full, and it is said how many.
 */
import type { DecodedFrame } from '../wire/codec';
import type { SessionState } from '../wire/types.generated';
import { common } from './copies';
import { goesOn, inForce, isAgain, linked, type Moment, type Pass, tokensOf } from './moment';
import { Store } from './store';

const BUDGET = 64 * 2 ** 20;
/** A slider with more stops than this cannot be aimed at. */
const MOST = 2000;
/** About what a header takes beside its buffers. */
const HEADER = 2000;
/** Over so long a time frames are counted. */
const WINDOW = 1000;
/** The rate is read, so it is not written more often than this. */
const RATE_EVERY = 500;

export interface TimelineState {
  /** How many frames are kept, and which of them is shown; −1: none, or one that was dropped since. */
  readonly kept: number;
  readonly at: number;
  /** Whether the shown one stays when others come. */
  readonly paused: boolean;
  /** How many of this sequence were dropped. */
  readonly dropped: number;
  /** How many of it have not come: this page was slower than the model. */
  readonly missing: number;
  /** Frames a second; 0 where none came for a second. */
  readonly rate: number;
}

const EMPTY: TimelineState = { kept: 0, at: -1, paused: false, dropped: 0, missing: 0, rate: 0 };

export class Timeline {
  readonly state = new Store<TimelineState>(EMPTY);
  #moments: Moment[] = [];
  #held: Moment | null = null;
  #dropped = 0;
  #missing = 0;
  #bytes = 0;
  #came: number[] = [];
  #rate = 0;
  #rated = 0;
  #quiet: ReturnType<typeof setTimeout> | undefined;

  constructor(
    signal: AbortSignal,
    private readonly budget: number = BUDGET,
    private readonly now: () => number = () => performance.now(),
  ) {
    common().timelines += 1;
    signal.addEventListener('abort', () => {
      common().timelines -= 1;
      this.#moments = [];
      clearTimeout(this.#quiet);
    });
  }

  /** Another list where more happened than that the newest was added and the oldest were dropped. */
  get moments(): readonly Moment[] {
    return this.#moments;
  }

  /** The moment that is shown: the newest, unless an earlier one is held. */
  get shown(): Moment | null {
    return this.#held ?? this.#moments.at(-1) ?? null;
  }

  /** The moment that is held while others come; null where the newest is shown. */
  get held(): Moment | null {
    return this.#held;
  }

  /** Keep a frame. */
  push(frame: DecodedFrame, size: number, state: SessionState | null): void {
    if (this.#again(frame)) return;
    const pass = { frame, bytes: size + HEADER, interventions: inForce(frame.header, state), run: null };
    const before = this.#moments.at(-1);
    if (before && before.frame.header.seq > frame.header.seq) this.#insert(pass);
    else this.#append(pass);
    this.#missing = frame.header.missing;
    this.#trim();
    this.#count();
    this.#tell();
  }

  #append(pass: Pass): void {
    const before = this.#moments.at(-1);
    if (before && !this.#held && !goesOn(pass.frame, before)) this.#clear();
    this.#moments.push(linked(pass, this.#moments.at(-1)));
    this.#bytes += pass.bytes;
  }

  /** Put a pass that comes late in its place. All are linked anew: it may be where the text begins. */
  #insert(late: Pass): void {
    const [oldest, ...rest] = this.#moments;
    const after = this.#moments.findIndex((one) => one.frame.header.seq > late.frame.header.seq);
    const held = this.#held?.frame;
    this.#moments = [];
    this.#bytes = 0;
    const passes: Pass[] = rest;
    if (after > 0 && oldest) {
      // What came before the oldest was dropped, and only its text is known.
      this.#moments.push({ ...oldest, text: tokensOf(oldest) });
      this.#bytes += oldest.bytes;
      passes.splice(after - 1, 0, late);
    } else if (oldest) passes.unshift(late, oldest);
    for (const pass of passes) this.#append(pass);
    if (held) this.#held = this.#moments.find((one) => one.frame === held) ?? this.#held;
  }

  /** Put a pass that is sent once more, because more is shown of it now, in its place. Returns whether it was. */
  #again(frame: DecodedFrame): boolean {
    const same = (one: DecodedFrame | null): boolean => one !== null && isAgain(frame, one);
    if (!this.#moments.some((one) => same(one.frame))) return false;
    const changed = (one: Moment): Moment => ({
      ...one,
      frame: same(one.frame) ? frame : one.frame,
      clean: same(one.clean) ? frame : one.clean,
      edited: same(one.edited) ? frame : one.edited,
    });
    const held = this.#held === null ? -1 : this.#moments.lastIndexOf(this.#held);
    this.#moments = this.#moments.map(changed);
    if (this.#held) this.#held = this.#moments[held] ?? changed(this.#held);
    this.#tell();
    return true;
  }

  /** What the state says of the newest frame came after it. */
  told(state: SessionState | null, before: SessionState | null): void {
    const newest = this.#moments.at(-1);
    if (!newest || !state) return;
    newest.interventions ??= inForce(newest.frame.header, state);
    const { origin } = newest.frame.header;
    const ran = state.run !== null && state.run.id !== before?.run?.id;
    if (ran && (origin === 'clean' || origin === 'run')) newest.run = state.run;
  }

  /** Hold the moment that is shown. */
  pause(): void {
    this.#held = this.shown;
    this.#tell();
  }

  /** Show the newest again. What is left of earlier sequences is dropped. */
  resume(): void {
    if (!this.#held) return;
    this.#held = null;
    const all = this.#moments;
    let first = all.length - 1;
    while (first > 0 && goesOn((all[first] as Moment).frame, all[first - 1] as Moment)) first--;
    if (first > 0) this.#drop(first, true);
    this.#tell();
  }

  /** Hold the moment with an index, or the nearest to it. */
  go(index: number): void {
    const at = Math.max(0, Math.min(this.#moments.length - 1, index));
    this.#held = this.#moments[at] ?? null;
    this.#tell();
  }

  /** Show a frame; false where it is not kept. */
  showing(frame: DecodedFrame): boolean {
    const at = this.#moments.findIndex((one) => one.frame === frame);
    if (at < 0) return false;
    if (at === this.#moments.length - 1) this.resume();
    else this.go(at);
    return true;
  }

  step(by: number): void {
    this.go(this.state.value.at + by);
  }

  #clear(): void {
    this.#moments = [];
    this.#bytes = 0;
    this.#dropped = 0;
  }

  #trim(): void {
    const share = this.budget / Math.max(1, common().timelines);
    let most = Math.max(0, this.#moments.length - MOST);
    let bytes = this.#bytes;
    for (let i = 0; i < most; i++) bytes -= this.#moments[i]?.bytes ?? 0;
    while (bytes > share && most < this.#moments.length - 1) bytes -= this.#moments[most++]?.bytes ?? 0;
    if (most > 0) this.#drop(most, false);
  }

  #drop(count: number, earlier: boolean): void {
    for (const { bytes } of this.#moments.splice(0, count)) this.#bytes -= bytes;
    this.#dropped = earlier ? 0 : this.#dropped + count;
  }

  #count(): void {
    const now = this.now();
    this.#came.push(now);
    while (now - (this.#came[0] ?? now) > WINDOW) this.#came.shift();
    if (now - this.#rated >= RATE_EVERY) {
      const [first = now] = this.#came;
      this.#rate = now > first ? Math.round(((this.#came.length - 1) * 1000) / (now - first)) : 0;
      this.#rated = now;
    }
    clearTimeout(this.#quiet);
    this.#quiet = setTimeout(() => {
      this.#rate = 0;
      this.#came = [];
      this.#tell();
    }, WINDOW);
  }

  #tell(): void {
    const kept = this.#moments.length;
    const at = this.#held ? this.#moments.lastIndexOf(this.#held) : kept - 1;
    this.state.set({
      kept,
      at,
      paused: this.#held !== null,
      dropped: this.#dropped,
      missing: this.#missing,
      rate: this.#rate,
    });
  }
}
