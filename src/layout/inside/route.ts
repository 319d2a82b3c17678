/**
 * Wires between rows: up, aside on a track of the gap between two rows, and up again. Tensors that would lie on each
 * other have tracks of their own, and pieces of one tensor share one.
 */
import type { Point } from '../scene';
import type { Graph } from './nets';
import type { Grid, Link } from './rows';
import type { Sized } from './sizes';

/** Where a wire comes into a step: from below, or from the side at half of the height of a sign. */
export interface Entry {
  readonly x: number;
  readonly side: -1 | 0 | 1;
}

/** The gap above a row: how high it is, and for each net that goes aside in it the height of its track from below. */
export interface Channel {
  readonly height: number;
  readonly tracks: ReadonlyMap<number, number>;
}

const TRACK = 8;
const EDGE = 11;
const PLAIN = 18;
const CLOSE = 5;
/** From the middle of a sign to where a wire from aside turns towards it. */
const ELBOW = 17;

const keyOf = ({ from, to, net }: Link) => `${from}>${to}>${net}`;

/** In the order of where they come from, at least so far apart, and within the body if it has room. */
function spread(wanted: readonly number[], low: number, high: number): number[] {
  const apart = Math.min(10, (high - low) / Math.max(1, wanted.length - 1));
  const at = wanted.map((x) => Math.max(low, Math.min(x, high)));
  for (let i = 1; i < at.length; i++) at[i] = Math.max(at[i] ?? 0, (at[i - 1] ?? 0) + apart);
  for (let i = at.length - 1, most = high; i >= 0; i--, most = (at[i + 1] ?? 0) - apart)
    at[i] = Math.min(at[i] ?? 0, most);
  return at.map(Math.round);
}

/** Of wires into a sign, the one from straight below comes from there, and the others come from their sides. */
function signEntries(links: readonly Link[], from: readonly number[], x: number): Entry[] {
  const straight = from.findIndex((one) => Math.abs(one - x) < 1);
  const centre = straight >= 0 ? straight : links.length % 2 === 1 ? (links.length - 1) / 2 : -1;
  return from.map((one, i): Entry => {
    if (i === centre) return { x, side: 0 };
    const side = centre >= 0 ? (i < centre ? -1 : 1) : i < links.length / 2 ? -1 : 1;
    return { x: x + side * ELBOW, side: Math.abs(one - x) < 1 ? 0 : side };
  });
}

/** For each link, where it comes in. */
export function entriesOf(grid: Grid, xs: readonly number[], sizes: readonly Sized[]): Map<string, Entry> {
  const entries = new Map<string, Entry>();
  grid.cells.forEach((cell, i) => {
    const x = xs[i] ?? 0;
    const start = (link: Link) => (xs[link.from] ?? 0) + link.out;
    const links = grid.links.filter(({ to }) => to === i).sort((a, b) => start(a) - start(b));
    const size = sizes[cell.step];
    const from = links.map(start);
    const places =
      cell.step === -1 || !size
        ? links.map((): Entry => ({ x, side: 0 }))
        : size.form === 'sign'
          ? signEntries(links, from, x)
          : spread(from, x - size.reach, x + size.reach).map((at): Entry => ({ x: at, side: 0 }));
    links.forEach((link, k) => {
      entries.set(keyOf(link), places[k] ?? { x, side: 0 });
    });
  });
  return entries;
}

interface Run {
  readonly net: number;
  readonly start: number;
  readonly ends: readonly number[];
  readonly low: number;
  readonly high: number;
}

/** Below, so that one that leaves where another arrives turns away before that comes. */
const under = (a: Run, b: Run) => b.ends.some((x) => Math.abs(x - a.start) < CLOSE);

function runsAbove(row: number, grid: Grid, xs: readonly number[], entries: ReadonlyMap<string, Entry>): Run[] {
  const links = grid.links.filter(({ from }) => grid.cells[from]?.row === row);
  return [...new Set(links.map(({ net }) => net))].flatMap((net): Run[] => {
    const mine = links.filter((link) => link.net === net);
    const start = (xs[mine[0]?.from ?? 0] ?? 0) + (mine[0]?.out ?? 0);
    const ends = mine.map((link) => entries.get(keyOf(link))?.x ?? 0);
    const [low, high] = [Math.min(start, ...ends), Math.max(start, ...ends)];
    return high - low < 0.5 ? [] : [{ net, start, ends, low, high }];
  });
}

/** Runs that wait for each other in a circle: each has to be below one that has to be below it. */
function circle(runs: readonly Run[]): Run[] {
  let left = [...runs];
  for (let before = -1; before !== left.length; ) {
    before = left.length;
    left = left.filter((run) => left.some((other) => other !== run && under(other, run)));
  }
  return left;
}

/**
 * Tensors that leave where others arrive in a circle would lie on each other, however their tracks are: one of them
 * arrives a little aside. Changes the entries, and where a wire passes a row.
 */
export function setAside(grid: Grid, xs: number[], entries: Map<string, Entry>): void {
  for (const row of grid.rows.keys()) {
    for (let tries = 0; tries < grid.links.length; tries++) {
      const stuck = circle(runsAbove(row, grid, xs, entries));
      const moved = stuck[0];
      const other = stuck.find((run) => moved && run !== moved && under(run, moved));
      if (!moved || !other) break;
      const link = grid.links.find((one) => {
        const x = entries.get(keyOf(one))?.x ?? Number.NaN;
        return one.net === moved.net && grid.cells[one.from]?.row === row && Math.abs(x - other.start) < CLOSE;
      });
      const entry = link && entries.get(keyOf(link));
      if (!link || !entry) break;
      const x = entry.x - (entry.side === 0 ? Math.sign(entry.x - moved.start) : entry.side) * CLOSE;
      entries.set(keyOf(link), { ...entry, x });
      if (grid.cells[link.to]?.step === -1) xs[link.to] = x;
    }
  }
}

/** The gap above a row. */
function channelOf(row: number, grid: Grid, xs: readonly number[], entries: ReadonlyMap<string, Entry>): Channel {
  const runs = runsAbove(row, grid, xs, entries);
  const tracks = new Map<number, number>();
  const taken: Run[][] = [];
  for (let left = runs; left.length > 0; ) {
    const free = left.filter((run) => !left.some((other) => other !== run && under(other, run)));
    // Where each waits for another, the first goes.
    const [next] = free.length > 0 ? free : left;
    if (!next) break;
    left = left.filter((run) => run !== next);
    const least = runs.reduce((most, run) => {
      const track = tracks.get(run.net);
      return track !== undefined && under(run, next) ? Math.max(most, track + 1) : most;
    }, 0);
    let track = least;
    while (taken[track]?.some((run) => run.low < next.high + CLOSE && next.low < run.high + CLOSE)) track += 1;
    while (taken.length <= track) taken.push([]);
    taken[track]?.push(next);
    tracks.set(next.net, track);
  }
  const height = taken.length === 0 ? PLAIN : 2 * EDGE + (taken.length - 1) * TRACK;
  return { height, tracks: new Map([...tracks].map(([net, track]) => [net, EDGE + track * TRACK])) };
}

export function channelsOf(grid: Grid, xs: readonly number[], entries: ReadonlyMap<string, Entry>): Channel[] {
  return grid.rows.slice(1).map((_, row) => channelOf(row, grid, xs, entries));
}

export interface Heights {
  /** Upper edge of each row. */
  readonly top: readonly number[];
  readonly channels: readonly Channel[];
}

interface Routing extends Heights {
  readonly graph: Graph;
  readonly grid: Grid;
  readonly xs: readonly number[];
  readonly entries: ReadonlyMap<string, Entry>;
}

/** The corners of a wire from the upper edge of a step to the row of its target, and how it comes in there. */
export function routed(net: number, target: number, of: Routing): { points: Point[]; entry: Entry } {
  const { grid, graph, xs, entries } = of;
  const source = graph.nets[net]?.source ?? 0;
  const points: Point[] = [];
  let entry: Entry = { x: 0, side: 0 };
  let from = source;
  for (let row = grid.cells[source]?.row ?? 0; row < (grid.cells[target]?.row ?? 0); row++) {
    const last = row + 1 === grid.cells[target]?.row;
    const to = last ? target : (grid.lanes.get(`${net}@${row + 1}`) ?? target);
    const link = grid.links.find((one) => one.net === net && one.from === from && one.to === to);
    if (!link) break;
    entry = entries.get(keyOf(link)) ?? entry;
    const start = (xs[from] ?? 0) + link.out;
    if (points.length === 0) points.push({ x: start, y: Number.NaN });
    const track = of.channels[row]?.tracks.get(net);
    if (track !== undefined && Math.abs(start - entry.x) > 0.5) {
      const y = (of.top[row] ?? 0) - track;
      points.push({ x: start, y }, { x: entry.x, y });
    }
    from = to;
  }
  return { points, entry };
}
