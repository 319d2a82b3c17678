/** One frame among those of its sequence: what was known when it came, and whether it goes on with the one before. */
import type { DecodedFrame } from '../wire/codec';
import type { Frame, Intervention, RunSummary, SessionState } from '../wire/types.generated';

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

/** Where a frame's tokens end in its sequence. */
export const endOf = ({ first, positions }: Frame): number => first + positions;

/** The tokens of a moment's sequence, up to the end of its frame. */
export const tokensOf = ({ text, frame }: Moment): readonly (string | null)[] => text.slice(0, endOf(frame.header));

/** Whether a frame goes on with the text of the one before, or is another look at it. */
export function goesOn({ header }: DecodedFrame, before: Moment): boolean {
  if (header.first > 0) return true;
  if (header.origin === 'outside' && before.frame.header.origin === 'outside') return true;
  const end = endOf(before.frame.header);
  // A page that is slower than the model gets some of the frames: what it was not told of a text agrees with any.
  const agrees = (token: string | null, i: number) => i >= end || (before.text[i] ?? token) === token;
  return header.positions >= end && header.tokens.every(agrees);
}

/** Whether a frame is of the same pass as another. */
export function isAgain({ header: a }: DecodedFrame, { header: b }: DecodedFrame): boolean {
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
export type Pass = Pick<Moment, 'frame' | 'bytes' | 'interventions' | 'run'>;

/** A pass as the moment after another. */
export function linked({ frame, bytes, interventions, run }: Pass, before: Moment | undefined): Moment {
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

/** What was in force in a frame's pass, where the state that is known is of as many interventions. */
export function inForce(header: Frame, state: SessionState | null): readonly Intervention[] | null {
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
