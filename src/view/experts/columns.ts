/** Beside the raster, one dot for each layer: how evenly its tokens are spread, and how much its busiest expert gets. */
import { fixed } from '../../layout/format';
import { put, s, setText } from '../dom';
import type { Experts } from './model';
import { times } from './words';

const WIDTH = 56;
const GAP = 16;
const PAD = 6;
const HEAD = 18;
const FOOT = 18;

interface Scale {
  readonly low: number;
  readonly high: number;
}

/** One line column. */
class Column {
  readonly element = s('g', {});
  #line = s('path', { class: 'gb-ex-line' });
  #dots = s('path', { class: 'gb-ex-dots' });
  #now = s('circle', { r: 4, class: 'gb-ex-now' });
  #low = s('text', { class: 'gb-ex-label', x: 2 });
  #high = s('text', { class: 'gb-ex-label', x: WIDTH, 'text-anchor': 'end' });
  #edges = s('path', { class: 'gb-ex-edges' });
  #path = '';

  constructor(name: string, x: number) {
    this.element.append(
      s('text', { class: 'gb-ex-label', x: WIDTH / 2, y: 11, 'text-anchor': 'middle' }, name),
      this.#edges,
      this.#line,
      this.#dots,
      this.#now,
      this.#low,
      this.#high,
    );
    this.element.setAttribute('transform', `translate(${x},0)`);
  }

  paint(values: readonly number[], { low, high }: Scale, of: { each: number; height: number; at: number }): void {
    const { each, height, at } = of;
    const x = (value: number) => PAD + ((value - low) / (high - low || 1)) * (WIDTH - 2 * PAD);
    const y = (i: number) => HEAD + height - (i + 0.5) * each;
    const points = values.flatMap((value, i) =>
      Number.isNaN(value) ? [] : [`${x(value).toFixed(1)},${y(i).toFixed(1)}`],
    );
    const path = points.join(' ');
    put(this.#edges, 'd', `M${PAD},${HEAD} v${height} M${WIDTH - PAD},${HEAD} v${height}`);
    for (const text of [this.#low, this.#high]) put(text, 'y', String(HEAD + height + FOOT - 4));
    const value = values[at] ?? Number.NaN;
    this.#now.style.display = Number.isNaN(value) ? 'none' : '';
    put(this.#now, 'cx', Number.isNaN(value) ? '0' : x(value).toFixed(1));
    put(this.#now, 'cy', y(at).toFixed(1));
    if (path === this.#path) return;
    this.#path = path;
    this.#line.setAttribute('d', points.length > 1 ? `M${points.join(' L')}` : '');
    this.#dots.setAttribute('d', points.map((point) => `M${point} h0`).join(' '));
  }

  name(low: string, high: string): void {
    setText(this.#low, low);
    setText(this.#high, high);
  }
}

/** Ends of a scale that only ever widens while a sequence runs: a dot that stays still means that nothing has changed. */
class Widening {
  high = 0;

  take(values: readonly number[], fresh: boolean): number {
    if (fresh) this.high = 0;
    for (const value of values) if (value > this.high) this.high = Math.ceil(value);
    return Math.max(2, this.high);
  }
}

export class Columns {
  static readonly width = 2 * WIDTH + GAP;
  readonly element = s('svg', { class: 'gb-ex-columns', width: Columns.width, role: 'img' });
  #entropy = new Column('entropy', 0);
  #busiest = new Column('busiest', WIDTH + GAP);
  #most = new Widening();
  #first = -1;

  constructor(private readonly experts: Experts) {
    this.element.append(this.#entropy.element, this.#busiest.element);
  }

  paint(height: number): void {
    const { mixtures, now, spot, columns } = this.experts;
    put(this.element, 'height', String(HEAD + height + FOOT));
    const of = { each: height / mixtures.length, height, at: spot.mixture };
    const bits = Math.log2(Math.max(2, columns));
    const entropy = mixtures.map((one) => now.entropy(one));
    this.#entropy.paint(entropy, { low: 0, high: bits }, of);
    this.#entropy.name('0', `${fixed(bits, Number.isInteger(bits) ? 0 : 1)} bit`);
    const busiest = mixtures.map((one) => now.load(one, now.busiest(one)));
    const fresh = now.first !== this.#first || now.counted <= 1;
    this.#first = now.first;
    const high = this.#most.take(busiest, fresh);
    this.#busiest.paint(busiest, { low: 1, high }, of);
    this.#busiest.name('1', `${high} ×`);
    const [mine, most] = [entropy[spot.mixture] ?? Number.NaN, busiest[spot.mixture] ?? Number.NaN];
    const words = Number.isNaN(mine)
      ? 'not measured'
      : `entropy ${fixed(mine, 2)} of at most ${fixed(Math.log2(this.experts.mixture.experts), 2)} bits, busiest expert ${times(most)} the even share`;
    put(this.element, 'aria-label', `${this.experts.mixture.address}: ${words}`);
  }
}
