/** What an architecture is made of, in words: each kind of layer with what its blocks are, where nothing is live. */
import { big, layerRange, percent } from '../layout/format';
import { describe } from '../layout/kinds';
import { groupKey, layerAddress } from '../layout/model';
import { titlesOf } from '../layout/titles';
import type { Architecture, Block, Group, Stack } from '../wire/types.generated';
import type { Part, View } from './context';
import { h, show } from './dom';

/** More kinds than this are a list that nobody reads. */
const MOST = 12;

/** What a block is, in a line: its kind, and its shape where that is not said by it. */
function wordsOf(block: Block, width: number): string {
  const { type, line } = describe(block, width);
  const [what = '', shape = ''] = [type[0], line[0]];
  return [shape.includes(what) ? '' : what, shape].filter((word) => word !== '').join(', ');
}

export class Overview implements Part {
  readonly element = h('section', { class: 'gb-section gb-overview' });
  #drawn: Architecture | null = null;

  constructor(private readonly view: View) {}

  draw(): void {
    const { architecture, state } = this.view.session.durable.value;
    show(this.element, state === null);
    if (state || architecture === this.#drawn) return;
    this.#drawn = architecture;
    // As in the diagram, what comes last is on top.
    const all = [...architecture.stacks].reverse().flatMap((stack) => {
      const groups = [...stack.groups].sort((a, b) => (b.layers[0] ?? 0) - (a.layers[0] ?? 0));
      return groups.map((group) => this.#group(architecture, stack, group));
    });
    const more =
      all.length > MOST ? [h('p', { class: 'gb-sub' }, `and ${all.length - MOST} more kinds of layers`)] : [];
    const head = h('div', { class: 'gb-section-head' }, h('h2', {}, 'Kinds of layers'));
    this.element.replaceChildren(head, h('ul', {}, ...all.slice(0, MOST)), ...more);
  }

  paint(): void {}

  #group(architecture: Architecture, stack: Stack, group: Group): HTMLElement {
    const { template, layers } = group;
    const [title = ''] = titlesOf(stack, group);
    const total = Math.min(template.params * layers.length, architecture.params.total);
    const name = `${title}${layers.length > 1 ? ` × ${layers.length}` : ''}`;
    const index = layers[0] ?? 0;
    const go = h('button', { class: 'gb-overview-name' }, name);
    go.addEventListener('click', () => this.#select(stack, group, layerAddress(stack, index)));
    const named = new Set(template.branches.map(({ block }) => block));
    const blocks = template.blocks.filter(({ address }) => named.has(address));
    return h(
      'li',
      {},
      h('div', { class: 'gb-overview-head' }, go, h('b', {}, big(total))),
      h(
        'div',
        { class: 'gb-overview-head gb-sub' },
        h('span', {}, layerRange(layers, stack.name)),
        h('span', {}, percent(total / architecture.params.total)),
      ),
      ...blocks.map((block) => this.#block(stack, group, block)),
    );
  }

  #block(stack: Stack, group: Group, block: Block): HTMLElement {
    const { width } = stack;
    const name = block.address.slice(block.address.lastIndexOf('.') + 1);
    const button = h(
      'button',
      { class: 'gb-overview-block', 'data-hue': describe(block).hue },
      h('i', { class: 'gb-swatch' }),
      h('b', {}, name),
      h('span', {}, wordsOf(block, width.value)),
      h('span', {}, big(block.params)),
    );
    button.addEventListener('click', () => this.#select(stack, group, block.address));
    return button;
  }

  /** Look at something of the group's first layer, which its card then shows. */
  #select(stack: Stack, group: Group, address: string): void {
    const { state } = this.view;
    const index = group.template.index;
    state.set({ bound: { ...state.value.bound, [groupKey(stack, group)]: index }, selected: address });
  }
}
