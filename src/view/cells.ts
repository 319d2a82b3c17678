/** Heads and experts. */
import type { CellBox } from '../layout';
import { compact } from '../layout/format';
import type { Hue } from '../layout/kinds';
import type { View } from './context';
import { s, setText } from './dom';
import { fillOf, frameNodes, type Hits, joinHits, paintFrame, placeFrame } from './hit';
import type { Look } from './look';

export type CellHits = Hits<CellBox>;

function build(group: SVGGElement): void {
  frameNodes(group, 3, [
    s('text', { class: 'gb-name', 'text-anchor': 'middle' }),
    s('text', { class: 'gb-value', 'text-anchor': 'middle' }),
  ]);
}

/** Join a block's cells into `parent`. */
export function drawCells(parent: Element, cells: readonly CellBox[], hue: Hue): CellHits {
  const hits = joinHits(parent, cells, { class: 'gb-cell', act: 'ablate', level: 3, build });
  hits.each(function (cell) {
    placeFrame(this, cell, cell.labelled ? 3 : 2);
    this.dataset.hue = hue;
    this.classList.toggle('gb-compact', !cell.labelled);
    for (const rect of this.querySelectorAll(':scope > rect')) rect.setAttribute('rx', cell.labelled ? '4' : '1.5');
    const [name, value] = ['gb-name', 'gb-value'].map((one) => this.querySelector(`.${one}`));
    if (!name || !value) return;
    const middle = String(cell.x + cell.w / 2);
    for (const text of [name, value]) text.setAttribute('x', middle);
    value.setAttribute('y', String(cell.y + 24));
    setText(name, cell.labelled ? cell.name : '');
  });
  return hits;
}

export function paintCells(hits: CellHits, look: Look, view: View): void {
  hits.each(function (cell) {
    const cut = paintFrame(this, cell, look, view, cell.address);
    const paint = cut ? null : fillOf(look, cell.address);
    const body = this.querySelector('.gb-body') as SVGElement;
    body.style.fill = cut ? `url(#${view.uid}-hatch)` : (paint?.fill ?? '');
    this.classList.toggle('gb-measured', paint !== null);
    if (!cell.labelled) return;
    const norm = look.norm(cell.address);
    const written = cut || Number.isNaN(norm) || (look.isExpert(cell.address) && norm === 0) ? '' : compact(norm);
    const [name, value] = [this.querySelector('.gb-name'), this.querySelector('.gb-value')] as SVGElement[];
    if (!name || !value) return;
    name.setAttribute('y', String(written === '' ? cell.y + 18 : cell.y + 12.5));
    setText(value, written);
    name.style.fill = paint?.ink ?? '';
    value.style.fill = paint?.ink ?? '';
  });
}
