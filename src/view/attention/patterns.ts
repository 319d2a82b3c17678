/**
 * What the selected block does from token to token: of an attention its patterns, of another mixer its state, and the
 * exact matrix that its recurrence comes to. Only what is shown is asked for: the kernel computes nothing that is not on
 * screen.
 */

import { describe } from '../../layout/kinds';
import { locate } from '../../layout/model';
import { difference } from '../../state/pattern';
import type { Block } from '../../wire/types.generated';
import { coloursOf } from '../canvas';
import { Changes } from '../changes';
import type { Part, View } from '../context';
import { h, setText, show } from '../dom';
import { on, take } from '../events';
import { changedWord, type Look } from '../look';
import { NextFrame } from '../next-frame';
import { Room } from '../resized';
import { Segments } from '../segments';
import { stageOf } from '../stages';
import { HeadGrid, type Heads } from './heads';
import { Large } from './large';
import { PatternLegend } from './legend';
import { signedScale, UNIT } from './palette';
import { Raster } from './raster';
import { askedOf, columnsAt, limitOf, matrixOf, patternsOf, reasonOf, tapsOf } from './source';

/** Of the time that goes by, drawing takes so much at most: patterns of long texts are a million cells. */
const SHARE = 0.2;

const OF = [
  { name: 'changed', words: 'ablated' },
  { name: 'clean', words: 'clean' },
  { name: 'difference', words: 'difference' },
] as const;

interface Drawing extends Heads {
  /** Whether there is an edited run beside the clean one. */
  readonly compared: boolean;
}

export class Patterns implements Part {
  readonly element = h('section', { class: 'gb-section gb-patterns', 'data-testid': 'patterns' });
  #heading = h('h2');
  #effective = h('button', { class: 'gb-button gb-small-button', 'data-testid': 'effective' });
  #seg: Segments<'changed' | 'clean' | 'difference'>;
  #close = h('button', { class: 'gb-button gb-small-button' }, 'All heads');
  #why = h('p', { class: 'gb-empty' });
  #legend = new PatternLegend();
  #grid: HeadGrid;
  #large: Large;
  #raster: Raster;
  #differs = false;
  #open: number | null = null;
  #block: Block | null = null;
  #changes = new Changes();
  #look: Look | null = null;
  #next: NextFrame;
  #room: Room;
  #seen = true;
  #took = 0;
  #drawn = 0;

  constructor(private readonly view: View) {
    const { signal } = view;
    this.#seg = new Segments('Patterns of', OF, signal, (of) => this.#shows(of));
    this.#grid = new HeadGrid(view, (head) => this.#opens(head));
    this.#large = new Large(view);
    this.#raster = new Raster(view);
    this.#next = new NextFrame(signal, () => this.#draw());
    this.element.append(
      h('div', { class: 'gb-section-head' }, this.#heading, this.#seg.element, this.#effective),
      this.#why,
      this.#raster.element,
      this.#grid.element,
      this.#close,
      this.#large.element,
      this.#legend.element,
    );
    this.#listen();
    this.#watchSight();
    this.#room = new Room(this.element, signal, () => this.#schedule());
    signal.addEventListener('abort', () => view.session.watching.show(this, []));
  }

  paint(look: Look): void {
    this.#look = look;
    this.#select();
    show(this.element, this.#block !== null && look.live);
    if (!this.#block || !look.live) return;
    const { page, durable } = this.view.session;
    const { width, selected } = this.view.state.value;
    const colours = coloursOf(this.view.state.value);
    const { matrix, tokens } = page.value;
    const read = [tokens, look.now?.frame, look.clean?.frame, look.interventions, look.shows, matrix];
    const run = durable.value.state?.run?.id;
    if (this.#changes.any(this.#block, ...read, colours, width, selected, run)) this.#schedule();
    this.#next.check();
  }

  #listen(): void {
    const { signal, state } = this.view;
    on(this.#close, 'click', () => this.#closes(), signal);
    on(this.#effective, 'click', () => this.#asks(), signal);
    const escaped = (event: KeyboardEvent) => {
      if (event.key !== 'Escape' || this.#open === null) return;
      take(event);
      this.#closes();
    };
    on(this.#large.element, 'keydown', escaped, signal);
    // Off the stage a part is not painted: what is not to be seen is let go all the same.
    state.subscribe((changed) => {
      if (changed.has('stage') || changed.has('selected')) this.#select();
    }, signal);
  }

  #shows(of: 'changed' | 'clean' | 'difference'): void {
    this.#differs = of === 'difference';
    this.view.state.set({ compare: of === 'clean' });
    this.#schedule();
  }

  /** Ask for nothing while the section is scrolled out of sight. */
  #watchSight(): void {
    if (typeof IntersectionObserver === 'undefined') return;
    const observer = new IntersectionObserver(
      (entries) => {
        this.#seen = entries.at(-1)?.isIntersecting ?? true;
        this.#select();
      },
      { rootMargin: '400px' },
    );
    observer.observe(this.element);
    this.view.signal.addEventListener('abort', () => observer.disconnect());
  }

  /** The block that is shown: the selected one, or the one of a selected head. */
  #select(): void {
    const { session, state } = this.view;
    const { architecture, state: live } = session.durable.value;
    const { selected } = state.value;
    const there = selected !== null && live !== null && stageOf(this.view) === 'diagram';
    const found = there ? locate(architecture, selected) : null;
    // Of a layer its first block that has a picture.
    const blocks = found?.block ? [found.block] : (found?.layer?.blocks ?? []);
    const shown = blocks.find((block) => tapsOf(block).length > 0) ?? null;
    if (shown?.address !== this.#block?.address) {
      this.#open = null;
      this.#block = shown;
      this.#seen = true;
    }
    session.watching.show(this, shown && this.#seen ? tapsOf(shown) : []);
  }

  #opens(head: number): void {
    const again = this.#open === head;
    this.#open = again ? null : head;
    this.#draw();
    if (!again) this.#large.focus();
  }

  #closes(): void {
    const head = this.#open;
    this.#open = null;
    this.#draw();
    if (head !== null) this.#grid.focus(head);
  }

  #asks(): void {
    if (this.#block) void this.view.session.effective(this.#block.address);
  }

  /** Draw, and not so often that nothing else is done. */
  #schedule(): void {
    const wait = this.#drawn + this.#took / SHARE - performance.now();
    if (this.#took < 4) this.#next.soon(this.#room.known);
    else this.#next.ask(wait);
  }

  #draw(): void {
    const [block, look] = [this.#block, this.#look];
    if (!block || !look) return;
    const begun = performance.now();
    if (!this.#room.known) this.#room.measure();
    const mixes = block.role === 'mixer';
    setText(this.#heading, `${block.address} ${mixes ? 'state' : 'patterns'}`);
    const drawing = this.#drawing(block, look);
    const told = mixes && this.#rasters(block, look);
    show(this.#raster.element, told);
    this.#paintHeads(drawing, look);
    this.#paintSeg(look, drawing);
    this.#legend.paint(drawing, look);
    this.#offer(block);
    const why = reasonOf(this.view, block, look, told || drawing.now !== null);
    show(this.#why, why !== '');
    setText(this.#why, why);
    this.#took = performance.now() - begun;
    this.#drawn = performance.now();
  }

  /** What of the source is drawn, and in which colours. */
  #drawing(block: Block, look: Look): Drawing {
    const mixes = block.role === 'mixer';
    const { now, clean, compared } = mixes
      ? matrixOf(this.view, block, look)
      : patternsOf(this.view, block, look, this.#differs);
    const differs = this.#differs && compared && now !== null && clean !== null;
    const shown = differs && now && clean ? difference(now, clean) : now;
    const { theme } = this.view.state.value;
    const scale = differs ? signedScale(1, theme) : mixes ? signedScale(limitOf(shown), theme) : UNIT;
    const cells = describe(block).cells;
    const count = shown?.heads ?? (mixes ? 0 : (cells?.count ?? 0));
    const shared = mixes ? 1 : (cells?.shared ?? 1);
    const { selected } = this.view.state.value;
    const of = {
      block: block.address,
      prefix: cells?.prefix ?? 'H',
      count,
      shared,
      selected,
      open: this.#open,
      room: this.#room,
    };
    return { ...of, shown, now, clean, differs, scale, compared, mixes };
  }

  #paintHeads(drawing: Drawing, look: Look): void {
    const { block, prefix, shown, now, open, mixes } = drawing;
    const grid = drawing.count > 0 && open === null;
    show(this.#grid.element, grid);
    if (grid) this.#grid.paint(drawing, look);
    const large = open !== null && shown !== null && now !== null;
    for (const node of [this.#large.element, this.#close]) show(node, large);
    if (!large) return;
    const name = `${block}.${prefix}${open}`;
    setText(this.#close, `‹ All heads of ${block}`);
    setText(this.#heading, `${name} ${mixes ? 'effective attention' : 'pattern'}`);
    this.#large.paint({ ...drawing, name, head: open, shown, now });
  }

  #paintSeg(look: Look, { compared, differs }: Drawing): void {
    show(this.#seg.element, compared);
    setText(this.#seg.of('changed'), changedWord(look.interventions));
    this.#seg.press(differs ? 'difference' : look.shows === 'clean' ? 'clean' : 'changed');
  }

  #rasters(block: Block, look: Look): boolean {
    const frame = look.now?.frame;
    if (!frame) return false;
    return this.#raster.paint({ block: block.address, ...columnsAt(this.view, frame) }, this.#room);
  }

  /** The button that asks for a mixer's matrix. */
  #offer(block: Block): void {
    const { state } = this.view.session.durable.value;
    const asked = askedOf(this.view, block);
    const working = asked !== null && asked.numbers === null && asked.why === null;
    show(this.#effective, block.role === 'mixer' && (state?.run ?? null) !== null && asked?.numbers == null);
    setText(this.#effective, working ? 'Working it out …' : 'Effective attention');
    this.#effective.disabled = working || !this.view.session.reachable;
    this.#effective.title = 'The exact matrix from source to target tokens that its recurrence comes to';
  }
}
