/** How long layouts and searches take: the largest of all architectures, and well-known ones of each kind. `npm run bench`. */
import { bench, describe } from 'vitest';
import { oneOf } from '../fixtures/every';
import { INSIDES } from '../fixtures/insides';
import { tall } from '../fixtures/tall';
import { layoutScene } from './index';
import { layoutInside } from './inside';
import { search } from './search';

const measure = (text: string, px: number) => text.length * px * 0.6;
const NAMES = [
  'gallery-gpt2',
  'gallery-deepseek-v3',
  'gallery-qwen3-next-80b-a3b',
  'gallery-t5-11b',
  'gallery-gemma-3-27b',
  'causal-gemma3n_text-Gemma3nForCausalLM',
  'causal-beam-BeamForCausalLM',
];

describe.each([true, false])('live: %s', (live) => {
  for (const name of NAMES) {
    const of = oneOf(name);
    bench(name, () => void layoutScene(of, { width: 752, live, bound: {}, measure }), { time: 400 });
  }
});

describe('insides, in a panel of the least width', () => {
  for (const [name, inside] of Object.entries(INSIDES))
    bench(name, () => void layoutInside(inside, { width: 300, measure }), { time: 400 });
});

// A keystroke must not be felt.
describe('a search among 100,000 layers', () => {
  const model = tall();
  for (const words of ['model.layers.99999.mlp', 'L77777 h5', 'sliding'])
    bench(words, () => void search(model, words), { time: 400 });
});
