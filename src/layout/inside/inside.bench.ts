/** How long the layout of an inside takes, in a panel of the least width, where most has to be tried. `npm run bench`. */
import { bench } from 'vitest';
import { INSIDES } from '../../fixtures/insides';
import { layoutInside } from './index';

const measure = (text: string, px: number) => text.length * px * 0.58;

for (const [name, inside] of Object.entries(INSIDES))
  bench(name, () => void layoutInside(inside, { width: 300, measure }), { time: 400 });
