/**
 * The whole diagram in small, with a frame around what is seen of it. It would cover a corner of the diagram, so it is not
 * there by itself: it is seen for as long as what is seen moves, and nothing under it is lost to the pointer then; or it
 * is opened at its button, to be dragged in, until one presses elsewhere.
 */
import type { Rect, Scene } from '../layout';
import type { Hue } from '../layout/kinds';
import type { Seen, Size } from '../layout/window';
import { h, put, s, show } from './dom';
import { on } from './events';
import { icon } from './icon';
import { pointIn } from './magnify';

const MOST: Size = { w: 110, h: 170 };
/** How long it is seen after the last movement. */
const LINGERS = 900;

const path = (rects: readonly Rect[]) =>
  rects.map(({ x, y, w, h }) => `M${x.toFixed(0)},${y.toFixed(0)}h${w.toFixed(0)}v${h.toFixed(0)}h${-w.toFixed(0)}z`);

const MAP = 'M1.5,1.5 H12.5 V12.5 H1.5 Z M6.5,6.5 H10.5 V10.5 H6.5 Z';

export class Minimap {
  readonly element = s('svg', { class: 'gb-minimap', 'aria-hidden': 'true' });
  /** Opens it; there where not all is seen. */
  readonly button = h('button', {
    class: 'gb-map-button',
    title: 'Small map: drag in it',
    'aria-label': 'small map',
    'aria-pressed': 'false',
    hidden: true,
  });
  #frame = s('rect', { class: 'gb-minimap-frame' });
  #scale = 1;
  #open = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param look called with the point of the scene that shall be in the middle of what is seen. */
  constructor(look: (x: number, y: number) => void, root: HTMLElement, signal: AbortSignal) {
    this.button.append(icon(MAP));
    on(this.button, 'click', () => this.#toggle(!this.#open), signal);
    const elsewhere = ({ target }: Event) =>
      !this.element.contains(target as Node) && !this.button.contains(target as Node);
    on(root, 'pointerdown', (event) => this.#open && elsewhere(event) && this.#toggle(false), signal);
    signal.addEventListener('abort', () => clearTimeout(this.#timer));
    const to = (event: PointerEvent) => {
      const { x, y } = pointIn(this.element, event);
      look(x / this.#scale, y / this.#scale);
    };
    const pressed = (event: PointerEvent) => {
      event.preventDefault();
      this.element.setPointerCapture(event.pointerId);
      to(event);
    };
    on(this.element, 'pointerdown', pressed, signal);
    on(this.element, 'pointermove', (event) => this.element.hasPointerCapture(event.pointerId) && to(event), signal);
  }

  draw(scene: Scene): void {
    this.#scale = Math.min(MOST.w / scene.width, MOST.h / scene.height);
    put(this.element, 'width', (scene.width * this.#scale).toFixed(1));
    put(this.element, 'height', (scene.height * this.#scale).toFixed(1));
    put(this.element, 'viewBox', `0 0 ${scene.width} ${scene.height}`);
    const blocks = scene.cards.flatMap((card) => card.blocks);
    const hues = new Map<Hue, Rect[]>([['emb', [...scene.ends]]]);
    for (const block of blocks) hues.set(block.hue, [...(hues.get(block.hue) ?? []), block]);
    this.element.replaceChildren(
      s('path', { class: 'gb-minimap-card', d: path(scene.cards).join('') }),
      ...[...hues].map(([hue, rects]) => s('path', { 'data-hue': hue, d: path(rects).join('') })),
      this.#frame,
    );
  }

  #toggle(open: boolean): void {
    this.#open = open;
    put(this.button, 'aria-pressed', String(open));
    this.element.classList.toggle('gb-on', open);
    this.element.classList.remove('gb-passing');
  }

  /** Be seen for a moment. */
  pass(): void {
    if (this.#open || this.button.hidden) return;
    clearTimeout(this.#timer);
    this.element.classList.add('gb-passing');
    this.#timer = setTimeout(() => this.element.classList.remove('gb-passing'), LINGERS);
  }

  show({ k, x, y }: Seen, scene: Size, room: Size): void {
    const [w, h] = [Math.min(scene.w, room.w / k), Math.min(scene.h, room.h / k)];
    const part = w < scene.w - 1 || h < scene.h - 1;
    show(this.button, part);
    if (!part) {
      if (this.#open) this.#toggle(false);
      this.element.classList.remove('gb-passing');
      return;
    }
    const place = { x: Math.max(0, x), y: Math.max(0, y), width: w, height: h };
    for (const [name, value] of Object.entries(place)) put(this.#frame, name, value.toFixed(1));
    put(this.#frame, 'stroke-width', (2 / this.#scale).toFixed(1));
  }
}
