/**
 * Heads and experts by the hundred: one rectangle each and nothing else, so that 256 experts cost 256 nodes. What a
 * labelled cell shows around itself, a rectangle shows on its own edge.
 */
import type { CellBox } from '../layout';
import type { Hue } from '../layout/kinds';
import type { Pen } from './context';
import { attr, put, s, setFill } from './dom';
import { CHANGED, fillOf, isRinged } from './hit';
import { join } from './join';
import type { Look } from './look';

function classOf({ address }: CellBox, look: Look, pen: Pen, cut: boolean, measured: boolean): string {
  // Written out: it is asked of hundreds at each frame.
  let name = 'gb-hit gb-compact';
  if (cut) name += ' gb-cut';
  else if (look.ablated(address) !== null) name += ' gb-edited';
  if (measured) name += ' gb-measured';
  if (!cut && look.change(address) > CHANGED) name += ' gb-on';
  if (look.pending(address) !== undefined) name += ' gb-pending';
  return isRinged(pen, address) ? `${name} gb-selected` : name;
}

/** A cell of fewer pixels has no room for a cross. */
const CROSSED = 5;

/** A cell's cross; nothing where there is no room for one. */
const crossOf = ({ x, y, w, h }: CellBox): string =>
  Math.min(w, h) < CROSSED ? '' : `M${x + w / 2 - 1.5},${y + h / 2 - 1.5} l3,3 m-3,0 l3,-3`;

/** One path for the crosses of all experts that the token did not choose. */
function crossesOf(cells: readonly CellBox[], crosses: readonly string[], look: Look): string {
  const idle = ({ address }: CellBox) =>
    look.norm(address) === 0 && look.isExpert(address) && look.cut(address) === null;
  return crosses.filter((cross, i) => cross !== '' && idle(cells[i] as CellBox)).join(' ');
}

function crossesIn(parent: Element, wanted: boolean): SVGPathElement | null {
  const path = parent.querySelector<SVGPathElement>(':scope > .gb-crosses');
  if (!wanted) path?.remove();
  if (!wanted) return null;
  const drawn = path ?? s('path', { class: 'gb-crosses' });
  parent.append(drawn);
  return drawn;
}

/** Join a block's cells into `parent` as bare rectangles. */
export function drawCompact(parent: Element, cells: readonly CellBox[], hue: Hue, pen: Pen) {
  const item = { role: 'treeitem', tabindex: -1, 'aria-level': 3, 'data-act': 'ablate', 'data-hue': hue, rx: 1.5 };
  const rects = join(parent, 'rect', cells, () => s('rect', item));
  for (const [rect, { address, x, y, w, h }] of rects) {
    attr(rect, { 'data-address': address, 'aria-label': address, x, y, width: w, height: h });
  }
  const path = crossesIn(parent, cells.length > 0);
  const crosses = cells.map(crossOf);
  return {
    paint(look: Look): void {
      if (path) put(path, 'd', crossesOf(cells, crosses, look));
      for (const [rect, cell] of rects) paintRect(rect, cell, look, pen);
    },
  };
}

function paintRect(rect: SVGRectElement, cell: CellBox, look: Look, pen: Pen): void {
  const cut = look.cut(cell.address) !== null;
  const paint = cut ? null : fillOf(look, cell.address);
  put(rect, 'class', classOf(cell, look, pen, cut, paint !== null));
  setFill(rect, cut ? `url(#${pen.uid}-hatch)` : (paint?.fill ?? ''));
  if (look.live) put(rect, 'aria-checked', String(look.ablated(cell.address) !== null));
}
