/** An architecture in the place of a notebook's model: it is there, it never changes, and nobody is asked anything. */
import type { PageModel } from '../wire/model';
import type { Architecture } from '../wire/types.generated';
import { TRAITS } from './durable';

export class StillModel implements PageModel {
  constructor(private readonly architecture: Architecture) {}

  get(key: string): unknown {
    return key === TRAITS.architecture ? this.architecture : undefined;
  }

  on(): void {}

  off(): void {}

  send(): void {}
}
