/**
 * A block's inside as a layered drawing, from what comes in at the bottom to what goes out at the top: rows, the order
 * within them, places, wires. Pure, deterministic, and general: of what kind the block is, only its steps say.
 */
import type { Block } from '../../wire/types.generated';
import type { Measure } from '../text';
import { type Graph, graphOf } from './nets';
import { ordered } from './order';
import { placed } from './place';
import { channelsOf, type Entry, entriesOf, routed, setAside } from './route';
import { assignRows, GAP, gridOf, longest } from './rows';
import type { Form, InsideScene, StepBox, WirePath } from './scene';
import { sizeOf } from './shapes';
import { type Sized, sizeStep } from './sizes';
import type { Inside } from './types';

export interface InsideOptions {
  readonly width: number;
  readonly measure: Measure;
  /** What is said of experts under their name: `top 8 of 256`. */
  readonly experts?: string;
}

/** Pixels of the widest bar, tried from the widest. */
const BARS = [150, 120, 96, 76, 60, 48] as const;
/** Words stand on one side of their wire: of a row of its own a step gets no more than that share for them. */
const WORDS = { least: 74, most: 190, share: 0.62 };
const BARRED: ReadonlySet<string> = new Set(['linear', 'input', 'output']);

interface Rows {
  readonly sizes: readonly Sized[];
  readonly rowOf: readonly number[];
}

/** Bars as wide as they can be with what runs side by side still side by side; words have what the neighbours leave. */
function rowsOf(inside: Inside, graph: Graph, { width, measure, experts = '' }: InsideOptions): Rows {
  const { steps } = inside;
  const most = Math.max(1, ...steps.filter(({ op }) => BARRED.has(op)).map(({ shape }) => sizeOf(shape)));
  // The row of each step, if there were room for all.
  const free = longest(graph);
  const words = free.map((row) => {
    const beside = free.filter((one) => one === row).length;
    return Math.max(WORDS.least, Math.min(WORDS.most, (width / beside - GAP - 18) * (beside === 1 ? WORDS.share : 1)));
  });
  let best: Rows = { sizes: [], rowOf: [] };
  let least = Number.POSITIVE_INFINITY;
  for (const widest of BARS) {
    const scaleOf = (index: number) => ({ widest, most, words: words[index] ?? WORDS.least });
    const sizes = steps.map((_, index) => sizeStep(index, { steps, graph, scale: scaleOf(index), measure, experts }));
    const { rows, full } = assignRows(graph, sizes, width);
    const raised = rows.reduce((sum, row, step) => sum + Math.max(0, row - (free[step] ?? 0)), 0);
    if (raised + full * steps.length < least) best = { sizes, rowOf: rows };
    least = Math.min(least, raised + full * steps.length);
    if (least === 0) break;
  }
  return best;
}

const SIGN_EDGE = 8;
/** Pills and boxes have heads of arrows before them; a sign is too small for one. */
const HEADED: ReadonlySet<Form> = new Set<Form>(['bar', 'linear', 'pill', 'box', 'loop', 'stack', 'plain']);

function boxOf(inside: Inside, index: number, size: Sized, at: { x: number; bottom: number; row: number }): StepBox {
  const top = at.bottom - size.height;
  const move = <P extends { x: number; y: number }>(one: P): P => ({ ...one, x: at.x + one.x, y: top + one.y });
  return {
    index,
    step: inside.steps[index] as StepBox['step'],
    form: size.form,
    ...{ x: at.x - size.left, y: top, w: size.left + size.right, h: size.height },
    cx: at.x,
    body: move(size.body),
    trapezoid: size.trapezoid && move(size.trapezoid),
    words: size.words.map(move),
    icon: size.icon && move(size.icon),
    taps: size.taps.map(move),
    row: at.row,
  };
}

function pathOf(key: string, source: StepBox, target: StepBox, points: WirePath['points'], entry: Entry): WirePath {
  const [first, ...rest] = points;
  const start = { x: first?.x ?? source.cx, y: source.y };
  const middle = target.body.y + target.body.h / 2;
  const bottom = target.y + target.h;
  const end =
    entry.side === 0
      ? [{ x: entry.x, y: target.form === 'sign' ? target.body.y + target.body.h : bottom }]
      : [
          { x: entry.x, y: middle },
          { x: target.cx + entry.side * SIGN_EDGE, y: middle },
        ];
  return {
    key,
    source: source.index,
    target: target.index,
    points: [start, ...rest, ...end],
    head: HEADED.has(target.form),
  };
}

/** Lay out a block's inside within a width. */
export function layoutInside(inside: Inside, options: InsideOptions): InsideScene {
  const { width } = options;
  const { steps } = inside;
  if (steps.length === 0) return { width, height: 0, boxes: [], wires: [] };
  const graph = graphOf(inside);
  const { sizes, rowOf } = rowsOf(inside, graph, options);
  const unordered = gridOf(graph, sizes, rowOf);
  const grid = { ...unordered, rows: ordered(unordered) };
  const raw = placed(grid, grid.rows, width);
  const low = Math.min(...raw.map((x, i) => x - (grid.cells[i]?.left ?? 0)));
  const high = Math.max(...raw.map((x, i) => x + (grid.cells[i]?.right ?? 0)));
  const shift = Math.max(0, (width - high + low) / 2) - low;
  const xs = raw.map((x) => Math.round(x + shift));
  const entries = entriesOf(grid, xs, sizes);
  setAside(grid, xs, entries);
  const channels = channelsOf(grid, xs, entries);
  const tall = grid.rows.map((row) => Math.max(0, ...row.map((cell) => sizes[cell]?.height ?? 0)));
  const height = [...tall, ...channels.map((one) => one.height)].reduce((sum, one) => sum + one, 0);
  const bottoms: number[] = [];
  let y = height;
  tall.forEach((one, row) => {
    bottoms.push(y);
    y -= one + (channels[row]?.height ?? 0);
  });
  const top = bottoms.map((bottom, row) => bottom - (tall[row] ?? 0));
  const boxes = sizes.map((size, i) => {
    const row = rowOf[i] ?? 0;
    return boxOf(inside, i, size, { x: xs[i] ?? 0, bottom: bottoms[row] ?? 0, row });
  });
  const wires = graph.nets.flatMap(({ source, label, targets }, net) =>
    targets.flatMap((target) => {
      const [a, b] = [boxes[source], boxes[target]];
      const { points, entry } = routed(net, target, { graph, grid, xs, entries, channels, top });
      return a && b ? [pathOf(`${source}>${target}>${label}`, a, b, points, entry)] : [];
    }),
  );
  return { width: Math.max(width, Math.ceil(high - low)), height, boxes, wires };
}

/** What is said of experts under their name, from the block's own facts. */
export function expertsOf({ spec }: Block): string {
  return spec?.kind === 'moe' ? `top ${spec.top_k.value} of ${spec.experts.value}` : '';
}

export type * from './scene';
export type * from './types';
