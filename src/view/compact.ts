/**
 * Heads and experts by the hundred: one rectangle each and nothing else, so that 256 experts cost 256 nodes. What a
 * labelled cell shows around itself, a rectangle shows on its own edge.
 */
import { select } from 'd3-selection';
import type { CellBox } from '../layout';
import type { Hue } from '../layout/kinds';
import type { Pen } from './context';
import { put } from './dom';
import { CHANGED, fillOf } from './hit';
import type { Look } from './look';

function classOf(cell: CellBox, look: Look, pen: Pen, cut: boolean, measured: boolean): string {
  const marks = [
    cut && 'gb-cut',
    !cut && look.ablated(cell.address) !== null && 'gb-edited',
    measured && 'gb-measured',
    !cut && look.change(cell.address) > CHANGED && 'gb-on',
    look.pending(cell.address) !== undefined && 'gb-pending',
    (pen.state.value.selected === cell.address || pen.state.value.chosen.includes(cell.address)) && 'gb-selected',
  ];
  return ['gb-hit gb-compact', ...marks.filter((mark) => mark !== false)].join(' ');
}

/** Join a block's cells into `parent` as bare rectangles. */
export function drawCompact(parent: Element, cells: readonly CellBox[], hue: Hue, pen: Pen) {
  const rects = select(parent)
    .selectAll<SVGRectElement, CellBox>(':scope > rect')
    .data(cells, (cell) => cell.key)
    .join((enter) =>
      enter
        .append('rect')
        .attr('role', 'treeitem')
        .attr('tabindex', -1)
        .attr('aria-level', 3)
        .attr('data-act', 'ablate')
        .attr('data-hue', hue)
        .attr('rx', 1.5),
    )
    .attr('data-address', (cell) => cell.address)
    .attr('aria-label', (cell) => cell.address)
    .attr('x', (cell) => cell.x)
    .attr('y', (cell) => cell.y)
    .attr('width', (cell) => cell.w)
    .attr('height', (cell) => cell.h);
  return {
    paint(look: Look): void {
      rects.each(function (cell) {
        const cut = look.cut(cell.address) !== null;
        const paint = cut ? null : fillOf(look, cell.address);
        put(this, 'class', classOf(cell, look, pen, cut, paint !== null));
        const fill = cut ? `url(#${pen.uid}-hatch)` : (paint?.fill ?? '');
        put(this, 'style', fill === '' ? '' : `fill:${fill}`);
        if (look.live) put(this, 'aria-checked', String(look.ablated(cell.address) !== null));
      });
    },
  };
}
