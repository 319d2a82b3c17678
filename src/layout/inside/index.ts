/**
 * A block's inside as a layered drawing, from what comes in at the bottom to what goes out at the top: rows, the order
 * within them, places, wires. Pure, deterministic, and general: of what kind the block is, only its steps say.
 */
import type { Measure } from '../text';
import { graphOf } from './nets';
import { ordered } from './order';
import { placed } from './place';
import { channelsOf, type Entry, entriesOf, routed } from './route';
import { assignRows, GAP, gridOf } from './rows';
import type { Form, InsideScene, StepBox, WirePath } from './scene';
import { sizeOf } from './shapes';
import { type Scale, type Sized, sizeStep } from './sizes';
import type { Inside } from './types';

export interface InsideOptions {
  readonly width: number;
  readonly measure: Measure;
  /** What is said of experts under their name: `top 8 of 256`. */
  readonly experts?: string;
}

const BAR = { least: 48, most: 150 };
const WORDS = { least: 74, most: 170 };

/** Pixels for bars and words, so that what can run side by side has room side by side. */
function scaleOf(inside: Inside, width: number): Scale {
  const graph = graphOf(inside);
  const rows = assignRows(
    graph,
    inside.steps.map(() => EMPTY),
    Number.POSITIVE_INFINITY,
    (step) => step === 0,
  );
  const beside = (of: (step: number) => boolean) => {
    const counts = new Map<number, number>();
    rows.forEach((row, step) => {
      if (of(step)) counts.set(row, (counts.get(row) ?? 0) + 1);
    });
    return Math.max(1, ...counts.values());
  };
  const each = (count: number) => width / count - GAP;
  const clamp = (value: number, { least, most }: typeof BAR) => Math.max(least, Math.min(most, value));
  const linear = beside((step) => inside.steps[step]?.op === 'linear');
  return {
    widest: clamp(each(linear), BAR),
    most: Math.max(1, ...inside.steps.filter(({ op }) => BARRED.has(op)).map(({ shape }) => sizeOf(shape))),
    words: clamp(each(beside(() => true)) - 18, WORDS),
  };
}

const BARRED: ReadonlySet<string> = new Set(['linear', 'input', 'output']);
const EMPTY: Sized = {
  ...{ form: 'plain', left: 0, right: 0, height: 0, reach: 0, outs: new Map() },
  ...{ body: { x: 0, y: 0, w: 0, h: 0 }, trapezoid: null, words: [], icon: null, taps: [] },
};

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
export function layoutInside(inside: Inside, { width, measure, experts = '' }: InsideOptions): InsideScene {
  const { steps } = inside;
  if (steps.length === 0) return { width, height: 0, boxes: [], wires: [] };
  const graph = graphOf(inside);
  const scale = scaleOf(inside, width);
  const sizes = steps.map((_, index) => sizeStep(index, { steps, graph, scale, measure, experts }));
  const rowOf = assignRows(graph, sizes, width, (step) => step === 0);
  const unordered = gridOf(graph, sizes, rowOf);
  const grid = { ...unordered, rows: ordered(unordered) };
  const raw = placed(grid, grid.rows, width);
  const low = Math.min(...raw.map((x, i) => x - (grid.cells[i]?.left ?? 0)));
  const high = Math.max(...raw.map((x, i) => x + (grid.cells[i]?.right ?? 0)));
  const shift = Math.max(0, (width - high + low) / 2) - low;
  const xs = raw.map((x) => Math.round(x + shift));
  const entries = entriesOf(grid, xs, sizes);
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

export type * from './scene';
export type * from './types';
