/** The inside of the selected block, in the panel: as wide as there is room, with what its marks mean under it. */
import { expertsOf, layoutInside } from '../../layout/inside';
import { shapeOf } from '../../layout/inside/shapes';
import type { Inside } from '../../layout/inside/types';
import { describe } from '../../layout/kinds';
import type { Block } from '../../wire/types.generated';
import type { View } from '../context';
import { h, s, show } from '../dom';
import { drawInside } from './draw';
import { Walk } from './walk';

/** Beyond it wires only get longer. */
const WIDEST = 640;

/** What the marks of an inside mean; only of those that it has. */
function legendOf({ steps }: Inside): string[] {
  const has = (of: (step: Inside['steps'][number]) => boolean) => steps.some(of);
  return [
    has(({ op }) => op === 'linear') && 'Bar width: square root of the dimension; under a name its parameters.',
    has(({ shape }) => shapeOf(shape).includes('n ×') || shapeOf(shape).endsWith(' n')) && 'n: tokens.',
    has(({ taps }) => taps.length > 0) && '●\u00a0can be read by that name.',
    has(({ unused }) => unused) && 'Dashed: runs, and nothing is made of it.',
  ].filter((line) => line !== false);
}

export class InsidePicture {
  readonly element = h('div', { class: 'gb-inside' });
  #svg = s('svg', { class: 'gb-diagram gb-inside-picture', role: 'presentation' });
  #legend = h('p', { class: 'gb-sub' });
  #walk: Walk;
  #block: Block | null = null;
  #width = 0;
  /** Whether it is to be seen in the diagram: then not here too. */
  #elsewhere = false;

  constructor(private readonly view: View) {
    this.#walk = new Walk(view, this.#svg);
    this.element.append(this.#svg, this.#legend, this.#walk.tooltip);
    if (typeof ResizeObserver === 'undefined') return;
    const observer = new ResizeObserver(() => this.#resized());
    observer.observe(this.element);
    view.signal.addEventListener('abort', () => observer.disconnect());
  }

  /** Show a block's inside; nothing where none was read, for the facts and notes beside it say what is known. */
  show(block: Block | null): void {
    this.#block = block?.inside ? block : null;
    show(this.element, this.#block !== null);
    this.#width = 0;
    this.#resized();
    if (!this.#block) this.#walk.follow(null);
  }

  paint(): void {
    const elsewhere = this.#block !== null && this.view.state.value.opened === this.#block.address;
    if (elsewhere === this.#elsewhere) return;
    this.#elsewhere = elsewhere;
    this.#width = 0;
    this.#resized();
  }

  #resized(): void {
    const width = Math.min(WIDEST, this.element.clientWidth || 360);
    if (width === this.#width || !this.#block?.inside) return;
    this.#width = width;
    const said = legendOf(this.#block.inside);
    this.#legend.textContent = [...(this.#elsewhere ? ['Its inside is open in the diagram.'] : []), ...said].join('  ');
    this.#svg.classList.toggle('gb-off-stage', this.#elsewhere);
    if (this.#elsewhere) this.#walk.follow(null);
    else this.#draw(this.#block, this.#block.inside, width);
  }

  #draw(block: Block, inside: Inside, width: number): void {
    const scene = layoutInside(inside, { width, measure: this.view.measure, experts: expertsOf(block) });
    const group = drawInside(scene, inside, `Inside of ${block.address}`);
    for (const [name, value] of [
      ['width', scene.width],
      ['height', scene.height],
      ['viewBox', `0 0 ${scene.width} ${scene.height}`],
      ['data-hue', describe(block).hue],
    ] as const) {
      this.#svg.setAttribute(name, String(value));
    }
    this.#svg.replaceChildren(group);
    this.#walk.follow({ group, scene, inside, address: block.address });
  }
}
