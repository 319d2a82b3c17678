/** Edges between stacks: a line aside and up, an arrow at each place where it arrives, and what it is in words. */
import { select } from 'd3-selection';
import type { Arrival, EdgeLine, Point } from '../layout';

const path = (points: readonly Point[]) => `M${points.map(({ x, y }) => `${x},${y}`).join(' L')}`;

/** Half of the bow with which a line goes over another one. */
const BOW = 6;

function arrival({ from, to, over }: Arrival): string {
  if (over === null) return path([from, to]);
  return `M${from.x},${from.y} H${over + BOW} a${BOW},${BOW} 0 0 0 ${-2 * BOW},0 H${to.x}`;
}

/** An arrow's head that points left. */
const head = ({ x, y }: Point) => `M${x + 8},${y - 4.5} L${x},${y} L${x + 8},${y + 4.5} Z`;

export function drawEdges(layer: Element, edges: readonly EdgeLine[]): void {
  const groups = select(layer)
    .selectAll<SVGGElement, EdgeLine>(':scope > g')
    .data(edges, (edge) => edge.key)
    .join((enter) => {
      const group = enter.append('g').attr('class', 'gb-between');
      group.append('path').attr('class', 'gb-between-line');
      group.append('path').attr('class', 'gb-between-head');
      group.append('text').attr('class', 'gb-small');
      group.append('title');
      return group;
    });
  groups.select('title').text((edge) => edge.title);
  groups.classed('gb-assumed', (edge) => edge.assumed);
  groups.select('.gb-between-line').attr('d', (edge) => [path(edge.trunk), ...edge.ends.map(arrival)].join(' '));
  groups.select('.gb-between-head').attr('d', (edge) => edge.ends.map(({ to }) => head(to)).join(' '));
  groups
    .select('text')
    .attr('x', (edge) => edge.labelAt.x)
    .attr('y', (edge) => edge.labelAt.y)
    .text((edge) => edge.label);
}
