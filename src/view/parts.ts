/** Parts of a block in boxes of their own: what chooses experts, one of those that are chosen, and the one that always works. */
import type { PartBox } from '../layout';
import type { Pen } from './context';
import { s, setText } from './dom';
import { frameNodes, joinHits, paintFrame, placeFrame } from './hit';
import type { Look } from './look';

const LINES = 2;

function build(group: SVGGElement): void {
  const lines = Array.from({ length: LINES }, () => s('text', { class: 'gb-line' }));
  frameNodes(group, 4, [s('text', { class: 'gb-name' }), s('text', { class: 'gb-small' }), ...lines]);
}

/** Join a block's parts into `parent`. */
export function drawParts(parent: Element, parts: readonly PartBox[], pen: Pen): { paint(look: Look): void } {
  const hits = joinHits(parent, parts, { class: 'gb-part', act: 'select', level: 3, build });
  hits.each(function (part) {
    placeFrame(this, part);
    const [name, params, ...lines] = [...this.querySelectorAll('text')];
    if (!name || !params) return;
    const [left, right] = [part.x + 8, part.x + part.w - 8];
    for (const [text, x, y, words] of [
      [name, left, part.y + 15, part.name],
      [params, right, part.y + 15, part.params],
      ...lines.map((line, i) => [line, left, part.y + 30 + i * 14, part.lines[i] ?? ''] as const),
    ] as const) {
      text.setAttribute('x', String(x));
      text.setAttribute('y', String(y));
      setText(text, words);
    }
    params.setAttribute('text-anchor', 'end');
  });
  return {
    paint(look) {
      hits.each(function (part) {
        paintFrame(this, part, look, pen, `${part.address}, ${part.params} parameters`);
      });
    },
  };
}
