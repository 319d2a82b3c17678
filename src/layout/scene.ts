/**
 * What a layout says: where everything is, in CSS pixels, with y downwards. Keys stay the same when a card is bound to
 * another layer, so that a drawing can be updated in place; addresses are those of the layer that is shown.
 */
import type { Inside, InsideScene } from './inside';
import type { Hue } from './kinds';

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Rect extends Point {
  readonly w: number;
  readonly h: number;
}

/** A head or an expert. */
export interface CellBox extends Rect {
  readonly key: string;
  readonly address: string;
  /** `H3`, `E17` */
  readonly name: string;
  readonly index: number;
  /** Whether the name, and under it a value, fit in. */
  readonly labelled: boolean;
}

export interface Row {
  readonly label: string;
  readonly value: string;
  readonly y: number;
}

/** A part of a block in a box of its own. */
export interface PartBox extends Rect {
  readonly key: string;
  readonly address: string;
  readonly name: string;
  readonly params: string;
  readonly lines: readonly string[];
}

/** What a line of small words says, and where. */
export interface Words extends Point {
  readonly text: string;
}

/**
 * A block. `bus`: heads in the open between a wire that reads and a wire that writes, with the block's name as a chip.
 * `box`: a box with its name, numbers, and cells if it has any.
 */
export interface BlockBox extends Rect {
  readonly key: string;
  readonly address: string;
  readonly form: 'bus' | 'box';
  readonly hue: Hue;
  readonly side: -1 | 1;
  readonly name: string;
  /** Where the name stands: the chip of a bus, the title line of a box. */
  readonly title: Rect;
  /** What it is, in full. */
  readonly kind: string;
  /** The same as far as there is room for it. */
  readonly type: string;
  readonly line: string;
  readonly params: string;
  readonly rows: readonly Row[];
  readonly parts: readonly PartBox[];
  readonly cells: readonly CellBox[];
  readonly columns: number;
  /** Neighbouring heads that share keys and values. */
  readonly brackets: readonly { readonly x1: number; readonly x2: number; readonly y: number }[];
  /** Where the words about its update go; null where nothing is measured. */
  readonly words: (Point & { readonly w: number }) | null;
  /** A share, in words and as a bar: of the layer's parameters, or of its own that one token passes through. */
  readonly share: (Rect & { readonly of: number; readonly text: string }) | null;
  /** Where the button is that opens and closes it; null where nothing is known of its inside. */
  readonly opener: Point | null;
  /** Its inside, and the upper left corner of that; null where it is not opened. */
  readonly inside: (Point & { readonly scene: InsideScene; readonly of: Inside }) | null;
}

/** A norm: a short bar across the wire or the stream that it normalises. */
export interface Tick extends Point {
  readonly key: string;
  readonly address: string;
  readonly across: 'wire' | 'stream';
  readonly label: string;
  /** Whether the label stands beside it or under it; not at all where the legend says it. */
  readonly labelAt: 'none' | 'under' | 'right';
}

/** A branch's wires: from the stream to its block, and from the block to its plus. */
export interface Line {
  readonly key: string;
  readonly address: string;
  readonly side: -1 | 1;
  readonly hue: Hue;
  readonly bus: boolean;
  readonly spine: number;
  readonly readY: number;
  readonly readX: number;
  /** Beside the stream up to the height at which it comes into its block, where others stand below that; over their wires. */
  readonly rise: (Point & { readonly over: readonly number[] }) | null;
  readonly writeX: number;
  /** Whether it reads the stream; else it reads what another block feeds it. */
  readonly reads: boolean;
  /** Where it is added to the stream; null where it feeds another block instead. */
  readonly plus: Point | null;
  /** The upright wire to the block that it feeds. */
  readonly up: { readonly x: number; readonly from: number; readonly to: number } | null;
  /** `assumed` where the branch was not seen in a forward pass. */
  readonly assumed: boolean;
  /** What the update is multiplied by, where that is not 1, and on which side of the stream that stands. */
  readonly scale: string;
  readonly scaleSide: -1 | 1;
}

/** One layer, or a group of identical ones bound to one of them. */
export interface Card extends Rect {
  readonly key: string;
  readonly group: string;
  readonly stack: string;
  readonly address: string;
  readonly index: number;
  /** The indices it stands for. */
  readonly layers: readonly number[];
  readonly title: string;
  /** The same in half of the room: what is seen from afar is written larger. */
  readonly brief: string;
  readonly subtitle: string;
  /** Where title and subtitle begin. */
  readonly head: Point;
  /** What one token passes through in it, and costs. */
  readonly facts: readonly Words[];
  /** Where the layer's name stands: a chip beside the card, or within the stepper of a folded one. */
  readonly chip: Rect;
  readonly folded: boolean;
  /** Whether the layer that it shows runs for nothing. */
  readonly unused: boolean;
  readonly blocks: readonly BlockBox[];
  readonly lines: readonly Line[];
  readonly ticks: readonly Tick[];
}

/** Embedding and unembedding. */
export interface EndBox extends Rect {
  readonly key: string;
  readonly address: string;
  readonly name: string;
  /** What it is, in full. */
  readonly kind: string;
  /** The same as far as there is room for it. */
  readonly type: string;
  readonly params: string;
  /** Whether that stands in a line under the name. */
  readonly tall: boolean;
  /** Whether the prediction comes out of it. */
  readonly last: boolean;
  /** Known of the checkpoint, not of the module tree. */
  readonly phantom: boolean;
}

/** One layer in a strip: side by side the hues of its blocks, those of what mixes tokens first. */
/** What a layer has, in the strip. */
export interface StripField {
  readonly hue: Hue;
  readonly address: string;
  /** Sees some of the tokens before it, where another layer sees all: it is drawn half as wide. */
  readonly narrow: boolean;
}

export interface StripCell extends Rect {
  readonly key: string;
  /** The first and the last layer that it stands for: one and the same, where there are not too many. */
  readonly index: number;
  readonly last: number;
  readonly address: string;
  readonly group: string;
  readonly fields: readonly StripField[];
  /** What a layer of its kind is called. */
  readonly title: string;
  /** The number beside it, where there is room for one. */
  readonly label: string;
}

export interface Strip extends Rect {
  readonly key: string;
  readonly stack: string;
  readonly cells: readonly StripCell[];
}

/** Which card a strip's cells open into. */
export interface Fan {
  readonly key: string;
  readonly hue: Hue;
  readonly points: readonly Point[];
}

export interface Spine {
  readonly key: string;
  readonly x: number;
  readonly top: number;
  readonly bottom: number;
  /** The stack's name, where there is more than one. */
  readonly label: string;
}

/** A level line to where an edge arrives; it goes over the stream, where it crosses that. */
export interface Arrival {
  readonly from: Point;
  readonly to: Point;
  readonly over: number | null;
}

/** From one stack to another: a line aside and up, and from it to each place where it arrives. */
export interface EdgeLine {
  readonly key: string;
  readonly label: string;
  /** What else is to be said of where it comes from; empty where nothing is. */
  readonly title: string;
  readonly labelAt: Point;
  readonly trunk: readonly Point[];
  readonly ends: readonly Arrival[];
  /** Addresses of the blocks that it goes through. */
  readonly via: readonly string[];
  readonly assumed: boolean;
}

export interface Scene {
  readonly width: number;
  readonly height: number;
  /** Whether there is a live model: then fills belong to what is measured. */
  readonly live: boolean;
  readonly spines: readonly Spine[];
  readonly ends: readonly EndBox[];
  readonly ticks: readonly Tick[];
  readonly cards: readonly Card[];
  readonly strips: readonly Strip[];
  readonly fans: readonly Fan[];
  readonly edges: readonly EdgeLine[];
}
