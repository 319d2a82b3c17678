/** One architecture as a group of SVG: what the page says of it above, its diagram, and where its parameters are below. */
import { layoutScene, type Scene } from '../layout';
import { percent } from '../layout/format';
import type { Hue } from '../layout/kinds';
import { sharesOf } from '../layout/shares';
import { fitting } from '../layout/text';
import { EMPTY_PAGE, FIRST_VIEW } from '../state/local';
import { Store } from '../state/store';
import { s } from '../view/dom';
import { Drawing } from '../view/drawing';
import { figuresOf } from '../view/header';
import { Looker } from '../view/look';
import { NAMED } from '../view/shares';
import { howRead } from '../view/trace';
import type { Architecture } from '../wire/types.generated';
import { type Live, liveFooter, liveHeader } from './live';
import { measure } from './metrics';
import { INK, LINE, type Piece, SMALL, words, wrapped } from './words';

export interface PanelOptions {
  readonly width: number;
  /** Whether the layers of one kind share a card; where not given, as many layers as there are decide. */
  readonly folded?: boolean;
  /** For each group of layers (see `groupKey`), the one that its card shows; the first where not given. */
  readonly bound?: Readonly<Record<string, number>>;
  /** The address of the block that shows its inside. */
  readonly opened?: string | null;
  /** What was measured on a live model; an architecture alone where there is none. */
  readonly live?: Live;
}

export interface Panel {
  readonly element: SVGGElement;
  readonly scene: Scene;
  readonly width: number;
  readonly height: number;
}

const APART = 24;

/** Pieces one after the other from the left, in a new row where one does not fit. */
function flow<T>(items: readonly T[], widthOf: (item: T) => number, width: number, gap: number) {
  let [x, row] = [0, 0];
  return items.map((item) => {
    const own = widthOf(item);
    if (x > 0 && x + own > width) [x, row] = [0, row + 1];
    const placed = { item, x, row };
    x += own + gap;
    return placed;
  });
}

const HEAD = { name: 16, class: 34, figures: 58, row: 38 };

/** The name, the class, and the figures of the page's header. */
function header(architecture: Architecture, width: number): Piece {
  const { name, cls } = architecture;
  const lines = wrapped(name, width, 16, 600);
  const below = (lines.length - 1) * 20;
  const nodes: SVGElement[] = lines.map((line, i) =>
    words(line, 0, HEAD.name + i * 20, { size: 16, weight: 600, fill: INK }),
  );
  if (cls !== name) nodes.push(words(fitting([cls], width, measure), 0, HEAD.class + below));
  const top = HEAD.figures + below - (cls === name ? 14 : 0);
  const widthOf = ([value, label]: [string, string]) => Math.max(measure(value, 15, 600), measure(label, SMALL, 400));
  const placed = flow(figuresOf(architecture), widthOf, width, APART);
  for (const { item, x, row } of placed) {
    const y = top + row * HEAD.row;
    nodes.push(words(item[0], x, y, { size: 15, weight: 600, fill: INK }), words(item[1], x, y + LINE));
  }
  return { nodes, height: top + (placed.at(-1)?.row ?? 0) * HEAD.row + 32 };
}

const BAR = { label: 52, height: 10, each: 18 };

/** What is in no kind of block is no kind either: an outline. */
const inked = (hue: Hue) =>
  hue === 'other'
    ? { fill: 'var(--gb-off)', stroke: 'var(--gb-edge)', 'data-hue': hue }
    : { fill: 'var(--hue)', 'data-hue': hue };

/** Bars of where the parameters are, and how the architecture was read. */
function footer(architecture: Architecture, width: number): Piece {
  const shares = sharesOf(architecture);
  const { total, active } = architecture.params;
  const nodes: SVGElement[] = [];
  let y = 0;
  for (const of of active < total ? (['total', 'active'] as const) : (['total'] as const)) {
    const sum = shares.reduce((all, share) => all + share[of], 0);
    nodes.push(words(of === 'total' ? 'parameters' : 'active', 0, y + 9));
    let x = BAR.label + 14;
    for (const share of shares) {
      const w = ((width - BAR.label - 14) * share[of]) / sum;
      nodes.push(s('rect', { x, y, width: w, height: BAR.height, ...inked(share.hue) }));
      x += w;
    }
    y += BAR.each;
  }
  const named = shares.filter((share) => share.total / total > NAMED || share.active / active > NAMED);
  const keys = named.map((share) => ({ share, text: `${share.name} ${percent(share.total / total, 0)}` }));
  const placed = flow(keys, ({ text }) => 15 + measure(text, SMALL, 400), width - BAR.label - 14, 16);
  for (const { item, x: from, row } of placed) {
    const [x, top] = [BAR.label + 14 + from, y + row * LINE];
    const square = { x, y: top, width: 9, height: 9, rx: 2, ...inked(item.share.hue) };
    nodes.push(s('rect', square), words(item.text, x + 15, top + 9));
  }
  y += ((placed.at(-1)?.row ?? 0) + 1) * LINE + 12;
  const said = wrapped(howRead(architecture), width);
  nodes.push(...said.map((line, i) => words(line, 0, y + i * LINE)));
  return { nodes, height: y + (said.length - 1) * LINE + 3 };
}

/** Draw an architecture into a group whose upper left corner is its origin. */
export function panelOf(architecture: Architecture, given: PanelOptions): Panel {
  const pen = { state: new Store(FIRST_VIEW), measure, uid: 'gb' };
  const { live } = given;
  const scene = layoutScene(architecture, { bound: {}, ...given, live: live !== undefined, measure });
  const drawing = new Drawing(pen);
  drawing.draw(scene);
  drawing.paint(live?.look ?? new Looker().look({ architecture, layout: null, state: null }, EMPTY_PAGE));
  // What is there to be clicked has no place on paper, nor hatching where nothing is ablated.
  const none = ['.gb-steps', '.gb-opener', ...(live ? [] : ['defs'])].join(', ');
  for (const node of drawing.element.querySelectorAll(none)) node.remove();
  const above = live ? liveHeader(architecture, live, scene.width) : header(architecture, scene.width);
  const below = live ? liveFooter(live, scene.width) : footer(architecture, scene.width);
  const belowAt = above.height + scene.height + 14;
  const diagram = s(
    'g',
    { class: 'gb-diagram', transform: `translate(0,${above.height})` },
    ...drawing.element.childNodes,
  );
  const element = s(
    'g',
    {},
    s('g', {}, ...above.nodes),
    diagram,
    s('g', { transform: `translate(0,${belowAt})` }, ...below.nodes),
  );
  return { element, scene, width: scene.width, height: belowAt + below.height };
}
