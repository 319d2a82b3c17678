/**
 * What can be clicked. Each is a group with its address and what a click does (`data-act`), one item of the tree that a
 * screen reader and the keyboard walk, with the same marks whatever it is: selection, focus, change, ablation.
 */
import type { Point, Rect } from '../layout';
import { compact, percent } from '../layout/format';
import { beyond } from '../state/scale';
import type { How } from '../wire/types.generated';
import { magnitude, type Paint } from './colour';
import type { Pen } from './context';
import { attr, put, s } from './dom';
import { datumOf, type Joined, join } from './join';
import { type Look, namesOf } from './look';

export type Act = 'ablate' | 'select' | 'bind';

export interface Hit extends Rect {
  readonly key: string;
  readonly address: string;
}

export type Hits<D extends Hit> = Joined<SVGGElement, D>;

/** Less than this is not worth a ring. */
export const CHANGED = 0.005;
/** The widest that a ring gets, whatever the change. */
const RING = { least: 1.2, more: 2.2 };

/** Join groups to data by key, made with `build` and put into the order of the data. */
export function joinHits<D extends Hit>(
  parent: Element,
  data: readonly D[],
  of: { class: string; act: Act; level: number; build: (group: SVGGElement) => void },
): Hits<D> {
  const item = { class: `gb-hit ${of.class}`, role: 'treeitem', tabindex: -1, 'aria-level': of.level };
  const hits = join(parent, `g.${of.class}`, data, () => {
    const group = s('g', { ...item, 'data-act': of.act });
    of.build(group);
    return group;
  });
  for (const [group, { address }] of hits) attr(group, { 'data-address': address });
  return hits;
}

/** The key of a hit. */
export const keyOf = (node: Element): string | undefined => datumOf<Hit>(node)?.key;

/** Nodes that every hit has, around and over what `body` draws. */
export function frameNodes(group: SVGGElement, radius: number, body: readonly SVGElement[]): void {
  const ring = (name: string) => s('rect', { class: name, rx: radius + 3, fill: 'none' });
  group.append(
    s('rect', { class: 'gb-body', rx: radius }),
    ...body,
    ring('gb-changed'),
    ring('gb-select'),
    ring('gb-focus'),
    s('path', { class: 'gb-notch' }),
    s(
      'g',
      { class: 'gb-badge' },
      s('circle', { class: 'gb-more', cx: -6, r: 8 }),
      s('circle', { r: 8 }),
      s('path', {}),
    ),
  );
}

/** The nodes that each hit has, found once: a repaint asks for all of them. */
const children = new WeakMap<Element, Map<string, SVGElement>>();

/** A node right within a hit, by its class. */
export function child(group: Element, name: string): SVGElement {
  const known = children.get(group) ?? new Map<string, SVGElement>();
  const before = known.get(name);
  const found = before?.parentNode === group ? before : (group.querySelector(`:scope > .${name}`) as SVGElement);
  if (known.size === 0) children.set(group, known);
  known.set(name, found);
  return found;
}

function placeRect(node: Element, { x, y, w, h }: Rect, grow: number): void {
  attr(node, { x: x - grow, y: y - grow, width: w + 2 * grow, height: h + 2 * grow });
}

/** Where the badge is: above or below the words in a box; `under`, where the lowest words are close to the edge. */
type Corner = 'upper' | 'lower' | 'under';
const CORNERS: Readonly<Record<Corner, (rect: Rect) => readonly [number, number]>> = {
  upper: ({ x, y, w }) => [x + w + 2, y - 1],
  lower: ({ x, y, w, h }) => [x + w - 1, y + h - 1],
  under: ({ x, y, w, h }) => [x + w, y + h + 4],
};

/** Put the common nodes where a hit is. */
export function placeFrame(group: SVGGElement, rect: Rect, gap = 3, corner: Corner = 'lower'): void {
  placeRect(child(group, 'gb-body'), rect, 0);
  placeRect(child(group, 'gb-select'), rect, gap);
  placeRect(child(group, 'gb-focus'), rect, gap);
  child(group, 'gb-badge').setAttribute('transform', `translate(${CORNERS[corner](rect).join(',')})`);
}

// Badges are paths, not letters: fonts differ. One for each kind, and a dot for one that has none.
const DOT = 'M-1,0 H1 M0,-1 V1';
const BADGES: Readonly<Record<How, string>> = {
  zero: 'M0,-3.6 C2.7,-3.6 2.7,3.6 0,3.6 C-2.7,3.6 -2.7,-3.6 0,-3.6 Z',
  mean: 'M-2.8,-2.2 V4.6 M-2.8,-2.2 V0.8 Q-2.8,2.6 -0.8,2.6 Q1.8,2.6 1.8,-0.4 V-2.2 V1.4 Q1.8,2.6 3.2,2.4',
  resample: 'M-3.4,-1.6 H3 L1.2,-3.2 M3.4,1.6 H-3 L-1.2,3.2',
  freeze: 'M-3,-1.5 H3 M-3,1.5 H3',
  noise: 'M-3.6,1 Q-1.8,-3 0,0 Q1.8,3 3.6,-1',
  scale: 'M0,-3.6 V3.6 M-3.1,-1.8 L3.1,1.8 M-3.1,1.8 L3.1,-1.8',
  add: 'M-3.2,0 H3.2 M0,-3.2 V3.2',
  skip: 'M-3.2,2.2 Q-3.2,-2.8 0,-2.8 Q3.2,-2.8 3.2,1.8 M1,0.2 L3.2,2.4 L4.8,-0.2',
  cut: 'M-2.6,3.4 L2.6,-3.4',
};

/** A kind's badge by itself, for a legend. */
export function badge(how: How): SVGGElement {
  const place = { class: 'gb-badge gb-on', transform: 'translate(9,10)' };
  return s('g', place, s('circle', { r: 8 }), s('path', { d: BADGES[how] ?? DOT }));
}

/** The last kind's badge, and another behind it where there are several. */
function paintBadge(group: SVGGElement, edits: readonly How[]): void {
  const badge = child(group, 'gb-badge');
  const how = edits.at(-1);
  badge.classList.toggle('gb-on', how !== undefined);
  badge.classList.toggle('gb-several', edits.length > 1);
  if (how) badge.querySelector('path')?.setAttribute('d', BADGES[how] ?? DOT);
}

/** The ring of what differs from the clean run. */
export function paintRing(group: SVGGElement, rect: Rect, change: number, wave = 0): void {
  const ring = child(group, 'gb-changed');
  const on = change > CHANGED;
  if (on && !ring.classList.contains('gb-on')) ring.style.animationDelay = `${wave}ms`;
  ring.classList.toggle('gb-on', on);
  if (!on) return;
  // Around a chip there are words, close by.
  const [gap, more] = rect.h < 24 ? [1, RING.more / 2] : [2, RING.more];
  const width = RING.least + more * Math.min(1, change);
  placeRect(ring, rect, gap + width / 2);
  ring.setAttribute('stroke-width', width.toFixed(2));
}

const NOTCH = 6;

type Notched = Rect & { readonly opener?: Point | null };

/**
 * A corner cut off where a fill is beyond its scale: an upper one above it, a lower one below it; at the right, where
 * nothing covers it.
 */
export function paintNotch(group: SVGGElement, at: Notched, over: -1 | 0 | 1, paint: Paint | null): void {
  const { x, y, w, h, opener } = at;
  const notch = child(group, 'gb-notch');
  const covered = over > 0 && (opener?.x ?? x) > x + w / 2;
  const [corner, inward] = [covered ? x : x + w, covered ? NOTCH : -NOTCH];
  const d = `M${corner + inward},${over > 0 ? y : y + h} h${-inward} v${over * NOTCH} Z`;
  put(notch, 'd', over === 0 || !paint ? '' : d);
  if (over !== 0 && paint) put(notch, 'fill', paint.ink);
}

/** Where a norm is on the scale of fills: above it, on it, or below it. */
export function overOf(look: Look, address: string): -1 | 0 | 1 {
  return beyond(look.norm(address), look.isExpert(address) ? look.weights : look.limits);
}

/** The colour that a measured value has; null where it has none. */
export function fillOf(look: Look, address: string): Paint | null {
  const norm = look.norm(address);
  if (Number.isNaN(norm)) return null;
  if (look.isExpert(address)) return magnitude(norm, look.weights);
  return magnitude(norm, look.limits);
}

/** The size of what came out of an address, as it is written; nothing where it was not read. */
export function numberOf(look: Look, address: string): string {
  const norm = look.norm(address);
  return Number.isNaN(norm) && look.nonfinite(address) ? 'NaN' : compact(norm);
}

export function describeState(look: Look, address: string): string {
  const words: string[] = [];
  const how = look.cut(address);
  const edits = look.edits(address);
  const done = edits.length > 0 ? namesOf(edits) : how;
  if (done) words.push(`${how ? 'ablated' : 'edited'}: ${done}`);
  if (done && look.shows === 'clean') words.push('shown as in the clean run');
  if (look.unread(address)) words.push('not read any more');
  if (look.nonfinite(address)) words.push('not finite');
  const norm = look.norm(address);
  if (norm === 0 && look.isExpert(address)) words.push('not chosen by this token');
  else if (!Number.isNaN(norm) && !how)
    words.push(`${look.isExpert(address) ? 'routing weight' : 'norm'} ${compact(norm)}`);
  const over = how ? 0 : overOf(look, address);
  if (over !== 0) words.push(over > 0 ? 'above the scale' : 'below the scale');
  const change = look.change(address);
  if (!how && change > CHANGED) words.push(`${percent(change, 0)} off the clean run`);
  return words.join(', ');
}

/** Whether a click is about it: while some are chosen, those alone, and not what is only described beside the diagram. */
export function isRinged(pen: Pen, address: string): boolean {
  const { selected, chosen } = pen.state.value;
  return chosen.length > 0 ? chosen.includes(address) : selected === address;
}

/** Marks that every hit shows. Returns how it is ablated, itself or with what contains it. */
export function paintFrame<D extends Hit>(group: SVGGElement, hit: D, look: Look, pen: Pen, name: string): How | null {
  const { address } = hit;
  const cut = look.cut(address);
  const pending = look.pending(address);
  const among = isRinged(pen, address);
  group.classList.toggle('gb-cut', cut !== null);
  group.classList.toggle('gb-pending', pending !== undefined);
  group.classList.toggle('gb-selected', among);
  paintRing(group, hit, cut || group.dataset.act === 'select' ? Number.NaN : look.change(address), look.wave(address));
  const done = look.edits(address).map(({ how }) => how);
  // What was asked for is seen at once, and hollow until it is done.
  paintBadge(group, pending === undefined ? done : pending === null ? [] : [pending]);
  const state = describeState(look, address);
  put(group, 'aria-label', state === '' ? name : `${name}, ${state}`);
  put(group, 'aria-selected', String(among));
  if (look.live) put(group, 'aria-checked', String(look.ablated(address) !== null));
  return cut;
}
