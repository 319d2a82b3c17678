/** The diagram of a page: the drawing, with clicks and keys caught once, here; they go by the address of an element. */
import type { CellBox, Scene } from '../layout';
import { type Marks, search } from '../layout/search';
import { split } from '../layout/split';
import type { ViewState } from '../state/local';
import { Band } from './band';
import { bindLayer } from './cards';
import { Changes } from './changes';
import { extended, type Meaning, meaningOf, meant } from './choosing';
import type { Part, View } from './context';
import { Drawing } from './drawing';
import { on } from './events';
import { describeState, keyOf } from './hit';
import { Walk } from './inside/walk';
import { type ItemLine, linesOf, move } from './keys';
import type { KindMenu } from './kind-menu';
import type { Look } from './look';
import { paintMarks } from './marks';
import { Opening } from './opening';
import { CLOSES } from './shortcuts';
import { Viewport } from './viewport';

export class Diagram implements Part {
  readonly element: SVGSVGElement;
  readonly viewport: Viewport;
  readonly walk: Walk;
  #drawing: Drawing;
  #opening: Opening;
  #opened: string | null = null;
  #lines: ItemLine[] = [];
  #scene: Scene | null = null;
  #look: Look | null = null;
  #revealed: string | null = null;
  /** Key of the item that is in the tab order. */
  #current = '';
  #marked = new Changes();
  #goal: ViewState['goal'] = null;

  constructor(
    private readonly view: View,
    private readonly menu: Pick<KindMenu, 'open'>,
  ) {
    this.#drawing = new Drawing(view);
    this.element = this.#drawing.element;
    this.viewport = new Viewport(view, this.element);
    this.#opening = new Opening(view);
    this.walk = new Walk(view, this.element);
    new Band(
      view,
      this.element,
      (event) => this.viewport.at(event),
      () => this.#cells(),
    );
    const { signal } = view;
    on(this.element, 'click', (event) => this.#clicked(event), signal);
    this.#bindKeys();
    // Not on the diagram itself: an SVG that listens for focus becomes a stop of the Tab key.
    on(view.root, 'focusin', (event) => this.#focused(event), signal);
  }

  draw(scene: Scene): void {
    this.#scene = scene;
    this.#opening.moveTo(scene, (one, last) => this.#draw(one, last));
  }

  #draw(scene: Scene, last: boolean): void {
    this.#drawing.draw(scene);
    this.viewport.draw(scene, this.#width());
    if (this.#look) this.#drawing.paint(this.#look);
    if (!last) return;
    this.#follow(scene);
    this.#lines = linesOf(scene);
    this.#order();
    this.#rove(this.#node(this.#current) ? this.#current : (this.#lines[0]?.[0]?.key ?? ''));
  }

  paint(look: Look): void {
    this.#look = look;
    this.#drawing.paint(look);
    this.#mark();
    this.#reach();
    this.#reveal(this.view.state.value.selected);
  }

  /** What is open is brought into sight, and its steps are walked. */
  #follow(scene: Scene): void {
    const box = scene.cards.flatMap(({ blocks }) => blocks).find(({ inside }) => inside !== null);
    const group = this.element.querySelector<SVGGElement>('.gb-opened .gb-ops');
    const inside = box?.inside;
    this.walk.follow(inside && group ? { group, scene: inside.scene, inside: inside.of, address: box.address } : null);
    const opened = box?.address ?? null;
    if (opened !== this.#opened && group) this.viewport.reveal(group);
    this.#opened = opened;
  }

  /** Mark what the search names, where that or the scene is another. */
  #mark(): void {
    const { state, session } = this.view;
    const [{ query }, { architecture }] = [state.value, session.durable.value];
    if (!this.#scene || !this.#marked.any(query, architecture, this.#scene)) return;
    const marks: Marks | null = search(architecture, query).marks;
    paintMarks(this.element, this.#scene, marks);
  }

  /** Go where a person asked to be taken: what has no place of its own is in something that has. */
  #reach(): void {
    const { goal } = this.view.state.value;
    if (goal === this.#goal) return;
    this.#goal = goal;
    const hits = [...this.element.querySelectorAll<SVGElement>('.gb-hit')];
    for (
      let { address } = goal ?? { address: '' };
      address !== '';
      address = address.slice(0, Math.max(0, address.lastIndexOf('.')))
    ) {
      const hit = hits.find((one) => one.dataset.address === address);
      if (!hit) continue;
      const node = this.#rove(keyOf(hit) ?? '');
      if (node) this.viewport.reveal(node);
      node?.scrollIntoView?.({ block: 'nearest', inline: 'nearest' });
      node?.focus({ preventScroll: true });
      return;
    }
  }

  /** What was selected elsewhere is brought into sight. */
  #reveal(selected: string | null): void {
    if (selected === this.#revealed) return;
    this.#revealed = selected;
    const hits = this.element.querySelectorAll<SVGElement>('.gb-hit');
    const node = [...hits].find(({ dataset }) => dataset.address === selected);
    if (node) this.viewport.reveal(node, 'part');
  }

  /** How wide it may be on the page. */
  #width(): number {
    const { durable } = this.view.session;
    const { width, projector } = this.view.state.value;
    return split(width, durable.value.state !== null, projector).diagram;
  }

  /** Drawn in the order in which they cover each other, read in the order of the layers: each, its blocks, their cells. */
  #order(): void {
    const ids = new Map<string, string>();
    for (const node of this.element.querySelectorAll('.gb-hit')) {
      const key = keyOf(node) ?? '';
      node.id = `${this.view.uid}-${key.replaceAll(/\s/g, '_')}`;
      ids.set(key, node.id);
    }
    const order = this.#lines.flat().flatMap(({ key }) => ids.get(key) ?? []);
    this.#drawing.tree.setAttribute('aria-owns', order.join(' '));
  }

  #node(key: string): SVGGraphicsElement | null {
    const hits = this.element.querySelectorAll<SVGGraphicsElement>('.gb-hit');
    return [...hits].find((node) => keyOf(node) === key) ?? null;
  }

  /** Make one item the one that Tab reaches. */
  #rove(key: string): SVGGraphicsElement | null {
    this.#node(this.#current)?.setAttribute('tabindex', '-1');
    this.#current = key;
    const node = this.#node(key);
    node?.setAttribute('tabindex', '0');
    return node;
  }

  #clicked(event: MouseEvent): void {
    const hit = (event.target as Element).closest<SVGElement>('[data-act]');
    const { address, act } = hit?.dataset ?? {};
    if (!hit || address === undefined || act === undefined) return;
    if (act === 'open') {
      this.#opening.toggle(address);
      return;
    }
    const badge = (event.target as Element).closest('.gb-badge') !== null;
    if (badge && meaningOf(event) === 'act' && this.menu.open(hit)) return;
    meant(this.view, this.#look, address, act, meaningOf(event));
    const key = keyOf(hit);
    if (key !== undefined && hit.classList.contains('gb-hit')) this.#rove(key)?.focus({ preventScroll: true });
  }

  #focused(event: FocusEvent): void {
    const item = (event.target as Element).closest('.gb-hit');
    // Where a pointer put the focus, it is seen already.
    if (item && this.element.contains(item) && item.matches(':focus-visible')) this.viewport.reveal(item);
    const hit = (event.target as Element).closest<SVGElement>('.gb-compact');
    const address = hit?.dataset.address;
    if (!hit || address === undefined || !this.#look) return;
    // Hundreds of labels are not written anew at every frame: only that of the cell one is on.
    const state = describeState(this.#look, address);
    hit.setAttribute('aria-label', state === '' ? address : `${address}, ${state}`);
  }

  #bindKeys(): void {
    const { shortcuts, state } = this.view;
    const act = (event: KeyboardEvent, meaning: Meaning = 'act') => {
      const { address = '', act = 'select' } = (event.target as Element).closest<SVGElement>('.gb-hit')?.dataset ?? {};
      meant(this.view, this.#look, address, act, meaning);
      return true;
    };
    shortcuts.bind('extend', ({ key }) => this.#extend(key));
    shortcuts.bind('choose', (event) => act(event, 'choose'));
    shortcuts.bind('move', ({ key }) => this.#move(key));
    shortcuts.bind('ends', ({ key }) => this.#move(key));
    shortcuts.bind('layer', ({ key, target }) => this.#page(target as Element, key === 'PageUp' ? 1 : -1));
    shortcuts.bind('act', (event) => this.#again(event) || act(event));
    shortcuts.bind('ablate', (event) => act(event));
    shortcuts.bind('look', (event) => act(event, 'look'));
    const clear = () => {
      const { chosen, selected } = state.value;
      // What is chosen goes first: one more Escape clears what is selected.
      state.set(chosen.length > 0 ? { chosen: [] } : { selected: null });
      return chosen.length > 0 || selected !== null;
    };
    shortcuts.bind('close', clear, CLOSES.selection);
  }

  /** Where nothing can be ablated, Enter on what is selected already opens it. */
  #again({ target }: KeyboardEvent): boolean {
    const address = (target as Element).closest<SVGElement>('.gb-hit')?.dataset.address;
    const done = address !== undefined && address === this.view.state.value.selected && this.#look?.live !== true;
    return done && this.#opening.toggle(address);
  }

  /** Heads and experts in the order of the layers, where they can be ablated. */
  #cells(): readonly CellBox[] {
    if (this.#look?.live !== true) return [];
    return [...(this.#scene?.cards ?? [])].reverse().flatMap(({ blocks }) => blocks.flatMap(({ cells }) => cells));
  }

  /** Go on and choose what was left and what is reached, as far as they can be ablated; going back takes it away again. */
  #extend(key: string): boolean {
    if (this.#look?.live !== true) return this.#move(key);
    const from = this.#node(this.#current);
    this.#move(key);
    const walked = [from, this.#node(this.#current)].filter((node) => node?.dataset.act === 'ablate');
    const addresses = walked.flatMap((node) => node?.dataset.address ?? []);
    this.view.state.set({ chosen: extended(this.view.state.value.chosen, addresses) });
    return true;
  }

  #move(key: string): boolean {
    const next = move(this.#lines, this.#current, key);
    if (next) this.#rove(next.key)?.focus({ preventScroll: false });
    return true;
  }

  /** Bind the card that an address is on to the next layer. */
  #page(target: Element, step: number): boolean {
    const address = target.closest<SVGElement>('.gb-hit')?.dataset.address ?? '';
    const cards = this.#scene?.cards ?? [];
    const card = cards.find((one) => address === one.address || address.startsWith(`${one.address}.`));
    if (card) bindLayer(this.view, card, step);
    return true;
  }
}
