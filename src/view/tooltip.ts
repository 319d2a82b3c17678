/**
 * What is under the pointer or the focus: what it is, its shape, what was measured, where it is in the model, how that is
 * known, and what a click would do. It stands in the browser's top layer, beside what it is about, and stays while the
 * pointer is on it, so that its text can be read slowly and copied; Escape puts it away.
 */
import { big, percent, signed } from '../layout/format';
import { describe } from '../layout/kinds';
import { type Located, locate, placeOf } from '../layout/model';
import { titlesOf } from '../layout/titles';
import type { Architecture } from '../wire/types.generated';
import { actionOf, type Part, type View } from './context';
import { focusAround, h, put, setText, show } from './dom';
import { on } from './events';
import { GLYPHS, rowsOf, shapeWords, sourcesIn, WORDS } from './facts';
import { describeState } from './hit';
import type { Look } from './look';
import { zoomOf } from './magnify';
import { CLOSES } from './shortcuts';

const DELAY = 150;
/** How long the pointer may take from the thing to its tooltip. */
const GRACE = 180;
const GAP = 8;

interface Lines {
  readonly name: HTMLElement;
  readonly kind: HTMLElement;
  readonly shape: HTMLElement;
  readonly state: HTMLElement;
  readonly done: HTMLElement;
  readonly path: HTMLElement;
  readonly known: HTMLElement;
  readonly action: HTMLElement;
  readonly aside: HTMLElement;
}

export class Tooltip implements Part {
  readonly element: HTMLElement;
  #lines: Lines = {
    name: h('b'),
    kind: h('span'),
    shape: h('span'),
    state: h('span', { class: 'gb-tooltip-value' }),
    done: h('span', { class: 'gb-done' }),
    path: h('span', { class: 'gb-mono' }),
    known: h('span'),
    action: h('span', { class: 'gb-action' }),
    aside: h('span', {}, 'Right click: other kinds · Shift or dragging: choose several · Alt: only show it'),
  };
  #look: Look | null = null;
  /** What it is shown for, or will be. */
  #target: Element | null = null;
  #open = false;
  /** What it was put away for: it comes back when something else was pointed at. */
  #dismissed: Element | null = null;
  /** The picture moved under a pointer that did not: nothing was pointed at. */
  #still = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly view: View,
    stage: HTMLElement,
  ) {
    const { uid, signal, shortcuts, root } = view;
    const about = { id: `${uid}-tooltip`, class: 'gb-tooltip', role: 'tooltip', popover: 'manual', hidden: true };
    this.element = h('div', about, ...Object.values(this.#lines));
    on(stage, 'pointerover', ({ target }) => !this.#still && this.#over(target as Element), signal);
    on(stage, 'pointermove', ({ target }) => this.#moved(target as Element), signal, { passive: true });
    view.state.subscribe((changed) => changed.has('opened') && this.#rest(), signal);
    on(stage, 'pointerleave', () => this.#leave(), signal);
    on(this.element, 'pointerenter', () => clearTimeout(this.#timer), signal);
    on(this.element, 'pointerleave', () => this.#leave(), signal);
    for (const act of ['click', 'contextmenu'] as const) on(stage, act, () => this.#dismiss(), signal);
    // A focus that came with a click is no question.
    on(stage, 'focusin', (event) => this.#focused(event.target as Element), signal);
    on(stage, 'focusout', () => this.#leave(), signal);
    for (const act of ['wheel', 'scroll'] as const) on(root, act, () => this.#hide(), signal, { passive: true });
    // A notebook that scrolls takes what the tooltip is about away from under it.
    const scrolled = ({ target }: Event) => (target as Node).contains(root) && this.#hide();
    on(document, 'scroll', scrolled, signal, { passive: true, capture: true });
    shortcuts.bind('close', () => this.#dismiss(), CLOSES.tooltip);
    // The pointer may be here and the focus elsewhere: the key is not ours then, but the tooltip goes.
    const escaped = ({ key }: KeyboardEvent) =>
      key === 'Escape' && !root.contains(focusAround(root)) && this.#dismiss();
    // Before another view hears it, which keeps its keys to itself.
    on(document, 'keydown', escaped, signal, { capture: true });
    signal.addEventListener('abort', () => clearTimeout(this.#timer));
  }

  paint(look: Look): void {
    this.#look = look;
    if (!this.#open) return;
    if (this.#target?.isConnected) this.#fill(this.#target as SVGElement);
    else this.#hide();
  }

  #rest(): void {
    this.#dismiss();
    this.#still = true;
  }

  #moved(target: Element): void {
    if (!this.#still) return;
    this.#still = false;
    this.#over(target);
  }

  #over(target: Element): void {
    if (this.element.contains(target)) return;
    const hit = target.closest('.gb-hit, .gb-layer');
    if (hit !== this.#dismissed) this.#dismissed = null;
    if (hit === null) this.#leave();
    else if (hit === this.#target) clearTimeout(this.#timer);
    else if (hit !== this.#dismissed) this.#later(hit);
    if (hit === this.#target && !this.#open && hit !== null) this.#later(hit);
  }

  #focused(target: Element): void {
    const hit = target.closest('.gb-hit');
    if (hit?.matches(':focus-visible')) this.#later(hit);
  }

  #later(hit: Element): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#show(hit), DELAY);
  }

  #leave(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#hide(), GRACE);
  }

  /** Put it away although the pointer is still there. Returns whether it was open. */
  #dismiss(): boolean {
    this.#dismissed = this.#target;
    return this.#hide();
  }

  #hide(): boolean {
    clearTimeout(this.#timer);
    const was = this.#open;
    this.#target?.removeAttribute('aria-describedby');
    this.#target = null;
    this.#open = false;
    if (was) this.element.hidePopover?.();
    show(this.element, false);
    return was;
  }

  #fill(target: SVGElement): void {
    const look = this.#look;
    const address = target.dataset.address ?? target.dataset.layer ?? '';
    const { architecture, state } = this.view.session.durable.value;
    const located = locate(architecture, address);
    if (!look) return;
    const { name, kind, shape, state: value, done, path, known, action, aside } = this.#lines;
    setText(name, address);
    setText(kind, located ? kindOf(located, layerTitle(architecture, address)) : '');
    setText(shape, located ? sizeOf(located) : '');
    setText(value, [describeState(look, address), updateOf(look, address)].filter((words) => words !== '').join(', '));
    setText(
      done,
      look
        .inForce(address)
        .map(({ sentence }) => sentence)
        .join(' '),
    );
    setText(path, located ? located.block?.path || located.layer?.path || '' : '');
    const rows = located ? rowsOf(located, architecture.params.total, state?.dtype) : [];
    setText(
      known,
      sourcesIn(rows)
        .map((source) => `${GLYPHS[source]} ${WORDS[source]}`)
        .join(' · '),
    );
    const ablatable = target.dataset.act === 'ablate';
    show(aside, ablatable && look.live);
    setText(action, ablatable ? actionOf(this.view, look, address) : this.#looks(target, address, look));
    for (const line of Object.values(this.#lines)) if (line !== aside) show(line, line.textContent !== '');
  }

  /** What a click does on what is not ablated by one. */
  #looks(target: SVGElement, address: string, look: Look): string {
    if (target.classList.contains('gb-layer')) return 'Click: show this layer';
    const { session } = this.view;
    const can = session.durable.value.state?.unavailable[address] === undefined && session.reachable;
    const layer = look.live && can && target.classList.contains('gb-layer-name');
    return `Click: show what is known of it${layer ? ', and ablate it from there' : ''}`;
  }

  #show(target: Element): void {
    if (!target.isConnected) return;
    if (this.#target !== target) this.#target?.removeAttribute('aria-describedby');
    this.#target = target;
    this.#fill(target as SVGElement);
    show(this.element, true);
    this.element.showPopover?.();
    this.#open = true;
    if (target.matches(':focus')) put(target, 'aria-describedby', this.element.id);
    this.#place(target.getBoundingClientRect());
  }

  /** Above it or under it, or beside it where neither has room: never over it, never outside of the window. */
  #place(at: DOMRect): void {
    const { element } = this;
    const zoom = zoomOf(element);
    const [w, tall] = [element.offsetWidth * zoom, element.offsetHeight * zoom];
    const { clientWidth: wide, clientHeight: high } = document.documentElement;
    const within = (value: number, size: number, room: number) => Math.max(4, Math.min(value, room - size - 4));
    let [left, top] = [within(at.left + at.width / 2 - w / 2, w, wide), at.top - tall - GAP];
    if (top < 4) top = at.bottom + GAP;
    if (top + tall > high - 4) {
      top = within(at.top, tall, high);
      left = at.right + GAP + w <= wide - 4 ? at.right + GAP : Math.max(4, at.left - GAP - w);
    }
    element.style.left = `${left / zoom}px`;
    element.style.top = `${top / zoom}px`;
  }
}

/** What a layer is called as its card is: by what it does and others do not. */
function layerTitle(architecture: Architecture, address: string): string {
  const place = placeOf(architecture, address);
  const [title = ''] = place ? titlesOf(place.stack, place.group) : [];
  return title === '' || title === 'Layer' ? 'layer' : title;
}

/** What it is: of a head or an expert, of what. */
function kindOf({ block, layer, sub, width }: Located, title: string): string {
  if (!block) return layer ? `${title} · ${layer.cls}` : '';
  const { type, line } = describe(block, width);
  const [what = '', shape = ''] = [type[0], line[0]];
  const own = [shape.includes(what) ? '' : what, shape, block.cls].filter((word) => word !== '').join(' · ');
  const part = sub.startsWith('E') ? 'expert' : 'head';
  return sub === '' ? own : `${part} ${sub.replace(/\D+/, '')} of ${block.address} · ${own}`;
}

/** What goes in and comes out, and how many parameters it has. */
function sizeOf({ block, layer, sub }: Located): string {
  if (sub !== '') return '';
  if (!block) return layer ? `${big(layer.params)} parameters` : '';
  const { reads, makes, params } = block;
  const shapes = reads.length > 0 && makes.length > 0 ? `${shapeWords(reads)} → ${shapeWords(makes)}` : '';
  const share = layer && layer.params > 0 ? `, ${percent(params / layer.params)} of the layer` : '';
  return [shapes, params > 0 ? `${big(params)} parameters${share}` : ''].filter((words) => words !== '').join(' · ');
}

function updateOf(look: Look, address: string): string {
  const update = look.update(address);
  if (!update || look.cut(address)) return '';
  return `update ${percent(update.ratio, 0)} of the stream, cosine ${signed(update.cosine)}`;
}
