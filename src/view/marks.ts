/** What a search names, marked in the diagram: a bar beside each of its layers in the strip, a frame around its blocks. */
import type { Scene, StripCell } from '../layout';
import type { Marks } from '../layout/search';
import { s } from './dom';
import { datumOf } from './join';

function markStrip(svg: SVGSVGElement, marks: Marks | null): void {
  for (const group of svg.querySelectorAll<SVGGElement>('.gb-strip')) {
    group.classList.toggle('gb-marking', marks !== null);
    for (const node of group.querySelectorAll<SVGGElement>('.gb-layer')) {
      const cell = datumOf<StripCell>(node);
      const found = cell !== undefined && (marks?.groups.has(cell.group) ?? false);
      node.classList.toggle('gb-found', found);
      node.querySelector('.gb-found-bar')?.remove();
      if (!found) continue;
      const [x, y1, y2] = [cell.x + cell.w + 4, cell.y + 0.5, cell.y + Math.max(1.5, cell.h - 1)];
      node.append(s('line', { class: 'gb-found-bar', x1: x, x2: x, y1, y2 }));
    }
  }
}

/** Addresses of the shown blocks that a search names. */
function shown(scene: Scene, marks: Marks): Set<string> {
  const inside = scene.cards.flatMap((card) => {
    const names = marks.groups.get(card.group);
    return names ? [...names].map((name) => `${card.address}.${name}`) : [];
  });
  return new Set([...inside, ...marks.outside]);
}

export function paintMarks(svg: SVGSVGElement, scene: Scene, marks: Marks | null): void {
  markStrip(svg, marks);
  const found = marks ? shown(scene, marks) : null;
  for (const node of svg.querySelectorAll<SVGElement>('.gb-hit:not(.gb-cell, .gb-compact)')) {
    node.classList.toggle('gb-found', found?.has(node.dataset.address ?? '') ?? false);
  }
}
