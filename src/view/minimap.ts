/** The whole diagram in small, with a frame around what is seen of it: to be dragged, where not all of it is seen. */
import type { Rect, Scene } from '../layout';
import type { Hue } from '../layout/kinds';
import type { Seen, Size } from '../layout/window';
import { put, s } from './dom';
import { pointIn } from './magnify';

const MOST: Size = { w: 110, h: 170 };

const path = (rects: readonly Rect[]) =>
  rects.map(({ x, y, w, h }) => `M${x.toFixed(0)},${y.toFixed(0)}h${w.toFixed(0)}v${h.toFixed(0)}h${-w.toFixed(0)}z`);

export class Minimap {
  readonly element = s('svg', { class: 'gb-minimap', 'aria-hidden': 'true' });
  #frame = s('rect', { class: 'gb-minimap-frame' });
  #scale = 1;

  /** @param look called with the point of the scene that shall be in the middle of what is seen. */
  constructor(look: (x: number, y: number) => void, signal: AbortSignal) {
    const to = (event: PointerEvent) => {
      const { x, y } = pointIn(this.element, event);
      look(x / this.#scale, y / this.#scale);
    };
    this.element.addEventListener(
      'pointerdown',
      (event) => {
        event.preventDefault();
        this.element.setPointerCapture(event.pointerId);
        to(event);
      },
      { signal },
    );
    this.element.addEventListener(
      'pointermove',
      (event) => {
        if (this.element.hasPointerCapture(event.pointerId)) to(event);
      },
      { signal },
    );
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

  show({ k, x, y }: Seen, scene: Size, room: Size): void {
    const [w, h] = [Math.min(scene.w, room.w / k), Math.min(scene.h, room.h / k)];
    const part = w < scene.w - 1 || h < scene.h - 1;
    this.element.classList.toggle('gb-on', part);
    if (!part) return;
    const place = { x: Math.max(0, x), y: Math.max(0, y), width: w, height: h };
    for (const [name, value] of Object.entries(place)) put(this.#frame, name, value.toFixed(1));
    put(this.#frame, 'stroke-width', (2 / this.#scale).toFixed(1));
  }
}
