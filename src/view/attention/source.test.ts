/** A matrix that was asked for belongs to the run on screen when it was, and so does why there is none. */
import { expect, it } from 'vitest';
import type { AskedMatrix } from '../../state/local';
import type { Block } from '../../wire/types.generated';
import type { View } from '../context';
import type { Look } from '../look';
import { askedOf, reasonOf } from './source';

const WHY = 'its state is not linear';
const block = { address: 'L1.mixer', role: 'mixer' } as Block;
const look = { now: null } as Look;

function viewOf(matrix: Partial<AskedMatrix>, run: number): View {
  const asked = { name: 'L1.mixer', run: 5, numbers: null, why: WHY, ...matrix };
  return {
    session: { page: { value: { matrix: asked } }, durable: { value: { state: { run: { id: run } } } } },
  } as unknown as View;
}

it('says why there is none, where it was asked for', () => {
  expect(reasonOf(viewOf({}, 5), block, look, true)).toBe(WHY);
});

it.each([
  ['another run', viewOf({}, 6)],
  ['another mixer', viewOf({ name: 'L0.mixer' }, 5)],
])('says nothing of it at %s', (_, view) => {
  expect(askedOf(view, block)).toBeNull();
  expect(reasonOf(view, block, look, true)).toBe('');
});
