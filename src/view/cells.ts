/** Heads and experts. */
import type { CellBox } from '../layout';
import type { Hue } from '../layout/kinds';
import { drawCompact } from './compact';
import type { Pen } from './context';
import { attr, put, s, setFill, setText } from './dom';
import { child, fillOf, frameNodes, joinHits, numberOf, overOf, paintFrame, paintNotch, placeFrame } from './hit';
import type { Look } from './look';

function build(group: SVGGElement): void {
  frameNodes(group, 3, [
    s('text', { class: 'gb-name', 'text-anchor': 'middle' }),
    s('text', { class: 'gb-value', 'text-anchor': 'middle' }),
  ]);
}

export interface CellDrawing {
  paint(look: Look): void;
}

/** Join a block's cells into `parent`: with names where there is room for them, else as bare rectangles. */
export function drawCells(parent: Element, cells: readonly CellBox[], hue: Hue, pen: Pen): CellDrawing {
  const named = cells.filter((cell) => cell.labelled);
  const compact = drawCompact(
    parent,
    cells.filter((cell) => !cell.labelled),
    hue,
    pen,
  );
  const hits = joinHits(parent, named, { class: 'gb-cell', act: 'ablate', level: 3, build });
  for (const [group, cell] of hits) {
    placeFrame(group, cell, 3, 'under');
    attr(group, { 'data-hue': hue });
    const x = cell.x + cell.w / 2;
    attr(child(group, 'gb-name'), { x });
    attr(child(group, 'gb-value'), { x, y: cell.y + 24 });
    setText(child(group, 'gb-name'), cell.name);
  }
  return {
    paint(look) {
      compact.paint(look);
      for (const [group, cell] of hits) paintCell(group, cell, look, pen);
    },
  };
}

function paintCell(group: SVGGElement, cell: CellBox, look: Look, pen: Pen): void {
  const cut = paintFrame(group, cell, look, pen, cell.address);
  const paint = cut ? null : fillOf(look, cell.address);
  setFill(child(group, 'gb-body'), cut ? `url(#${pen.uid}-hatch)` : (paint?.fill ?? ''));
  paintNotch(group, cell, paint ? overOf(look, cell.address) : 0, paint);
  group.classList.toggle('gb-measured', paint !== null);
  const idle = look.isExpert(cell.address) && look.norm(cell.address) === 0;
  const written = cut !== null ? '' : idle ? '×' : numberOf(look, cell.address);
  const [name, value] = [child(group, 'gb-name'), child(group, 'gb-value')];
  put(name, 'y', String(written === '' ? cell.y + cell.h / 2 + 4 : cell.y + 12.5));
  setText(value, written);
  for (const text of [name, value]) setFill(text, paint?.ink ?? '');
}
