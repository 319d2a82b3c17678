/** Edges between stacks: a line aside and up, an arrow at each place where it arrives, and what it is in words. */
import type { Arrival, EdgeLine, Point } from '../layout';
import { attr, nth, s, setText, write } from './dom';
import { join } from './join';

/** Half of the bow with which a line goes over another one. */
const BOW = 6;
/** Radius of a turn, where there is room for it. */
const TURN = 10;

/** A line through points, its corners rounded. */
function rounded(points: readonly Point[]): string {
  return points
    .map((at, i) => {
      const [before, after] = [points[i - 1], points[i + 1]];
      if (!before) return `M${at.x},${at.y}`;
      if (!after) return `L${at.x},${at.y}`;
      const lengths = [before, after].map(({ x, y }) => Math.hypot(x - at.x, y - at.y));
      const turn = Math.min(TURN, ...lengths.map((length) => length / 2));
      const [from, to] = [before, after].map(({ x, y }, side) => {
        const share = turn / (lengths[side] || 1);
        return `${at.x + (x - at.x) * share},${at.y + (y - at.y) * share}`;
      });
      return `L${from} Q${at.x},${at.y} ${to}`;
    })
    .join(' ');
}

/** Up the rail; the highest arrival takes its last turn. */
function trunk({ trunk: points, ends }: EdgeLine): string {
  const last = points.at(-1);
  const rail = points.at(-2);
  if (ends.length === 0 || !last || !rail || rail.y - last.y < 2 * TURN) return rounded(points);
  return rounded([...points.slice(0, -1), { x: last.x, y: last.y + TURN }]);
}

/** From the rail to where it arrives. */
function arrival({ from, to, over }: Arrival): string {
  const turn = `M${from.x},${from.y + TURN} q0,${-TURN} ${-TURN},${-TURN}`;
  if (over === null) return `${turn} H${to.x}`;
  return `${turn} H${over + BOW} a${BOW},${BOW} 0 0 0 ${-2 * BOW},0 H${to.x}`;
}

/** An arrow's head that points left. */
const head = ({ x, y }: Point) => `M${x + 8},${y - 4.5} L${x},${y} L${x + 8},${y + 4.5} Z`;

function makeEdge(): SVGGElement {
  return s(
    'g',
    { class: 'gb-between' },
    s('path', { class: 'gb-between-line' }),
    s('path', { class: 'gb-between-head' }),
    s('text', { class: 'gb-small' }),
    s('title'),
  );
}

export function drawEdges(layer: Element, edges: readonly EdgeLine[]): void {
  for (const [group, edge] of join(layer, 'g', edges, makeEdge)) {
    group.classList.toggle('gb-assumed', edge.assumed);
    attr(nth(group, 0), { d: [trunk(edge), ...edge.ends.map(arrival)].join(' ') });
    attr(nth(group, 1), { d: edge.ends.map(({ to }) => head(to)).join(' ') });
    write(nth(group, 2), edge.labelAt.x, edge.labelAt.y, edge.label);
    setText(nth(group, 3), edge.title);
  }
}
