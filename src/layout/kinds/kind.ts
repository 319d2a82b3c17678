/**
 * What the diagram needs to know about a kind of block. A new kind is one file beside this one that describes it, and
 * one line in `index.ts`; placing and drawing it follow from the description.
 */
import type { Block, Source } from '../../wire/types.generated';

/** Which of the palette's hues a block has. */
export type Hue = 'attn' | 'mixer' | 'mlp' | 'moe' | 'emb' | 'other';

/** A value with its provenance, as the detail panel lists it. */
export interface FactRow {
  readonly label: string;
  readonly value: string;
  readonly source: Source;
  readonly where: string;
}

/** Parts of a block that are drawn as cells and clicked one by one. */
export interface CellsOf {
  readonly prefix: 'H' | 'E';
  readonly count: number;
  /** So many neighbours share something (a key/value head); 1 where they do not. */
  readonly shared: number;
}

/** A part of a block that has a box of its own in it. */
export interface PartOf {
  /** Its block: the last step of its address, and how often it holds what the box is of. */
  readonly part: string;
  readonly copies: number;
  readonly name: string;
  readonly lines: readonly string[];
}

export type RowOf = readonly [label: string, ...value: string[]];

export interface Description {
  readonly hue: Hue;
  /** -1: left of the stream (mixes tokens); 1: right of it (works on one token). */
  readonly side: -1 | 1;
  /** What it is, in words, long to short. */
  readonly type: readonly string[];
  /** Its shape in one line, long to short. */
  readonly line: readonly string[];
  /** Numbers for its box where nothing is measured: a label, and the value, long to short. */
  readonly rows: readonly RowOf[];
  /** Boxes beside its cells, where there is room: they say what its rows say. */
  readonly parts?: readonly PartOf[];
  readonly cells: CellsOf | null;
  readonly facts: readonly FactRow[];
}

/** Describe a block in a residual stream of that width. */
export type Describe = (block: Block, width: number) => Description;
