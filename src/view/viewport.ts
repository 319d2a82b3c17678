/**
 * The window through which a diagram is seen: zoomed with Ctrl and the wheel, two fingers, keys or buttons, moved by
 * dragging empty ground or the small map. A wheel alone is the page's; a double click on empty ground zooms in. What is
 * seen changes the view box alone, so a zoom draws nothing anew; the window keeps its size, so nothing on the page moves.
 */
import type { Point, Rect, Scene } from '../layout';
import { percent } from '../layout/format';
import {
  detailAt,
  first,
  hold,
  moved,
  revealing,
  roomFor,
  type Seen,
  type Size,
  whole,
  zoomed,
} from '../layout/window';
import { nameCards } from './cards';
import type { View } from './context';
import { h, put, setText } from './dom';
import { on } from './events';
import { icon } from './icon';
import { pointIn, zoomWithin } from './magnify';
import { Minimap } from './minimap';

const STEP = 1.25;
const DOUBLE = 2;
/** What is no empty ground. */
const HOLDS = '[data-act], .gb-strip, .gb-step, .gb-tick, foreignObject';

export class Viewport {
  /** Buttons, for where there is room for them. */
  readonly controls = h('div', { class: 'gb-zoom', role: 'group', 'aria-label': 'Size of the diagram' });
  readonly minimap: SVGSVGElement;
  #map: Minimap;
  #scene: Size = { w: 1, h: 1 };
  #room: Size = { w: 1, h: 1 };
  #seen: Seen = { k: 1, x: 0, y: 0 };
  /** Whether somebody zoomed or moved: what is seen is then kept when the scene is a new one. */
  #own = false;
  #fingers = new Map<number, Point>();
  #percent = h('button', {
    class: 'gb-zoom-level',
    title: 'as large as it is (1). Ctrl and the wheel zoom, dragging moves',
  });

  constructor(
    private readonly view: View,
    private readonly svg: SVGSVGElement,
  ) {
    this.#map = new Minimap((x, y) => this.#centre(x, y), view.root, view.signal);
    this.minimap = this.#map.element;
    this.controls.append(this.#map.button);
    this.#button('M3,7 H11', 'zoom out', '−', () => this.#zoom(1 / STEP));
    this.controls.append(this.#percent);
    on(this.#percent, 'click', () => this.actual(), view.signal);
    this.#button('M3,7 H11 M7,3 V11', 'zoom in', '+', () => this.#zoom(STEP));
    this.#button('M2,5 V2 H5 M9,2 H12 V5 M12,9 V12 H9 M5,12 H2 V9', 'all of it', '0', () => this.fit());
    this.#bind();
    this.#listen();
  }

  #button(d: string, words: string, key: string, act: () => void): void {
    const title = `${words} (${key})`;
    const button = h('button', { title, 'aria-label': words }, icon(d));
    on(button, 'click', act, this.view.signal);
    this.controls.append(button);
  }

  #bind(): void {
    const { shortcuts } = this.view;
    const shown = (act: () => void) => () => {
      if (this.svg.closest('.gb-off-stage')) return false;
      act();
      return true;
    };
    shortcuts.bind(
      'zoomIn',
      shown(() => this.#zoom(STEP)),
    );
    shortcuts.bind(
      'zoomOut',
      shown(() => this.#zoom(1 / STEP)),
    );
    shortcuts.bind(
      'fit',
      shown(() => this.fit()),
    );
    shortcuts.bind(
      'actual',
      shown(() => this.actual()),
    );
  }

  #listen(): void {
    const { svg } = this;
    const { signal } = this.view;
    on(svg, 'wheel', (event) => this.#wheeled(event), signal, { passive: false });
    on(svg, 'dblclick', (event) => this.#doubled(event), signal);
    on(svg, 'pointerdown', (event) => this.#pressed(event), signal);
    on(svg, 'pointermove', (event) => this.#dragged(event), signal);
    for (const name of ['pointerup', 'pointercancel', 'lostpointercapture'] as const) {
      const lifted = ({ pointerId }: PointerEvent) => {
        this.#fingers.delete(pointerId);
        svg.classList.toggle('gb-dragging', this.#fingers.size > 0);
      };
      on(svg, name, lifted, signal);
    }
  }

  draw(scene: Scene, available: number): void {
    // A new scene is drawn as seen from near.
    delete this.svg.dataset.detail;
    this.#scene = { w: scene.width, h: scene.height };
    // Text is never smaller than it is drawn for, unless a person zooms out.
    const least = 1 / Math.max(1, zoomWithin(this.view.root));
    this.#room = roomFor(this.#scene, available, least);
    this.#map.draw(scene);
    this.#see(this.#own ? hold(this.#seen, this.#scene, this.#room) : first(this.#scene, this.#room, least), this.#own);
  }

  /** Where a pointer is in the scene. */
  at(event: MouseEvent): Point {
    const { k, x, y } = this.#seen;
    const point = pointIn(this.svg, event);
    return { x: x + point.x / k, y: y + point.y / k };
  }

  fit(): void {
    this.#see(whole(this.#scene, this.#room));
    this.#said();
  }

  actual(): void {
    this.#see(zoomed(this.#seen, 1 / this.#seen.k, this.#middle(), this.#scene, this.#room));
    this.#said();
  }

  /** Bring an element into sight; what is seen of it in part stays where it is, if that is enough. */
  reveal(node: Element, enough: 'part' | 'all' = 'all'): void {
    const [box, all] = [node.getBoundingClientRect(), this.svg.getBoundingClientRect()];
    if (all.width === 0) return;
    const { k, x, y } = this.#seen;
    const rect: Rect = {
      x: x + (box.left - all.left) / k,
      y: y + (box.top - all.top) / k,
      w: box.width / k,
      h: box.height / k,
    };
    const [right, bottom] = [x + this.#room.w / k, y + this.#room.h / k];
    const inSight = rect.x < right - 8 && rect.x + rect.w > x + 8 && rect.y < bottom - 8 && rect.y + rect.h > y + 8;
    if (enough === 'part' && inSight) return;
    const seen = revealing(this.#seen, rect, this.#scene, this.#room);
    if (seen.x !== x || seen.y !== y) this.#see(seen);
  }

  #see(seen: Seen, own = true): void {
    this.#seen = seen;
    this.#own = own;
    const { svg } = this;
    const [w, h] = [this.#room.w, this.#room.h];
    put(svg, 'width', w.toFixed(1));
    put(svg, 'height', h.toFixed(1));
    put(
      svg,
      'viewBox',
      `${seen.x.toFixed(2)} ${seen.y.toFixed(2)} ${(w / seen.k).toFixed(2)} ${(h / seen.k).toFixed(2)}`,
    );
    const part = this.#scene.w * seen.k > w + 1 || this.#scene.h * seen.k > h + 1;
    svg.classList.toggle('gb-clipped', part);
    this.#fade(seen);
    // Text that a person made larger is read longer.
    const detail = detailAt(seen.k * Math.max(1, zoomWithin(this.view.root)));
    if (svg.dataset.detail !== detail) nameCards(svg, detail !== 'block');
    put(svg, 'data-detail', detail);
    svg.style.setProperty('--gb-grown', (1 / seen.k).toFixed(3));
    setText(this.#percent, percent(seen.k, 0));
    this.#map.show(seen, this.#scene, this.#room);
  }

  /** Edges beyond which there is more fade out. */
  #fade({ k, x, y }: Seen): void {
    const { w, h } = this.#room;
    const beyond = {
      left: x > 1,
      top: y > 1,
      right: x + w / k < this.#scene.w - 1,
      bottom: y + h / k < this.#scene.h - 1,
    };
    const stage = this.svg.parentElement;
    for (const [side, more] of Object.entries(beyond))
      stage?.style.setProperty(`--gb-more-${side}`, more ? '16px' : '0px');
  }

  #middle = (): Point => ({ x: this.#room.w / 2, y: this.#room.h / 2 });

  #centre(x: number, y: number): void {
    const { k } = this.#seen;
    const { w, h } = this.#room;
    this.#see(hold({ k, x: x - w / k / 2, y: y - h / k / 2 }, this.#scene, this.#room));
  }

  #zoom(factor: number, at = this.#middle()): void {
    this.#see(zoomed(this.#seen, factor, at, this.#scene, this.#room));
    this.#map.pass();
    this.#said();
  }

  #said(): void {
    this.view.announce(`Diagram at ${percent(this.#seen.k, 0)}`);
  }

  #wheeled(event: WheelEvent): void {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    // A line of a mouse's wheel is some sixteen pixels, a notch of it as much as a button's step; two fingers make few.
    const pixels = event.deltaMode === 0 ? event.deltaY : event.deltaY * 16;
    const factor = 2 ** (-Math.max(-20, Math.min(20, pixels)) / 60);
    this.#see(zoomed(this.#seen, factor, pointIn(this.svg, event), this.#scene, this.#room));
    this.#map.pass();
  }

  /** On empty ground: nearer, or with Shift farther. */
  #doubled(event: MouseEvent): void {
    if ((event.target as Element).closest(HOLDS)) return;
    this.#zoom(event.shiftKey ? 1 / DOUBLE : DOUBLE, pointIn(this.svg, event));
  }

  #pressed(event: PointerEvent): void {
    const touch = event.pointerType === 'touch';
    if (!touch && (event.button !== 0 || event.shiftKey || (event.target as Element).closest(HOLDS))) return;
    // Where all is seen there is nothing to move, and nobody says where the button is let go of.
    if (!touch && !this.svg.classList.contains('gb-clipped')) return;
    this.#fingers.set(event.pointerId, pointIn(this.svg, event));
    if (touch) return;
    this.svg.setPointerCapture(event.pointerId);
    this.svg.classList.add('gb-dragging');
  }

  /** One finger scrolls the page, as everywhere; two move and zoom the diagram. */
  #dragged(event: PointerEvent): void {
    const before = this.#fingers.get(event.pointerId);
    if (!before) return;
    const now = pointIn(this.svg, event);
    const [other] = [...this.#fingers].filter(([id]) => id !== event.pointerId).map(([, point]) => point);
    this.#fingers.set(event.pointerId, now);
    if (event.pointerType === 'touch' && !other) return;
    const by = { x: now.x - before.x, y: now.y - before.y };
    this.#map.pass();
    if (!other) {
      this.#see(moved(this.#seen, by, this.#scene, this.#room));
      return;
    }
    const apart = (a: Point) => Math.max(1, Math.hypot(a.x - other.x, a.y - other.y));
    const middle = { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 };
    const near = moved(this.#seen, { x: by.x / 2, y: by.y / 2 }, this.#scene, this.#room);
    this.#see(zoomed(near, apart(now) / apart(before), middle, this.#scene, this.#room));
  }
}
