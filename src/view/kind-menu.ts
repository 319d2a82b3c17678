/** The menu of a block, a head or an expert: the kinds that it can be ablated with, and why another is not for it. */
import { choose, targetsOf } from './choosing';
import { activate, type View } from './context';
import { h } from './dom';
import { isChord, on, take } from './events';
import { type Offer, offersFor, putKind } from './kinds';
import type { Look } from './look';
import { placeIn } from './magnify';
import { CLOSES } from './shortcuts';

const HELD_MS = 500;
/** Within so many ms after a finger lifts comes its click. */
const AFTER_MS = 50;
/** A finger that moved further than this scrolls. */
const STILL = 10;

export class KindMenu {
  readonly element = h('div', { class: 'gb-kind-menu', role: 'menu', hidden: true });
  #look: Look | null = null;
  #from: Element | null = null;
  #held: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly view: View,
    stage: HTMLElement,
  ) {
    const { signal, shortcuts, root } = view;
    on(this.element, 'keydown', (event) => this.#keyed(event), signal);
    on(stage, 'contextmenu', (event) => this.#asked(event), signal);
    on(stage, 'pointerdown', (event) => this.#pressed(event), signal);
    const outside = ({ target }: Event) => {
      if (!this.element.hidden && !this.element.contains(target as Node)) this.close(false);
    };
    on(root.ownerDocument, 'pointerdown', outside, signal, { capture: true });
    signal.addEventListener('abort', () => clearTimeout(this.#held));
    shortcuts.bind('kinds', ({ target }) => this.open((target as Element).closest('.gb-hit')));
    shortcuts.bind('close', () => this.close(true), CLOSES.menu);
  }

  paint(look: Look): void {
    this.#look = look;
  }

  /** Open it for what was clicked. Returns whether there is anything to choose. */
  open(hit: Element | null): boolean {
    const { address, act } = (hit as SVGElement | null)?.dataset ?? {};
    const look = this.#look;
    if (!hit || !look?.live || address === undefined || (act !== 'ablate' && !hit.classList.contains('gb-layer-name')))
      return false;
    const targets = targetsOf(this.view, address);
    const name = targets.length > 1 ? `${targets.length} chosen` : address;
    this.#from = hit;
    this.element.setAttribute('aria-label', `${name}: ablate with`);
    this.element.replaceChildren(
      h('div', { class: 'gb-kind-menu-head gb-mono', role: 'presentation' }, name),
      ...this.#items(look, address, targets),
    );
    this.element.hidden = false;
    this.#place(hit);
    this.#focusable()[0]?.focus({ preventScroll: true });
    return true;
  }

  /** Returns whether it was open. */
  close(back: boolean): boolean {
    if (this.element.hidden) return false;
    this.element.hidden = true;
    if (back) (this.#from as SVGElement | null)?.focus({ preventScroll: true });
    return true;
  }

  #items(look: Look, address: string, targets: readonly string[]): HTMLElement[] {
    const { view } = this;
    const { session } = view;
    const kinds = offersFor(view, look, targets).map((offer) => this.#kind(offer, look, targets));
    const ablated = targets.filter((one) => look.edits(one).length > 0);
    const chosen = view.state.value.chosen.includes(address);
    const restore = this.#item('Restore', ablated.length > 0 && session.reachable, () => session.restore(ablated));
    const line = h('div', { class: 'gb-kind-menu-line', role: 'separator' });
    const looks = this.#item('Show what is known of it', true, () => activate(view, address, 'select'));
    const adds = this.#item(chosen ? 'Choose it no more' : 'Choose it too', true, () => choose(view, address));
    return [...kinds, line, restore, looks, adds];
  }

  #kind(offer: Offer, look: Look, targets: readonly string[]): HTMLElement {
    const { kind, why, on } = offer;
    const can = why === null && this.view.session.reachable;
    const item = this.#item('', can, () => {
      if (!on) putKind(this.view, look, targets, kind.name);
    });
    item.setAttribute('role', 'menuitemradio');
    item.setAttribute('aria-checked', String(on));
    item.dataset.kind = kind.name;
    item.append(h('b', { class: 'gb-kind-menu-sign', 'aria-hidden': 'true' }, kind.sign), h('span', {}, kind.name));
    if (why !== null) item.append(h('span', { class: 'gb-kind-menu-why' }, why));
    return item;
  }

  #item(words: string, can: boolean, act: () => void): HTMLElement {
    const item = h(
      'div',
      { class: 'gb-kind-menu-item', role: 'menuitem', tabindex: -1, 'aria-disabled': String(!can) },
      words,
    );
    item.addEventListener('click', () => {
      if (!can) return;
      this.close(true);
      act();
    });
    return item;
  }

  #focusable(): HTMLElement[] {
    return [...this.element.querySelectorAll<HTMLElement>('.gb-kind-menu-item')];
  }

  #keyed(event: KeyboardEvent): void {
    if (isChord(event)) return;
    const items = this.#focusable();
    const at = items.indexOf(event.target as HTMLElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
    if (to !== undefined) items[(to + items.length) % items.length]?.focus();
    else if (event.key === 'Enter' || event.key === ' ') items[at]?.click();
    else if (event.key === 'Tab' || event.key === 'Escape') this.close(true);
    else if (event.key.length === 1)
      items.find((item) => item.dataset.kind?.startsWith(event.key.toLowerCase()))?.focus();
    else return;
    take(event);
  }

  #asked(event: MouseEvent): void {
    const hit = (event.target as Element).closest('.gb-hit');
    if (!this.open(hit)) return;
    take(event);
  }

  /** A finger that stays opens the menu, where a browser does not ask for one itself. */
  #pressed(event: PointerEvent): void {
    if (event.pointerType !== 'touch') return;
    const hit = (event.target as Element).closest('.gb-hit');
    const stage = event.currentTarget as HTMLElement;
    const { clientX, clientY } = event;
    const press = new AbortController();
    const during = { signal: press.signal };
    const lifted = () => {
      clearTimeout(this.#held);
      setTimeout(() => press.abort(), AFTER_MS);
    };
    const moved = (later: PointerEvent) => {
      if (Math.hypot(later.clientX - clientX, later.clientY - clientY) > STILL) clearTimeout(this.#held);
    };
    for (const over of ['pointerup', 'pointercancel']) stage.addEventListener(over, lifted, during);
    stage.addEventListener('pointermove', moved, during);
    this.view.signal.addEventListener('abort', () => press.abort(), during);
    clearTimeout(this.#held);
    this.#held = setTimeout(() => {
      if (!this.open(hit)) return;
      // The finger that lifts is no click on what lies under it.
      stage.addEventListener('click', (click) => click.stopPropagation(), { ...during, capture: true });
    }, HELD_MS);
  }

  /** Beside what it belongs to, and inside of the view. */
  #place(hit: Element): void {
    const { element } = this;
    const { root } = this.view;
    const at = placeIn(root, hit);
    const { offsetWidth: w, offsetHeight: tall } = element;
    const left = Math.max(4, Math.min(at.x, root.offsetWidth - w - 4));
    const below = at.y + at.h + 4;
    const top = below + tall <= root.offsetHeight ? below : Math.max(4, at.y - tall - 4);
    element.style.left = `${left}px`;
    element.style.top = `${top}px`;
  }
}
