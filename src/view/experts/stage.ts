/** The Experts stage: layers × experts, under it the selected layer's shares, and where its tokens go. */
import { every, topOf } from '../../layout/experts';
import { locate } from '../../layout/model';
import type { ExpertsOf } from '../../state/local';
import type { MoESpec } from '../../wire/types.generated';
import { coloursOf } from '../canvas';
import type { Part } from '../context';
import { h, put, setText, show } from '../dom';
import { on } from '../events';
import type { Look } from '../look';
import { densityOf } from '../magnify';
import { type Segment, Segments } from '../segments';
import { Bars } from './bars';
import { Columns } from './columns';
import { Dots } from './dots';
import { ExpertsLegend } from './legend';
import type { Experts } from './model';
import { Raster } from './raster';
import { ExpertTable } from './table';
import { evenOf, layerName, overWhich, shareOf, shortName } from './words';

const LABEL = 62;
const GAP = 12;
/** CSS pixels that a name beside a row takes. */
const NAME = 13;
/** Of so many CSS pixels an expert can be seen and hit; where there is less room, the raster is scrolled. */
const LEAST_CELL = 2;

const MODES: readonly Segment<ExpertsOf>[] = [
  { name: 'load', words: 'load', title: 'Share of the tokens over the even share' },
  { name: 'weight', words: 'weight', title: 'Mean routing weight from the tokens that came' },
];

export class ExpertsStage implements Part {
  readonly element = h('section', { class: 'gb-experts', 'aria-label': 'Experts' });
  #raster: Raster;
  #columns: Columns;
  #bars: Bars;
  #dots: Dots;
  #table: ExpertTable;
  #legend: ExpertsLegend;
  #shape = h('span', { class: 'gb-sub' });
  #over = h('p', { class: 'gb-sub gb-ex-over', 'data-testid': 'experts-over' });
  #modes: Segments<ExpertsOf>;
  #axis = h('div', { class: 'gb-ex-axis' });
  #layers = h('div', { class: 'gb-ex-layers' });
  #layer = h('b', { class: 'gb-mono' });
  #moved = h('span', { class: 'gb-key gb-ex-moved' });
  #top = h('span', { class: 'gb-ex-mark' });
  #even = h('span', { class: 'gb-ex-mark' });
  #evenName = h('span', { class: 'gb-ex-even-name' }, 'even share');
  #band = h('i', { class: 'gb-ex-band', 'aria-hidden': 'true' });
  #bandName = h('b', { class: 'gb-ex-band-name' });
  #laid = '';
  #painted = '';

  constructor(private readonly experts: Experts) {
    this.#raster = new Raster(experts);
    this.#columns = new Columns(experts);
    this.#bars = new Bars(experts);
    this.#dots = new Dots(experts);
    this.#table = new ExpertTable(experts);
    this.#legend = new ExpertsLegend(experts);
    const { signal, state } = experts.view;
    this.#modes = new Segments('Colour', MODES, signal, (mode) => state.set({ experts: mode }));
    this.#assemble();
  }

  #assemble(): void {
    const colour = h('span', { class: 'gb-sub' }, 'Colour');
    const head = h(
      'div',
      { class: 'gb-section-head' },
      h('h2', {}, 'Experts'),
      this.#shape,
      h('span', { class: 'gb-ex-colour' }, colour, this.#modes.element),
    );
    const [raster, columns] = [this.#raster.element, this.#columns.element];
    const map = h('div', { class: 'gb-ex-map' }, this.#axis, this.#layers, raster, columns);
    this.element.append(
      head,
      this.#over,
      h('div', { class: 'gb-ex-scroll' }, map, this.#under()),
      this.#legend.element,
      this.#table.element,
    );
  }

  /** What belongs to the layer that is selected: its experts' shares, and its tokens. */
  #under(): HTMLElement {
    const shares = h(
      'div',
      { class: 'gb-ex-head' },
      this.#layer,
      h('span', { class: 'gb-sub' }, 'share of the tokens that each expert gets'),
      this.#moved,
    );
    const bars = h('div', { class: 'gb-ex-barline' }, this.#top, this.#even, this.#bars.element, this.#evenName);
    const tokens = h('div', { class: 'gb-ex-head gb-ex-over-band' }, h('b', {}, 'tokens'), this.#dots.told);
    const band = [this.#dots.element, this.#band, this.#bandName];
    const under = h('div', { class: 'gb-ex-under' }, shares, bars, tokens, ...band);
    on(under, 'click', (event) => this.#aimed(event), this.experts.view.signal);
    return under;
  }

  /** A bar or a dot is its expert. */
  #aimed({ target, clientX }: MouseEvent): void {
    const spot = target instanceof HTMLCanvasElement ? this.#raster.columnAt(clientX) : null;
    if (spot) this.experts.select(spot);
  }

  paint(look: Look): void {
    const experts = this.experts;
    if (!experts.read(look)) return;
    setText(this.#over, overWhich(experts));
    const { experts: of } = this.experts.view.state.value;
    this.#modes.press(of);
    this.#lay();
    const key = `${experts.version} ${this.#laid}`;
    if (key === this.#painted) return;
    this.#painted = key;
    this.#raster.paint();
    this.#legend.paint(this.#raster.grid.gap > 0);
    this.#columns.paint(this.#raster.grid.height / this.#raster.density);
    this.#selected();
    this.#table.paint();
  }

  /** Sizes, where the width, the layout or the resolution has changed; with other colours all is painted anew. */
  #lay(): void {
    const { mixtures, columns } = this.experts;
    const { state } = this.experts.view;
    const { width } = state.value;
    const key = [width, mixtures.length, columns, globalThis.devicePixelRatio, coloursOf(state.value)].join(' ');
    if (key === this.#laid) return;
    this.#laid = key;
    // Read only now: in a repaint it would make the browser lay the page out once more.
    const room = this.element.clientWidth || width;
    const beside = LABEL + GAP + Columns.width;
    this.#raster.fit(Math.max(columns * LEAST_CELL, room - beside), densityOf(this.element));
    const { grid, density } = this.#raster;
    this.element.style.setProperty('--gb-ex-width', `${grid.width / density}px`);
    this.element.style.setProperty('--gb-ex-label', `${LABEL}px`);
    this.#axisNames(grid.cellWidth / density, columns);
    setText(this.#shape, this.#shapeWords());
  }

  #shapeWords(): string {
    const { mixtures } = this.experts;
    const numbers = [...new Set(mixtures.map(({ experts }) => experts))].sort((a, b) => a - b);
    const { architecture } = this.experts.view.session.durable.value;
    const specs = mixtures.map(({ address }) => locate(architecture, address)?.block?.spec);
    const tops = new Set(specs.flatMap((spec) => (spec?.kind === 'moe' ? [(spec as MoESpec).top_k.value] : [])));
    const top = tops.size === 1 ? `, top ${[...tops][0]}` : '';
    const layers = `${mixtures.length} ${mixtures.length === 1 ? 'layer' : 'layers'}`;
    return `${layers} × ${numbers.join(' or ')} experts${top}`;
  }

  #axisNames(cell: number, columns: number): void {
    const step = every(columns, cell, 26);
    const last = columns - 1;
    const numbers = Array.from({ length: Math.ceil(columns / step) }, (_, i) => i * step);
    const shown = [...numbers.filter((one) => (last - one) * cell >= 26 || one === last), last];
    const names = [...new Set(shown)].map((one) => {
      const name = h('span', {}, String(one));
      name.style.left = `${(one + 0.5) * cell}px`;
      return name;
    });
    this.#axis.replaceChildren(h('span', { class: 'gb-ex-axis-name' }, 'expert'), ...names);
  }

  #layerNames(): void {
    const { mixtures, spot } = this.experts;
    const { grid, density } = this.#raster;
    const each = grid.cellHeight / density;
    const step = every(mixtures.length, each, NAME);
    const shown = mixtures.filter(({ index }) => index % step === 0 || index === mixtures.length - 1);
    const room = (index: number) => Math.abs(index - spot.mixture) * each >= NAME;
    const crowded = (index: number) => index !== mixtures.length - 1 && (mixtures.length - 1 - index) * each < NAME;
    const names = shown.filter(({ index }) => room(index) && !crowded(index)).map(({ index }) => index);
    const nodes = [...names, spot.mixture].map((index) => {
      const mixture = mixtures[index];
      const name = mixture ? layerName(mixtures, mixture) : '';
      const node = h('span', { class: index === spot.mixture ? 'gb-ex-mine' : '', title: name }, shortName(name));
      node.style.top = `${(topOf(grid, index) + grid.cellHeight / 2) / density}px`;
      return node;
    });
    this.#layers.replaceChildren(...nodes);
  }

  /** The selected layer, and within it the selected expert. */
  #selected(): void {
    const experts = this.experts;
    const { grid, density } = this.#raster;
    const { mixture, spot } = experts;
    const place = `${this.#laid} ${spot.mixture}`;
    if (this.#layers.dataset.of !== place) {
      this.#layers.dataset.of = place;
      this.#layerNames();
    }
    this.#bars.paint({ grid, density, tall: Bars.tall });
    this.#dots.paint(grid, density);
    setText(this.#layer, mixture.address);
    const { top, even, topY, evenY } = this.#bars.marks;
    setText(this.#top, top > 0 ? shareOf(top) : '');
    setText(this.#even, evenOf(even));
    this.#top.style.top = `${topY}px`;
    this.#even.style.top = `${evenY}px`;
    this.#evenName.style.top = `${evenY}px`;
    show(this.#top, evenY - topY >= NAME);
    show(this.#even, !Number.isNaN(even));
    show(this.#evenName, !Number.isNaN(even));
    const [x, , w] = this.#raster.box([spot.mixture], [spot.expert]);
    Object.assign(this.#band.style, { left: `${LABEL + x - 2}px`, width: `${w + 4}px` });
    setText(this.#bandName, `E${spot.expert}`);
    for (const part of [this.#band, this.#bandName]) show(part, experts.now.counted > 0);
    this.#bandName.style.left = `${LABEL + x + w / 2}px`;
    this.#changes();
  }

  /** Who got more than in the clean run, and fewer. */
  #changes(): void {
    const experts = this.experts;
    const { mixture, clean } = experts;
    const all = Array.from({ length: mixture.experts }, (_, expert) => ({
      expert,
      gain: experts.gained(mixture, expert),
    }));
    const compared = clean !== null && all.some(({ gain }) => !Number.isNaN(gain));
    const more = all.filter(({ gain }) => gain > 0).sort((a, b) => b.gain - a.gain);
    const named = more.slice(0, 4).map(({ expert, gain }) => `E${expert} +${gain}`);
    const rest = more.length > 4 ? ` and ${more.length - 4} more` : '';
    const none = all.every(({ gain }) => gain === 0) ? 'the same as in the clean run' : 'none gained';
    const words = more.length > 0 ? `took over: ${named.join(', ')}${rest}` : none;
    setText(this.#moved, compared ? words : '');
    this.#moved.classList.toggle('gb-on', compared && more.length > 0);
    put(this.#moved, 'title', 'Outlined: gets other tokens than in the clean run; solid more, dashed fewer');
  }
}
