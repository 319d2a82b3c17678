/** What is under the pointer or the focus: its address, what was measured, and what a click would do. */
import { describe } from '../layout/kinds';
import { locate } from '../layout/model';
import { actionOf, type Part, type View } from './context';
import { h, setText } from './dom';
import { describeState } from './hit';
import type { Look } from './look';

const DELAY = 150;

export class Tooltip implements Part {
  readonly element = h('div', { class: 'gb-tooltip', role: 'presentation', hidden: true });
  #name = h('b');
  #kind = h('span');
  #state = h('span');
  #done = h('span', { class: 'gb-done' });
  #action = h('span', { class: 'gb-action' });
  #aside = h('span', {}, 'Right click: other kinds · Shift: choose several · Alt: only show it');
  #look: Look | null = null;
  #target: Element | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly view: View,
    stage: HTMLElement,
  ) {
    this.element.append(this.#name, this.#kind, this.#state, this.#done, this.#action, this.#aside);
    const { signal } = view;
    stage.addEventListener('pointerover', (event) => this.#over(event.target as Element), { signal });
    stage.addEventListener('pointerleave', () => this.#hide(), { signal });
    for (const act of ['click', 'contextmenu']) stage.addEventListener(act, () => this.#hide(), { signal });
    signal.addEventListener('abort', () => clearTimeout(this.#timer));
  }

  paint(look: Look): void {
    this.#look = look;
    if (this.#target?.isConnected && !this.element.hidden) this.#fill(this.#target as SVGElement);
  }

  #over(target: Element): void {
    const hit = target.closest('.gb-hit');
    if (hit === this.#target) return;
    this.#hide();
    this.#target = hit;
    if (hit) this.#timer = setTimeout(() => this.#show(hit as SVGElement), DELAY);
  }

  #hide(): void {
    clearTimeout(this.#timer);
    this.#target = null;
    this.element.hidden = true;
  }

  #fill(target: SVGElement): void {
    const { address = '', act } = target.dataset;
    if (!this.#look) return;
    setText(this.#name, address);
    setText(this.#kind, this.#kindOf(address));
    setText(this.#state, describeState(this.#look, address));
    setText(
      this.#done,
      this.#look
        .inForce(address)
        .map(({ sentence }) => sentence)
        .join(' '),
    );
    const ablatable = act === 'ablate';
    this.#aside.hidden = !(ablatable && this.#look.live);
    const { session } = this.view;
    const can = session.durable.value.state?.unavailable[address] === undefined && session.reachable;
    const layer = this.#look.live && can && target.classList.contains('gb-layer-name');
    const looks = layer
      ? 'Click: show what is known of it, and ablate it from there'
      : 'Click: show what is known of it';
    setText(this.#action, ablatable ? actionOf(this.view, this.#look, address) : looks);
  }

  /** What a block is in full, of which its box may show less; of heads, experts and layers the address says it. */
  #kindOf(address: string): string {
    const located = locate(this.view.session.durable.value.architecture, address);
    if (!located?.block || located.sub !== '') return '';
    const { type, line } = describe(located.block, located.width);
    const [what = '', shape = ''] = [type[0], line[0]];
    const words = [shape.includes(what) ? '' : what, shape, located.block.cls];
    return words.filter((word) => word !== '').join(' · ');
  }

  #show(target: SVGElement): void {
    this.#fill(target);
    this.element.hidden = false;
    const stage = this.element.offsetParent?.getBoundingClientRect();
    if (!stage) return;
    const at = target.getBoundingClientRect();
    const { offsetWidth: w, offsetHeight: height } = this.element;
    const left = Math.max(4, Math.min(at.left - stage.left + at.width / 2 - w / 2, stage.width - w - 4));
    const above = at.top - stage.top - height - 8;
    this.element.style.left = `${left}px`;
    this.element.style.top = `${above >= 0 ? above : at.bottom - stage.top + 8}px`;
  }
}
