/** Looking at an inside: what is under the pointer or the focus is lit with its wires and explained; arrows go on. */
import type { InsideScene } from '../../layout/inside';
import type { Inside, Step } from '../../layout/inside/types';
import type { View } from '../context';
import { h } from '../dom';
import { isChord, on, take } from '../events';
import { type ItemLine, move } from '../keys';
import { zoomOf } from '../magnify';
import { linesOf } from './words';

const DELAY = 150;

export interface Walked {
  readonly group: SVGGElement;
  readonly scene: InsideScene;
  readonly inside: Inside;
  readonly address: string;
}

/** The steps in lines, from the top. */
function linesIn({ boxes }: InsideScene): ItemLine[] {
  const rows = [...new Set(boxes.map(({ row }) => row))].sort((a, b) => b - a);
  return rows.map((row) =>
    boxes
      .filter((box) => box.row === row)
      .sort((a, b) => a.cx - b.cx)
      .map(({ index, cx, y, h: tall }) => ({ key: String(index), address: '', x: cx, y: y + tall / 2 })),
  );
}

export class Walk {
  readonly tooltip = h('div', { class: 'gb-tooltip gb-op-tip', role: 'presentation', popover: 'manual', hidden: true });
  #walked: Walked | null = null;
  #lines: ItemLine[] = [];
  #shown: Element | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Hear what happens in an element, in which insides come and go. */
  constructor(
    private readonly view: View,
    host: Element,
  ) {
    const { signal } = view;
    on(host, 'pointerover', ({ target }) => this.#over((target as Element).closest('.gb-op'), DELAY), signal);
    on(host, 'pointerleave', () => this.#over(null, 0), signal);
    on(host, 'focusin', ({ target }) => this.#over((target as Element).closest('.gb-op'), 0), signal);
    on(host, 'focusout', () => this.#over(null, 0), signal);
    on(host, 'keydown', (event) => this.#pressed(event), signal);
    signal.addEventListener('abort', () => clearTimeout(this.#timer));
  }

  /** What there is to walk now. */
  follow(walked: Walked | null): void {
    this.#over(null, 0);
    this.#walked = walked;
    this.#lines = walked ? linesIn(walked.scene) : [];
    this.#nodes()[0]?.setAttribute('tabindex', '0');
  }

  #nodes(): SVGGElement[] {
    return [...(this.#walked?.group.querySelectorAll<SVGGElement>('.gb-op') ?? [])];
  }

  #over(target: Element | null, delay: number): void {
    if (target === this.#shown) return;
    clearTimeout(this.#timer);
    this.#shown = target;
    this.#hide();
    const index = target === null ? null : Number((target as SVGElement).dataset.step);
    this.#light(index);
    if (target && index !== null) this.#timer = setTimeout(() => this.#tell(target, index), delay);
  }

  #hide(): void {
    if (!this.tooltip.hidden && this.tooltip.isConnected) this.tooltip.hidePopover?.();
    this.tooltip.hidden = true;
  }

  /** The wires of a step before all others. */
  #light(index: number | null): void {
    for (const wire of this.#walked?.group.querySelectorAll<SVGGElement>('.gb-flow') ?? []) {
      const { source, target } = wire.dataset;
      const mine = index !== null && [source, target].includes(String(index));
      wire.classList.toggle('gb-lit', mine);
      if (mine) wire.parentElement?.append(wire);
    }
  }

  #tell(target: Element, index: number): void {
    const walked = this.#walked;
    const step: Step | undefined = walked?.inside.steps[index];
    if (!walked || !step || !target.isConnected) return;
    const live = this.view.session.durable.value.state !== null;
    this.tooltip.replaceChildren(
      h('b', {}, step.name),
      ...linesOf(step, walked.address, live).map(({ text, mono }) =>
        h('span', { class: mono ? 'gb-mono' : null }, text),
      ),
    );
    this.tooltip.hidden = false;
    this.tooltip.showPopover?.();
    this.#place(target.getBoundingClientRect());
  }

  /** Above the step, or under it where there is no room; in the pixels of the window, as the browser places what is on top. */
  #place(at: DOMRect): void {
    const zoom = zoomOf(this.tooltip);
    const { width: w, height: tall } = this.tooltip.getBoundingClientRect();
    const left = Math.max(4, Math.min(at.left + at.width / 2 - w / 2, document.documentElement.clientWidth - w - 4));
    const top = at.top - tall - 6 >= 0 ? at.top - tall - 6 : at.bottom + 6;
    this.tooltip.style.left = `${left / zoom}px`;
    this.tooltip.style.top = `${top / zoom}px`;
  }

  #pressed(event: KeyboardEvent): void {
    const node = (event.target as Element).closest<SVGGElement>('.gb-op');
    if (!node || isChord(event)) return;
    const next = move(this.#lines, node.dataset.step ?? '', event.key);
    if (!next || !/^(Arrow|Home|End)/.test(event.key)) return;
    const to = this.#nodes().find((one) => one.dataset.step === next.key);
    if (!to) return;
    take(event);
    node.setAttribute('tabindex', '-1');
    to.setAttribute('tabindex', '0');
    to.focus({ preventScroll: false });
  }
}
