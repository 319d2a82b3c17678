/** How long a search takes: a keystroke must not be felt. `npm run bench`. */
import { bench, describe } from 'vitest';
import { tall } from '../fixtures/tall';
import { search } from './search';

describe('among 100,000 layers', () => {
  const model = tall();
  for (const words of ['model.layers.99999.mlp', 'L77777 h5', 'sliding'])
    bench(words, () => void search(model, words), { time: 400 });
});
