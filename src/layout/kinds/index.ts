/** The kinds of block that are known, by the kind of their spec. */
import type { Block, Spec } from '../../wire/types.generated';
import { attention } from './attention';
import type { Describe, Description } from './kind';
import { mixer } from './mixer';
import { mlp } from './mlp';
import { moe } from './moe';
import { norm, other } from './other';
import { embedding, unembedding } from './outside';

const KINDS: Record<Spec['kind'], Describe> = { attention, mixer, mlp, moe, norm, embedding, unembedding };

/** Describe a block; one of an unknown kind, or without a spec, is a plain box with its name. */
export function describe(block: Block, width = 0): Description {
  const known = block.spec ? (KINDS[block.spec.kind] as Describe | undefined) : undefined;
  return (known ?? other)(block, width);
}

export type { CellsOf, Description, FactRow, Hue } from './kind';
