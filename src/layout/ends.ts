/** What is below and above the layers: embeddings, the last norm, the way back to tokens. */
import type { Block } from '../wire/types.generated';
import { big } from './format';
import { describe } from './kinds';
import type { EndBox, Tick } from './scene';
import { fitting, type Measure } from './text';

export const END_HEIGHT = 30;
const GAP = 6;
/** What a block in a row would like to have. */
const EACH = 128;
const NORM_GAP = 34;
const PLAIN_GAP = 18;

interface EndsOf {
  readonly spine: number;
  readonly width: number;
  readonly measure: Measure;
}

/** A block's name without that of its stack, which stands beside the stream. */
const nameOf = (block: Block) => block.address.slice(block.address.lastIndexOf('.') + 1);

/** Blocks side by side around the spine. */
export function placeRow(blocks: readonly Block[], top: number, { spine, width, measure }: EndsOf): EndBox[] {
  const room = Math.min(
    2 * Math.min(spine, width - spine) - 8,
    blocks.length > 1 ? Math.max(420, EACH * blocks.length) : 300,
  );
  const each = (room - GAP * (blocks.length - 1)) / Math.max(1, blocks.length);
  return blocks.map((block, i) => {
    const params = block.params > 0 ? big(block.params) : '';
    const inner = each - 24 - measure(nameOf(block), 12, 600) - 7;
    const whole = fitting(describe(block).type, inner - measure(params, 11, 400) - 8, measure);
    return {
      key: block.address,
      address: block.address,
      name: nameOf(block),
      type: whole === '' ? fitting(describe(block).type, inner, measure) : whole,
      params: whole === '' ? '' : params,
      last: block.role === 'unembedding',
      phantom: block.role === 'mtp',
      x: Math.round(spine - room / 2 + i * (each + GAP)),
      y: top,
      w: each,
      h: END_HEIGHT,
    };
  });
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
  const spineTop = boxes.length > 0 ? top + END_HEIGHT : top;
  const ticks = norms.map((block, i): Tick => {
    const label = fitting([`${nameOf(block)} · ${describe(block).type[0] ?? ''}`, nameOf(block)], 160, of.measure);
    const y = spineTop + NORM_GAP / 2 + i * NORM_GAP;
    return { key: block.address, address: block.address, across: 'stream', x: of.spine, y, label, labelAt: 'right' };
  });
  return { boxes, ticks, bottom: spineTop + Math.max(PLAIN_GAP, norms.length * NORM_GAP), spineTop };
}
