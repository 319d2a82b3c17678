/** Horizontal places: they follow from the width and from what the layers hold, and are the same for all cards. */
import type { Description } from './kinds';
import { ASIDE, type Opened } from './opened';

export interface Columns {
  readonly card: { readonly x: number; readonly w: number };
  readonly spine: number;
  readonly left: { readonly x: number; readonly w: number };
  readonly right: { readonly x: number; readonly w: number };
  /** Where a norm stands on a wire, from the stream. */
  readonly tick: number;
  /** Where a wire goes up that has to pass a block: between the stream and the norms. */
  readonly rise: number;
  /** The same on the way back, where the arrow's head is. */
  readonly postTick: number;
  /** The same for a norm of the sum of several branches: nearest to the plus. */
  readonly jointTick: number;
  /** Whether all blocks stand on the right of the stream: one is opened, and there is no room for two columns. */
  readonly single: boolean;
  readonly strip: { readonly x: number; readonly w: number } | null;
}

const PAD = 12;
const CHIP = 30;
const STRIP = { narrow: { x: 22, w: 20, aside: 10 }, wide: { x: 30, w: 26, aside: 38 } };
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
  /** A block that is opened gets the width that it needs, and what is beside it the rest. */
  readonly opened: Opened | null;
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

/** Where the stream is, and how far blocks are from it. */
interface Cut {
  /** How wide cards are: wider than there is room for where the narrowest inside is; then not all is seen at once. */
  readonly w: number;
  readonly spine: number;
  readonly gap: number;
  readonly single: boolean;
}

/** How wide an opened block should be: three projections find room side by side; and how wide it is at least beside others. */
const OPENED = { most: 336, least: 288 };
/** From the stream to blocks. */
const GAP = 70;
/** The same in one column: wires go up in it, too. */
const SINGLE = 60;
/** From the edge of a card to the stream where nothing stands between them: the dial around a plus. */
const LANE = 24;

/**
 * The stream moved aside for an opened block, no further than what is on its other side can spare. Where there is too
 * little, the stream goes to the edge and all blocks stand in one column: text is never made smaller for it.
 */
function makeRoom(card: Columns['card'], usual: number, tight: number, { side, widthIn }: Opened): Cut {
  for (const [wanted, gap] of [[OPENED.most, GAP] as const, [OPENED.least, tight] as const]) {
    const [inner, outer] = [gap + PAD, gap + PAD + 4];
    const [from, to] = [card.x + inner, card.x + card.w - outer];
    if (to - from < wanted + ASIDE || widthIn(wanted) > wanted) continue;
    const spine = side === -1 ? Math.max(usual, from + wanted) : Math.min(usual, to - wanted);
    return { w: card.w, spine: Math.max(from + ASIDE, Math.min(spine, to - ASIDE)), gap, single: false };
  }
  const beside = LANE + SINGLE + PAD;
  const w = beside + widthIn(card.w - beside);
  return { w, spine: card.x + LANE, gap: SINGLE, single: true };
}

export function columns(given: ColumnsOf): Columns {
  const { width, folded, across, onRight, opened } = given;
  const narrow = width < NARROW;
  const strip = folded ? STRIP[narrow ? 'narrow' : 'wide'] : null;
  const x = strip ? strip.x + strip.w + strip.aside : CHIP;
  const whole = { x, w: width - x };
  const usual = Math.round(x + whole.w * shareOf(given));
  // Names of norms across the stream stand beside it.
  const tight = across ? 60 : 50;
  const { w, spine, gap, single }: Cut = opened
    ? makeRoom(whole, usual, tight, opened)
    : { w: whole.w, spine: usual, gap: narrow ? tight : GAP, single: false };
  const card = { x, w };
  // Half of the gap, and no nearer to the block than its name is wide.
  const tick = single ? 36 : gap < GAP ? 27 : 37;
  const right = spine + (onRight || !folded || single ? gap : 26);
  return {
    card,
    spine,
    left: single ? { x: card.x, w: 0 } : { x: card.x + PAD, w: spine - gap - card.x - PAD },
    right: { x: right, w: card.x + card.w - PAD - (single ? 0 : 4) - right },
    tick,
    rise: tick - 13,
    // Its name must fit between the stream and the block.
    postTick: gap < GAP ? 30 : 43,
    jointTick: gap < GAP ? 22 : 29,
    single,
    strip,
  };
}
