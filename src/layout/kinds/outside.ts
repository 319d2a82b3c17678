/** Blocks outside the layers: tables of vectors, and the way back to tokens. */
import type { Block, EmbeddingSpec, UnembeddingSpec } from '../../wire/types.generated';
import { fixed } from '../format';
import { factRows } from './facts';
import type { Description } from './kind';

export function embedding(block: Block): Description {
  const spec = block.spec as EmbeddingSpec;
  const shape = `${fixed(spec.rows.value)} × ${fixed(spec.width.value)}`;
  return {
    hue: 'emb',
    side: 1,
    type: [`${spec.of.value}, ${shape}`, shape, spec.of.value, ''],
    line: [],
    rows: [],
    cells: null,
    facts: factRows([
      ['Rows', spec.rows],
      ['Width', spec.width],
      ['Of', spec.of],
      ['Scale', spec.scale],
    ]),
  };
}

export function unembedding(block: Block): Description {
  const spec = block.spec as UnembeddingSpec;
  const shape = `${fixed(spec.width.value)} × ${fixed(spec.rows.value)}`;
  const tied = spec.tied.value ? 'tied to embed' : 'untied';
  return {
    hue: 'emb',
    side: 1,
    type: [`${shape}, ${tied}`, tied, ''],
    line: [],
    rows: [],
    cells: null,
    facts: factRows([
      ['Rows', spec.rows],
      ['Width', spec.width],
      ['Tied', spec.tied],
      ['Softcap', spec.softcap],
    ]),
  };
}
