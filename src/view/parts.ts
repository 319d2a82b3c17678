/** Parts of a block in boxes of their own: what chooses experts, one of those that are chosen, and the one that always works. */
import type { PartBox } from '../layout';
import type { Pen } from './context';
import { s, write } from './dom';
import { frameNodes, joinHits, paintFrame, placeFrame } from './hit';
import type { Look } from './look';

const LINES = 2;

function build(group: SVGGElement): void {
  const lines = Array.from({ length: LINES }, () => s('text', { class: 'gb-line' }));
  frameNodes(group, 4, [
    s('text', { class: 'gb-name' }),
    s('text', { class: 'gb-small', 'text-anchor': 'end' }),
    ...lines,
  ]);
}

/** Join a block's parts into `parent`. */
export function drawParts(parent: Element, parts: readonly PartBox[], pen: Pen): { paint(look: Look): void } {
  const hits = joinHits(parent, parts, { class: 'gb-part', act: 'select', level: 3, build });
  for (const [group, part] of hits) {
    placeFrame(group, part);
    const [name, params, ...lines] = group.querySelectorAll('text');
    if (!name || !params) continue;
    write(name, part.x + 8, part.y + 15, part.name);
    write(params, part.x + part.w - 8, part.y + 15, part.params);
    lines.forEach((line, i) => {
      write(line, part.x + 8, part.y + 30 + i * 14, part.lines[i] ?? '');
    });
  }
  return {
    paint(look) {
      for (const [group, part] of hits) {
        paintFrame(group, part, look, pen, `${part.address}, ${part.params} parameters`);
      }
    },
  };
}
