/** Two architectures side by side as a group of SVG, and under them a table of the facts in which they differ. */
import { fitting } from '../layout/text';
import { countOf, differing, markDiffering } from '../view/differing';
import { s } from '../view/dom';
import type { Comparison } from '../wire/types.generated';
import { measure } from './metrics';
import { type Panel, type PanelOptions, panelOf } from './panel';
import { INK, words } from './words';

/** Between the two, and between columns of the table. */
const APART = 32;
const LINE = 17;

function sideOf(comparison: Comparison, side: 'a' | 'b', given: PanelOptions): Panel {
  const panel = panelOf(comparison[side], given);
  markDiffering(panel.element, comparison[side], differing(comparison, side));
  return panel;
}

/** The lines of the table: its head, what the facts under it are of (a single cell), and the facts that differ. */
function linesOf({ a, b, rows }: Comparison): string[][] {
  const unlike = rows.filter((row) => !row.same);
  const facts = unlike.flatMap((row, i) => {
    const fact = [row.what, row.left ?? '–', row.right ?? '–'];
    return unlike[i - 1]?.part === row.part ? [fact] : [[row.part], fact];
  });
  return [['fact', a.name, b.name], ...facts];
}

/** Facts that differ, in columns as wide as they need to be, of which the longest share what there is. */
function tableOf(comparison: Comparison, width: number): { nodes: SVGElement[]; height: number } {
  const lines = linesOf(comparison);
  const full = lines.filter((line) => line.length > 1);
  const wanted = [0, 1, 2].map((i) => Math.max(...full.map((line) => measure(line[i] ?? '', 11, 600))));
  const room = width - 2 * APART;
  const fit = wanted.reduce((sum, one) => sum + one, 0) <= room;
  const columns = wanted.map((one) => (fit ? one : Math.min(one, room / 3)));
  const starts = columns.map((_, i) => columns.slice(0, i).reduce((sum, one) => sum + one + APART, 0));
  const nodes = lines.flatMap((line, row) =>
    line.map((text, i) => {
      const heading = row === 0 || line.length === 1;
      const weight = heading ? 600 : 400;
      const shown = fitting([text], line.length === 1 ? width : (columns[i] ?? 0), measure, 11, weight);
      return words(shown, starts[i] ?? 0, row * LINE, heading || i > 0 ? { weight, fill: INK } : {});
    }),
  );
  return { nodes, height: (lines.length - 1) * LINE };
}

export function comparisonOf(comparison: Comparison, given: PanelOptions): Omit<Panel, 'scene'> {
  const [left, right] = [sideOf(comparison, 'a', given), sideOf(comparison, 'b', given)];
  const width = left.width + APART + right.width;
  const tableAt = Math.max(left.height, right.height) + 36;
  right.element.setAttribute('transform', `translate(${left.width + APART},0)`);
  const table = tableOf(comparison, width);
  const element = s(
    'g',
    {},
    left.element,
    right.element,
    s('g', { transform: `translate(0,${tableAt})` }, words(countOf(comparison), 0, 0)),
    s('g', { transform: `translate(0,${tableAt + 26})` }, ...table.nodes),
  );
  return { element, width, height: tableAt + 26 + table.height + 3 };
}
