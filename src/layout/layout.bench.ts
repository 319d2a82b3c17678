/** How long layouts take: the largest of all architectures, and well-known ones of each kind. `npm run bench`. */
import { bench, describe } from 'vitest';
import { oneOf } from '../fixtures/every';
import { layoutScene } from './index';

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
