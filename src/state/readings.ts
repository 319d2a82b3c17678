/** Reading a frame: statistics by address, the update at each plus, and how far both are from the clean run. */
import type { DecodedFrame } from '../wire/codec';
import type { FrameLayout, Site } from '../wire/types.generated';

export interface Update {
  /** ||update|| / ||stream|| */
  readonly ratio: number;
  /** cos(update, stream) */
  readonly cosine: number;
}

/** Rows of a layout by address, worked out once for each layout. */
export class LayoutIndex {
  readonly site = new Map<string, number>();
  readonly update = new Map<string, number>();
  readonly stat: ReadonlyMap<string, number>;
  #kinds = new Map<Site['kind'], string[]>();

  constructor(readonly layout: FrameLayout) {
    layout.sites.forEach(({ address, kind }, row) => {
      this.site.set(address, row);
      const alike = this.#kinds.get(kind);
      if (alike) alike.push(address);
      else this.#kinds.set(kind, [address]);
    });
    layout.updates.forEach((address, row) => {
      this.update.set(address, row);
    });
    this.stat = new Map(layout.stats.map((name, column) => [name, column]));
  }

  kind(address: string): Site['kind'] | undefined {
    return this.layout.sites[this.site.get(address) ?? -1]?.kind;
  }

  /** The addresses of a kind: asked for at each repaint, so put together once. */
  sites(kind: Site['kind']): readonly string[] {
    return this.#kinds.get(kind) ?? [];
  }
}

/** One frame at one of its positions, seen through its layout. What was not measured reads as NaN. */
export class Readings {
  constructor(
    readonly index: LayoutIndex,
    readonly frame: DecodedFrame,
    /** The position that is read unless another one is asked for: the last, as long as nobody chose one. */
    readonly at: number = frame.header.positions - 1,
  ) {}

  stat(address: string, name: string, position = this.at): number {
    const row = this.index.site.get(address);
    const column = this.index.stat.get(name);
    if (row === undefined || column === undefined || position < 0) return Number.NaN;
    const { positions } = this.frame.header;
    return this.frame.stats[(row * positions + position) * this.index.stat.size + column] ?? Number.NaN;
  }

  norm(address: string, position = this.at): number {
    return this.stat(address, 'norm', position);
  }

  update(address: string, position = this.at): Update | null {
    const row = this.index.update.get(address);
    if (row === undefined || position < 0) return null;
    const at = (row * this.frame.header.positions + position) * 2;
    const [ratio, cosine] = [this.frame.updates[at], this.frame.updates[at + 1]];
    return ratio === undefined || cosine === undefined || Number.isNaN(ratio) ? null : { ratio, cosine };
  }
}

/** Whether two frames are of the same tokens, so that their columns can be compared. */
export function comparable(a: DecodedFrame, b: DecodedFrame): boolean {
  const [x, y] = [a.header, b.header];
  return x.first === y.first && x.positions === y.positions && x.tokens.every((token, i) => token === y.tokens[i]);
}

/**
 * How far a site is from the clean run at a token, as a share. The kernel measures it between the activations
 * themselves: ||now - clean|| / ||clean||, exactly 0 where nothing changed. An expert's only number is its routing weight,
 * which is compared here. NaN where nothing can be said.
 */
export function change(now: Readings, clean: Readings, address: string, position = now.at): number {
  const measured = now.stat(address, 'change', position);
  if (!Number.isNaN(measured) || now.index.kind(address) !== 'expert') return measured;
  const [a, b] = [now.norm(address, position), clean.norm(address, position)];
  return a === b ? 0 : b > 0 ? Math.abs(a - b) / b : 1;
}
