/** Where a block's picture comes from: the frames of the sequence on screen, or the matrix that was asked for. */
import type { AskedMatrix } from '../../state/local';
import { type Column, columnsOf, endOf } from '../../state/moment';
import { MOST_ROWS, matrixPattern, type Pattern, patternOf } from '../../state/pattern';
import type { DecodedFrame } from '../../wire/codec';
import type { Block } from '../../wire/types.generated';
import type { View } from '../context';
import type { Look } from '../look';
import { RASTERS } from './raster';

export interface Source {
  readonly now: Pattern | null;
  readonly clean: Pattern | null;
  /** Whether there is an edited run beside the clean one. */
  readonly compared: boolean;
}

/** What a block's picture is read from; nothing of a block that has none. */
export function tapsOf(block: Block): string[] {
  if (block.role === 'attention') return [`${block.address}.pattern`];
  if (block.role === 'mixer') return RASTERS.map(({ tap }) => `${block.address}.${tap}`);
  return [];
}

interface Columns {
  readonly columns: readonly (Column | null)[];
  readonly tokens: readonly (string | null)[];
  /** The place in the sequence of the first column. */
  readonly start: number;
}

/** The last tokens of the sequence that a frame is of, and which frames have them. */
export function columnsAt({ session }: View, frame: DecodedFrame): Columns {
  const { moments } = session.timeline;
  const end = endOf(frame.header);
  const moment = [...moments].reverse().find((one) => one.frame === frame);
  const start = Math.max(0, end - MOST_ROWS);
  const told = frame.header.tokens.map((token) => token as string | null);
  const tokens = moment?.text ?? [...Array.from({ length: frame.header.first }, () => null), ...told];
  return { columns: columnsOf(moments, frame, start, end), tokens, start };
}

/** An attention's patterns. @param differs whether the two runs' difference is asked for */
export function patternsOf(view: View, block: Block, look: Look, differs: boolean): Source {
  const name = `${block.address}.pattern`;
  const causal = block.spec?.kind === 'attention' && block.spec.causal.value;
  const of = (frame: DecodedFrame | undefined) =>
    frame ? patternOf({ name, frame, causal, ...columnsAt(view, frame) }) : null;
  const { edited } = view.session.page.value;
  const compared = look.interventions.length > 0 && look.clean !== null;
  const clean = compared ? of(look.clean?.frame) : null;
  // With the clean run on screen the edited one is still what it is compared with.
  const now = of(differs && look.shows === 'clean' ? (edited ?? undefined) : look.now?.frame);
  return { now, clean, compared: compared && now !== null && clean !== null };
}

/** The matrix that was asked for, as long as it is of this mixer and of the run on screen. */
export function askedOf({ session }: View, block: Block): AskedMatrix | null {
  const { matrix } = session.page.value;
  const run = session.durable.value.state?.run?.id ?? null;
  return matrix?.name === block.address && matrix.run === run ? matrix : null;
}

/** The exact matrix of a mixer. */
export function matrixOf(view: View, block: Block, look: Look): Source {
  const numbers = askedOf(view, block)?.numbers;
  const tokens = look.now ? columnsAt(view, look.now.frame).tokens : [];
  return { now: numbers ? matrixPattern(numbers, tokens) : null, clean: null, compared: false };
}

/** Why there is nothing to see of a block; empty where there is. */
export function reasonOf(view: View, block: Block, look: Look, some: boolean): string {
  const why = askedOf(view, block)?.why ?? null;
  if (why !== null) return why;
  if (some) return '';
  const unread = look.now?.frame.header.unread ?? {};
  const [reason] = tapsOf(block).flatMap((name) => unread[name] ?? []);
  if (reason !== undefined) return `It cannot be shown: ${reason}.`.replace(/\.\.$/, '.');
  return look.now ? 'It comes with the next forward pass.' : 'Run a prompt to see it.';
}

/** The largest size in a matrix, rounded up to a number that is easily read. */
export function limitOf(pattern: Pattern | null): number {
  if (!pattern) return 1;
  let largest = 0;
  for (let head = 0; head < pattern.heads; head++) {
    pattern.queries.forEach((_, row) => {
      for (let column = 0; column <= row; column++) {
        const size = Math.abs(pattern.at(head, row, column));
        if (size > largest) largest = size;
      }
    });
  }
  const power = 10 ** Math.floor(Math.log10(largest || 1));
  return (Math.ceil((2 * largest) / power) / 2) * power || 1;
}
