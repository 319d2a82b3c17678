/** Dense feed-forward blocks. */
import type { Block, FeedForwardSpec } from '../../wire/types.generated';
import { fixed } from '../format';
import { factRows } from './facts';
import type { Description } from './kind';

/** The name of a gated activation where it has one. */
export function activationName(activation: string, gated: boolean): string {
  if (activation === 'none') return gated ? 'gated' : '';
  if (!gated) return activation;
  if (activation === 'silu' || activation === 'swish') return 'SwiGLU';
  return activation.startsWith('gelu') ? 'GeGLU' : `gated ${activation}`;
}

/** What goes through it, the longest words first. */
const linesOf = (ends: string, hidden: string, activation: string): string[] => [
  ...(activation === '' ? [] : [`${ends} → ${hidden} → ${ends}, ${activation}`]),
  `${ends} → ${hidden} → ${ends}`,
  `${ends} → ${hidden}`,
  hidden,
];

export function mlp(block: Block, width: number): Description {
  const spec = block.spec as FeedForwardSpec;
  const hidden = fixed(spec.hidden.value);
  const ends = fixed(width);
  const activation = activationName(spec.activation.value, spec.gated.value);
  return {
    hue: 'mlp',
    side: 1,
    type: [activation, ''],
    // Of what is in no layer nobody says how wide the stream is.
    line: width === 0 ? [hidden] : linesOf(ends, hidden, activation),
    rows: [
      [spec.gated.value ? 'gate, up' : 'up', `${ends} → ${hidden}`, `→ ${hidden}`, hidden],
      ['down', `${hidden} → ${ends}`, `→ ${ends}`, ends],
    ],
    cells: null,
    facts: factRows([
      ['Hidden width', spec.hidden],
      ['Gated', spec.gated],
      ['Activation', spec.activation],
    ]),
  };
}
