/** Horizontal places: they follow from the width and from what the layers hold, and are the same for all cards. */
import type { Description } from './kinds';
import { ASIDE, OPENED } from './opened';

export interface Columns {
  readonly card: { readonly x: number; readonly w: number };
  readonly spine: number;
  readonly left: { readonly x: number; readonly w: number };
  readonly right: { readonly x: number; readonly w: number };
  /** Where a norm stands on a wire, from the stream. */
  readonly tick: number;
  /** The same on the way back, where the arrow's head is. */
  readonly postTick: number;
  /** The same for a norm of the sum of several branches: nearest to the plus. */
  readonly jointTick: number;
  readonly strip: { readonly x: number; readonly w: number } | null;
}

const PAD = 12;
const CHIP = 30;
const NARROW = 540;
const WIDEST = 820;

export interface ColumnsOf {
  readonly width: number;
  readonly folded: boolean;
  readonly live: boolean;
  /** Whether norms lie across the stream within layers: their names stand beside it. */
  readonly across: boolean;
  readonly blocks: readonly Description[];
  /** Whether any block is on the right of the stream: else what is there are names of layers alone. */
  readonly onRight: boolean;
  /** On which side a block is opened: it gets the width that it needs, if the diagram must be wider for that. */
  readonly opened: -1 | 1 | null;
}

/** The widest a diagram gets: beyond it wires only get longer. Where there is room for twice of it, it is a little larger. */
export function diagramWidth(width: number): number {
  const more = Math.max(0, Math.min(180, (width - WIDEST) / 4));
  return Math.max(300, Math.min(width, WIDEST + more));
}

/** Where the stream is between the edges of a card: the side that holds more gets more. */
function shareOf({ width, folded, live, blocks, onRight }: ColumnsOf): number {
  const wideRight = blocks.some((one) => one.side === 1 && (one.cells?.count ?? 0) > 16);
  const wideLeft = live && blocks.some((one) => one.side === -1 && (one.cells?.count ?? 0) > 4);
  if (!onRight && folded) return width < NARROW ? 0.58 : 0.66;
  return wideRight ? 0.44 : wideLeft ? 0.54 : 0.512;
}

/** The stream moved aside for an opened block, no further than what is on its other side can spare. */
function makeRoom(card: Columns['card'], spine: number, gap: number, opened: -1 | 1): { w: number; spine: number } {
  const [inner, outer] = [gap + PAD, gap + PAD + 4];
  const needed = OPENED + ASIDE + inner + outer;
  const w = Math.max(card.w, needed);
  const at = opened === -1 ? Math.max(spine, card.x + inner + OPENED) : Math.min(spine, card.x + w - outer - OPENED);
  return { w, spine: Math.max(card.x + inner + ASIDE, Math.min(at, card.x + w - outer - ASIDE)) };
}

export function columns(given: ColumnsOf): Columns {
  const { width, folded, across, onRight, opened } = given;
  const narrow = width < NARROW;
  const strip = folded ? { x: narrow ? 22 : 30, w: narrow ? 20 : 26 } : null;
  const x = strip ? strip.x + strip.w + (narrow ? 10 : 38) : CHIP;
  const whole = { x, w: width - x };
  const gap = narrow ? (across ? 60 : 50) : 70;
  const usual = Math.round(whole.x + whole.w * shareOf(given));
  const { w, spine } = opened === null ? { w: whole.w, spine: usual } : makeRoom(whole, usual, gap, opened);
  const card = { x, w };
  const right = spine + (onRight || !folded ? gap : 26);
  return {
    card,
    spine,
    left: { x: card.x + PAD, w: spine - gap - card.x - PAD },
    right: { x: right, w: card.x + card.w - PAD - 4 - right },
    tick: narrow ? 30 : 37,
    // Its name must fit between the stream and the block.
    postTick: narrow ? 30 : 43,
    jointTick: narrow ? 22 : 29,
    strip,
  };
}
