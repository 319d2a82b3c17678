/** The kinds of block that are known, by the kind of their spec. */
import type { Block, Spec } from '../../wire/types.generated';
import { big } from '../format';
import { attention } from './attention';
import type { Describe, Description, RowOf } from './kind';
import { mixer } from './mixer';
import { mlp } from './mlp';
import { moe } from './moe';
import { norm, other } from './other';
import { embedding, unembedding } from './outside';

const KINDS: Record<Spec['kind'], Describe> = { attention, mixer, mlp, moe, norm, embedding, unembedding };

/** What a block is made of, where blocks are all that is known of it. */
const partsOf = ({ parts }: Block): RowOf[] =>
  parts.map((part) => {
    const [type = '', params] = [describe(part).type[0], big(part.params)];
    return [part.address.slice(part.address.lastIndexOf('.') + 1), ...(type ? [`${type}, ${params}`] : []), params];
  });

function newDescription(block: Block, width: number): Description {
  const known = block.spec ? (KINDS[block.spec.kind] as Describe | undefined) : undefined;
  return known ? known(block, width) : { ...other(block), rows: partsOf(block) };
}

/** Blocks do not change, and are asked about by all who place or draw them. */
const DESCRIBED = new WeakMap<Block, Map<number, Description>>();

/** Describe a block; one of an unknown kind, or without a spec, is a plain box with its name and its parts. */
export function describe(block: Block, width = 0): Description {
  const known = DESCRIBED.get(block) ?? new Map<number, Description>();
  const found = known.get(width) ?? newDescription(block, width);
  DESCRIBED.set(block, known.set(width, found));
  return found;
}

export type { CellsOf, Description, FactRow, Hue, PartOf } from './kind';
