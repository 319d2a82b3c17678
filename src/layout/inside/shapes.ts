/** Shapes as people say them: what is of one token, and how often the tokens come in. */
import { fixed } from '../format';
import type { Step } from './types';

type Shape = Step['shape'];

/** `32 × 128`; over tokens and tokens again `32 × n × n`, for then it is of no single token. */
export function shapeOf(shape: Shape): string {
  const tokens = shape.filter((one) => one === 'tokens').length;
  const free = shape.filter((one) => one !== 'batch' && (one !== 'tokens' || tokens > 1));
  // A dimension of one says nothing, unless there is no other.
  const words = (free.some((one) => one !== 1) ? free.filter((one) => one !== 1) : free).map((one) =>
    typeof one === 'number' ? fixed(one) : one.replaceAll('tokens', 'n'),
  );
  return words.join(' × ');
}

/** How many numbers there are for one token: what a bar's width says. Where tokens have no name, the last dimension. */
export function sizeOf(shape: Shape): number {
  if (!shape.includes('tokens')) return Number(shape.filter((one) => typeof one === 'number').at(-1) ?? 1);
  return shape.reduce<number>((product, one) => product * (typeof one === 'number' ? one : 1), 1);
}

/** The same in full, for who reads it out. */
export function shapeInFull(shape: Shape): string {
  return shape.map((one) => (typeof one === 'number' ? fixed(one) : one)).join(' × ');
}
