/** Steps in words: what each is, what it reads and what reads it. */
import { big, fixed } from '../../layout/format';
import { shapeInFull, shapeOf } from '../../layout/inside/shapes';
import type { Inside, Op, Step } from '../../layout/inside/types';

const OPS: Readonly<Record<Op, string>> = {
  input: 'comes in',
  output: 'goes out',
  linear: 'linear',
  norm: 'norm',
  rotary: 'rotary positions',
  scores: 'scores of queries and keys',
  softmax: 'softmax',
  mix: 'sum weighted by the pattern',
  activation: 'activation',
  multiply: 'product',
  add: 'sum',
  convolution: 'convolution over tokens',
  recurrence: 'recurrence over tokens',
  route: 'choice of experts',
  experts: 'experts',
  split: 'cut into parts',
  join: 'put together',
  other: '',
};

/** What an operation is, in words. */
const opOf = ({ op }: Step): string => OPS[op] ?? op;

const plural = (count: number, one: string) => `${fixed(count)} ${one}${count === 1 ? '' : 's'}`;

/** A step in one sentence, for who listens: `q_proj: linear, 4,096 to 32 × 128, 16.8 M parameters, feeds rotary`. */
export function sentenceOf({ steps, wires }: Inside, index: number): string {
  const step = steps[index] as Step;
  const names = (of: readonly number[]) => [...new Set(of)].map((one) => steps[one]?.name ?? '').join(', ');
  const reads = wires.filter(({ target }) => target === index).map(({ source }) => source);
  const feeds = wires.filter(({ source }) => source === index).map(({ target }) => target);
  const [before, after] = [shapeOf(steps[reads[0] ?? -1]?.shape ?? []), shapeOf(step.shape)];
  const what = opOf(step);
  return [
    `${step.name}${what === '' || what === step.name ? '' : `: ${what}`}`,
    before !== '' && before !== after ? `${before} to ${after}` : after,
    step.params > 0 ? `${big(step.params)} parameters` : '',
    step.taps.length > 0 ? `can be read as ${step.taps.join(', ')}` : '',
    reads.length > 0 ? `reads ${names(reads)}` : '',
    feeds.length > 0 ? `feeds ${names(feeds)}` : '',
    step.unused ? 'nothing is made of it' : '',
  ]
    .filter((word) => word !== '')
    .join(', ');
}

export interface Line {
  readonly text: string;
  readonly mono: boolean;
}

/** What is to be known of a step, in lines. With a live model, its taps as the line of Python that reads them. */
export function linesOf(step: Step, address: string, live: boolean): Line[] {
  const line = (text: string, mono = false): Line => ({ text, mono });
  const taps = live
    ? step.taps.map((tap) => line(`session.cache("${address}.${tap}")`, true))
    : step.taps.length > 0
      ? [line(`read as ${step.taps.join(', ')}`)]
      : [];
  return [
    line([opOf(step), step.folded > 1 ? plural(step.folded, 'operation') : ''].filter((one) => one !== '').join(' · ')),
    line(step.path, true),
    line(shapeInFull(step.shape)),
    line(step.params > 0 ? plural(step.params, 'parameter') : ''),
    ...taps,
    line(step.unused ? 'It runs, and nothing is made of it.' : ''),
  ].filter(({ text }) => text !== '');
}
