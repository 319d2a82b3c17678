/** What is below and above the layers: embeddings, the last norm, the way back to tokens. */
import type { Block } from '../wire/types.generated';
import { big } from './format';
import { describe } from './kinds';
import type { EndBox, Tick } from './scene';
import { fitting, type Measure } from './text';

const HEIGHT = 30;
/** With what a block is in a line under its name. */
const TALL = 46;
const INSET = 12;
const GAP = 6;
/** What a row would like to have, and each block in it. */
const ROOM = 420;
const EACH = 128;
const NORM_GAP = 34;
const PLAIN_GAP = 18;

export interface EndsOf {
  readonly spine: number;
  /** Where all blocks stand on one side of the stream, the edge on its other one; else boxes stand around the stream. */
  readonly from: number | null;
  readonly width: number;
  readonly measure: Measure;
}

/** What a block is, in words, long to short; of one that the class leaves out, that it does. */
const wordsOf = (block: Block): readonly string[] =>
  block.role === 'mtp' ? ['in the checkpoint only', 'checkpoint only', ''] : describe(block).type;

/** A block's name without that of its stack, which stands beside the stream. */
const nameOf = (block: Block) => block.address.slice(block.address.lastIndexOf('.') + 1);

/** What stands in a box: what the block is beside its name, or under it where that has no room for any word. */
function textsOf(block: Block, width: number, tall: boolean, measure: Measure): Pick<EndBox, 'type' | 'params'> {
  const params = block.params > 0 ? big(block.params) : '';
  const type = wordsOf(block);
  const beside = width - measure(nameOf(block), 12, 600) - 7;
  const both = beside - measure(params, 11, 400) - 8;
  if (tall) return { type: fitting(type, width, measure), params: both > -8 ? params : '' };
  const whole = fitting(type, both, measure);
  if (whole !== '') return { type: whole, params };
  return { type: fitting(type, beside, measure), params: '' };
}

/** Whether what a block is and how large has no room beside its name: it says nothing, or breaks off. */
function crowded(block: Block, width: number, measure: Measure): boolean {
  const { type, params } = textsOf(block, width, false, measure);
  if (params === '' && block.params > 0) return true;
  return wordsOf(block).some((words) => words !== '') && (type === '' || type.endsWith('…'));
}

/** The least width in which a block's name with its parameters, and a word of what it is, are whole. */
function leastOf(block: Block, measure: Measure): number {
  const words = wordsOf(block).filter((one) => one !== '');
  const shortest = Math.min(...words.map((one) => measure(one, 11, 400)));
  const params = block.params > 0 ? measure(big(block.params), 11, 400) + 8 : 0;
  return Math.max(measure(nameOf(block), 12, 600) + params, words.length > 0 ? shortest : 0) + 2 * INSET;
}

/** Blocks side by side around the spine, in as many rows as they need to be read: upwards, as everything here. */
export function placeRow(blocks: readonly Block[], top: number, of: EndsOf): EndBox[] {
  const { spine, width, from, measure } = of;
  const wanted = Math.max(1, ...blocks.map((block) => leastOf(block, measure)));
  const all = (Math.max(EACH, wanted) + GAP) * blocks.length - GAP;
  const there = from === null ? 2 * Math.min(spine, width - spine) - 8 : width - from;
  const room = Math.min(there, blocks.length > 1 ? Math.max(ROOM, all) : 300);
  const left = Math.max(spine - room / 2, from ?? 0);
  const least = Math.min(room, wanted);
  const rows = Math.ceil(blocks.length / Math.floor((room + GAP) / (least + GAP))) || 1;
  const columns = Math.ceil(blocks.length / rows);
  const each = (room - GAP * (columns - 1)) / Math.max(1, columns);
  const inner = each - 2 * INSET;
  const tall = blocks.some((block) => crowded(block, inner, measure));
  const height = tall ? TALL : HEIGHT;
  return blocks.map((block, i) => ({
    key: block.address,
    address: block.address,
    name: nameOf(block),
    kind: wordsOf(block)[0] ?? '',
    ...textsOf(block, inner, tall, measure),
    tall,
    last: block.role === 'unembedding',
    phantom: block.role === 'mtp',
    x: Math.round(left + (i % columns) * (each + GAP)),
    y: top + (rows - 1 - Math.floor(i / columns)) * (height + GAP),
    w: each,
    h: height,
  }));
}

/** How high boxes are, in however many rows. */
export function rowHeight(boxes: readonly EndBox[]): number {
  const [lowest] = boxes;
  const highest = boxes.at(-1);
  return lowest && highest ? lowest.y + lowest.h - highest.y : 0;
}

export interface Top {
  readonly boxes: readonly EndBox[];
  readonly ticks: readonly Tick[];
  /** Where the layers may begin. */
  readonly bottom: number;
  /** Where the stream ends. */
  readonly spineTop: number;
}

/** Outputs from top to bottom: boxes in a row, then norms as ticks on the stream. */
export function placeTop(outputs: readonly Block[], top: number, of: EndsOf): Top {
  const norms = outputs.filter((block) => block.role === 'norm');
  const boxes = placeRow(
    outputs.filter((block) => block.role !== 'norm'),
    top,
    of,
  );
  const spineTop = top + rowHeight(boxes);
  const ticks = norms.map((block, i): Tick => {
    const label = fitting([`${nameOf(block)} · ${describe(block).type[0] ?? ''}`, nameOf(block)], 160, of.measure);
    const y = spineTop + NORM_GAP / 2 + i * NORM_GAP;
    return { key: block.address, address: block.address, across: 'stream', x: of.spine, y, label, labelAt: 'right' };
  });
  return { boxes, ticks, bottom: spineTop + Math.max(PLAIN_GAP, norms.length * NORM_GAP), spineTop };
}
