/**
 * Vertical places in one layer, from its residual arithmetic. Heights are counted upwards from the layer's lower edge,
 * as the stream rises. A branch reads above the additions it reads and is added at its own plus; branches that read the
 * same leave from one point; blocks on one side never overlap, and a block always reaches from its read to its write,
 * so that level wires cannot cross another block. A block that feeds another one and not the stream stands below it.
 */
import type { Branch } from '../wire/types.generated';
import type { Body } from './body';

export interface Placed {
  readonly branch: Branch;
  readonly body: Body;
  /** Heights above the layer's lower edge. */
  readonly read: number;
  /** Where what it reads comes into it: higher than where it leaves the stream, where another block stands between. */
  readonly enters: number;
  readonly write: number;
  readonly bottom: number;
  readonly top: number;
  /** Lower edge of the block that it feeds, where it is not itself added to the stream. */
  readonly feeds: number | null;
}

export interface Stream {
  readonly placed: readonly Placed[];
  /** Height of the norms on the stream: before any branch, and after an addition. */
  readonly streamNorms: readonly { readonly address: string; readonly at: number }[];
  readonly height: number;
}

const PAD = 12;
/** From a plus up to where the next branch may read: circle, quarter turn, and six pixels of air. */
const AFTER_PLUS = 25;
const BETWEEN_PLUSES = 42;
const STREAM_NORM = 22;
const BETWEEN_BLOCKS = 10;
const OVER_LAST_PLUS = 24;
/** From a block up to the one that it feeds: room for an arrow and a norm. */
const BETWEEN_LINKS = 34;

interface State {
  /** Where the first branch may read. */
  start: number;
  floor: Record<-1 | 1, number>;
  plus: Map<number, number>;
  last: number;
}

interface Wanted {
  branch: Branch;
  body: Body;
}

/** What feeds a branch, and what feeds that: the first of them reads the stream. */
function feeding(target: Wanted, wanted: readonly Wanted[]): Wanted[] {
  const feeders = wanted.filter((one) => one.branch.feeds === target.branch.block);
  return feeders.flatMap((one) => [...feeding(one, wanted), one]);
}

/** Branches by what they read: each group leaves the stream at one point. */
function byRead(wanted: readonly Wanted[]): Wanted[][] {
  const groups = new Map<number, Wanted[]>();
  for (const one of wanted) {
    const reads = one.branch.reads ?? 0;
    if (one.branch.feeds === null) groups.set(reads, [...(groups.get(reads) ?? []), one]);
  }
  return [...groups]
    .sort(([a], [b]) => a - b)
    .map(([, members]) => members.sort((a, b) => a.branch.add - b.branch.add));
}

function lowestRead(members: readonly Wanted[], state: State): number {
  const [first] = members;
  const reads = first?.branch.reads ?? 0;
  const after = reads === 0 ? state.start : (state.plus.get(reads) ?? state.last) + AFTER_PLUS;
  return members.reduce(
    (height, { body }) => Math.max(height, state.floor[body.side] + body.under + body.below),
    after,
  );
}

/** Stack the blocks that feed a branch below it, on its side. */
function placeLinks(links: readonly Wanted[], state: State): Placed[] {
  return links.map(({ branch, body }): Placed => {
    const read = Math.max(state.start, state.floor[body.side] + body.under + body.below);
    const bottom = read - body.below;
    const top = bottom + body.height;
    // The block above has the words about its update under it.
    const feeds = top + BETWEEN_LINKS + body.under;
    state.floor[body.side] = feeds - body.under;
    return { branch, body, read, enters: read, write: top, bottom, top, feeds };
  });
}

function place({ branch, body }: Wanted, read: number, meet: number, isLast: boolean, state: State): Placed {
  const floor = state.floor[body.side] + body.under;
  const enters = Math.max(read, floor + body.below);
  const write = Math.max(meet, enters + body.span);
  const bottom = Math.max(floor, Math.min(enters - body.below, write + body.above - body.height));
  const top = Math.max(bottom + body.height, write + body.above);
  // The last plus may as well rise to the top of its block; an earlier one stays low, to keep the layer short.
  const raised = isLast && body.form === 'box' ? Math.max(write, top - body.above) : write;
  state.floor[body.side] = top + BETWEEN_BLOCKS;
  state.plus.set(branch.add, raised);
  state.last = Math.max(state.last, raised);
  return { branch, body, read, enters, write: raised, bottom, top, feeds: null };
}

/** Those with the same `add` meet at one plus, one from each side; what stands above another one has its own. */
function meetings(members: readonly Wanted[]): Wanted[][] {
  return [...new Set(members.map(({ branch }) => branch.add))].flatMap((add) => {
    const meeting = members.filter(({ branch }) => branch.add === add);
    const first = meeting.filter((one, i) => meeting.findIndex(({ body }) => body.side === one.body.side) === i);
    return [first, ...meeting.filter((one) => !first.includes(one)).map((one) => [one])];
  });
}

/** Where the members of one group are added. */
function placeGroup(members: readonly Wanted[], state: State, lastAdd: number): Placed[] {
  const read = lowestRead(members, state);
  return meetings(members).flatMap((meeting) => {
    const least = meeting.reduce((height, { body }) => Math.max(height, read + body.span), 0);
    const write = state.last > 0 ? Math.max(least, state.last + BETWEEN_PLUSES) : least;
    const alone = members.filter(({ branch }) => branch.add === meeting[0]?.branch.add).length === 1;
    return meeting.map((one) => place(one, read, write, alone && one.branch.add === lastAdd, state));
  });
}

export function placeStream(wanted: readonly Wanted[], entryNorm: string | null = null): Stream {
  const start = entryNorm === null ? PAD : PAD + STREAM_NORM;
  const state: State = { start, floor: { [-1]: start, 1: start }, plus: new Map(), last: 0 };
  const lastAdd = Math.max(0, ...wanted.map((one) => one.branch.add));
  const streamNorms = entryNorm === null ? [] : [{ address: entryNorm, at: PAD }];
  const placed: Placed[] = [];
  for (const members of byRead(wanted)) {
    for (const one of members) placed.push(...placeLinks(feeding(one, wanted), state));
    placed.push(...placeGroup(members, state, lastAdd));
    const norm = members.find((one) => one.branch.stream_norm)?.branch.stream_norm;
    if (!norm) continue;
    state.last += STREAM_NORM;
    streamNorms.push({ address: norm, at: state.last });
    for (const one of members) state.plus.set(one.branch.add, state.last);
  }
  const tops = placed.map((one) => one.top + PAD - 2);
  return { placed, streamNorms, height: Math.max(40, state.last + OVER_LAST_PLUS, ...tops) };
}

/** Sides of a layer's blocks. Of two that work at the same time on one side, the second moves to the other. */
export function chooseSides(branches: readonly Branch[], preferred: (block: string) => -1 | 1): Map<string, -1 | 1> {
  const sides = new Map<string, -1 | 1>();
  const together = (a: Branch, b: Branch) => (a.reads ?? 0) < b.add && (b.reads ?? 0) < a.add;
  const added = branches.filter((branch) => branch.feeds === null);
  added.forEach((branch, i) => {
    const side = preferred(branch.block);
    const taken = added
      .slice(0, i)
      .filter((other) => together(branch, other))
      .map((other) => sides.get(other.block));
    const other = side === 1 ? -1 : 1;
    sides.set(branch.block, taken.includes(side) && !taken.includes(other) ? other : side);
  });
  // Backwards: what is fed comes after what feeds it.
  for (const branch of [...branches].reverse()) {
    if (branch.feeds !== null) sides.set(branch.block, sides.get(branch.feeds) ?? 1);
  }
  return sides;
}
