/**
 * What a page keeps of time: the last frames of a sequence, and which of them is shown. Nobody is kept waiting: frames
 * come, and are kept, while an earlier one is looked at. Those that a page was too slow for come later, and are put in
 * their place. All sessions of a page share one budget of bytes; the oldest frames of each are dropped where its share
 * is full, and it is said how many.
 */
import type { DecodedFrame } from '../wire/codec';
import type { Frame, Intervention, RunSummary, SessionState } from '../wire/types.generated';
import { common } from './copies';
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

/** One frame, and what else was known when it came. */
export interface Moment {
  readonly frame: DecodedFrame;
  /** The newest frame without interventions, and the newest of any other pass, when this one had come. */
  readonly clean: DecodedFrame | null;
  readonly edited: DecodedFrame | null;
  /** The sequence so far: it is shared with the moments that go on from it, and longer than this one where they do. */
  readonly text: readonly (string | null)[];
  readonly bytes: number;
  /** What was in force; null as long as the state has not said it. */
  interventions: readonly Intervention[] | null;
  /** The run that it is of, which the state tells after its frames; null for a token of a generation. */
  run: RunSummary | null;
}

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

/** Where a frame's tokens end in its sequence. */
export const endOf = ({ first, positions }: Frame): number => first + positions;

/** The tokens of a moment's sequence, up to the end of its frame. */
export const tokensOf = ({ text, frame }: Moment): readonly (string | null)[] => text.slice(0, endOf(frame.header));

/** Whether a frame goes on with the text of the one before, or is another look at it. */
function goesOn({ header }: DecodedFrame, before: Moment): boolean {
  if (header.first > 0) return true;
  if (header.origin === 'outside' && before.frame.header.origin === 'outside') return true;
  const end = endOf(before.frame.header);
  // A page that is slower than the model gets some of the frames: what it was not told of a text agrees with any.
  const agrees = (token: string | null, i: number) => i >= end || (before.text[i] ?? token) === token;
  return header.positions >= end && header.tokens.every(agrees);
}

/** Whether a frame is of the same pass as another. */
function isAgain({ header: a }: DecodedFrame, { header: b }: DecodedFrame): boolean {
  return a.seq === b.seq && a.origin === b.origin && a.first === b.first && a.positions === b.positions;
}

/** The sequence with a frame's tokens in their place. It grows where it can: a text is not copied for each token. */
function textWith({ header }: DecodedFrame, before: Moment | undefined): readonly (string | null)[] {
  const { first, tokens, positions } = header;
  const told = Array.from({ length: positions }, (_, i) => tokens[i] ?? null);
  const text = before?.text as (string | null)[] | undefined;
  if (first === 0) return told;
  if (text?.length === first) {
    text.push(...told);
    return text;
  }
  return [...Array.from({ length: first }, (_, i) => text?.[i] ?? null), ...told];
}

/** What comes of a pass; what is linked to the moments before it is not known yet. */
type Pass = Pick<Moment, 'frame' | 'bytes' | 'interventions' | 'run'>;

/** A pass as the moment after another. */
function linked({ frame, bytes, interventions, run }: Pass, before: Moment | undefined): Moment {
  const clean = frame.header.origin === 'clean';
  return {
    frame,
    clean: clean ? frame : (before?.clean ?? null),
    edited: clean ? (before?.edited ?? null) : frame,
    text: textWith(frame, before),
    bytes,
    interventions,
    run,
  };
}

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

/** What was in force in a frame's pass, where the state that is known is of as many interventions. */
function inForce(header: Frame, state: SessionState | null): readonly Intervention[] | null {
  if (header.interventions === 0) return [];
  return state && state.interventions.length === header.interventions ? state.interventions : null;
}

/** A column of a sequence: a frame, and one of its positions. */
export interface Column {
  readonly frame: DecodedFrame;
  readonly position: number;
}

/** Which frame has each token from `start` to `end` of the sequence that a frame is of; null where it is not kept. */
export function columnsOf(
  moments: readonly Moment[],
  frame: DecodedFrame,
  start: number,
  end: number,
): (Column | null)[] {
  const columns: (Column | null)[] = Array.from({ length: Math.max(0, end - start) }, () => null);
  let at = moments.length - 1;
  while (at >= 0 && moments[at]?.frame !== frame) at--;
  const text = moments[at]?.text;
  let open = end;
  for (let of: DecodedFrame | undefined = frame; of && open > start; ) {
    const { first } = of.header;
    for (let place = Math.max(first, start); place < Math.min(open, endOf(of.header)); place++) {
      columns[place - start] = { frame: of, position: place - first };
    }
    open = Math.min(open, first);
    const before = moments[--at];
    of = before && before.text === text ? before.frame : undefined;
  }
  return columns;
}
