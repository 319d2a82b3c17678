/** The strip: every layer as a cell with a field for each kind of its blocks. It is a slider: its value is the layer that a card shows. */
import type { Card, Fan, Scene, Strip, StripCell } from '../layout';
import type { Pen } from './context';
import { attr, nth, put, s, setFill, setText, write } from './dom';
import { take } from './events';
import { describeState, fillOf } from './hit';
import { datumOf, join } from './join';
import type { Look } from './look';

export function drawFans(layer: Element, fans: readonly Fan[]): void {
  for (const [path, { hue, points }] of join(layer, 'path', fans, () => s('path', { class: 'gb-fan' }))) {
    attr(path, { 'data-hue': hue, d: `M${points.map(({ x, y }) => `${x},${y}`).join(' L')} Z` });
  }
}

/** Bind the card of a layer's group to that layer, and look at it. */
function bindTo(pen: Pen, cell: StripCell): void {
  pen.state.set({ bound: { ...pen.state.value.bound, [cell.group]: cell.index }, selected: cell.address });
}

/** The cells of the layers that cards show, by the first layer of each. */
function shownCells(strip: Strip, cards: readonly Card[]): Set<number> {
  const indices = cards.filter((card) => card.stack === strip.stack).map((card) => card.index);
  const holds = (cell: StripCell) => indices.some((index) => cell.index <= index && index <= cell.last);
  return new Set(strip.cells.filter(holds).map((cell) => cell.index));
}

function keyed(strip: Strip, pen: Pen): (event: KeyboardEvent) => void {
  const steps: Record<string, number> = {
    ArrowUp: 1,
    ArrowRight: 1,
    ArrowDown: -1,
    ArrowLeft: -1,
    PageUp: 10,
    PageDown: -10,
  };
  return (event) => {
    const step = steps[event.key] ?? (event.key === 'Home' ? -1e6 : event.key === 'End' ? 1e6 : 0);
    if (step === 0) return;
    take(event);
    const current = strip.cells.findIndex((cell) => cell.address === pen.state.value.selected);
    const cell = strip.cells[Math.max(0, Math.min(strip.cells.length - 1, Math.max(0, current) + step))];
    if (cell) bindTo(pen, cell);
  };
}

function makeCell(): SVGGElement {
  const label = s('text', { class: 'gb-small', 'text-anchor': 'end' });
  return s('g', { class: 'gb-layer', 'aria-hidden': 'true' }, s('title'), label);
}

/** A field for each kind of its blocks, and one ring around all: a ring around each would hide what is in it. */
function drawFields(group: SVGGElement, cell: StripCell, shown: boolean): void {
  const { x, y, w, h, fields } = cell;
  const each = w / Math.max(1, fields.length);
  const wide = each - (fields.length > 1 ? 0.75 : 0);
  const height = Math.max(1, h - 1.5);
  join(group, 'rect', fields, () => s('rect')).forEach(([rect, { hue, narrow }], i) => {
    const place = { x: x + i * each + (narrow ? wide / 2 : 0), y: y + 0.5, width: narrow ? wide / 2 : wide, height };
    attr(rect, { 'data-hue': hue, ...place });
  });
  for (const [ring] of join(group, 'path', shown ? [cell] : [], () => s('path'))) {
    attr(ring, { d: `M${x},${y + 0.5} h${w} v${height} h${-w} Z` });
  }
}

function drawCells(group: SVGGElement, strip: Strip, shown: ReadonlySet<number>, pen: Pen): void {
  for (const [node, cell] of join(group, 'g', strip.cells, makeCell)) {
    const { address, index, last } = cell;
    attr(node, { 'data-layer': address });
    node.classList.toggle('gb-shown', shown.has(index));
    setText(nth(node, 0), last > index ? `${address} to L${last}` : address);
    write(nth(node, 1), cell.x - 6, cell.y + cell.h / 2 + 4, labelOf(cell, shown));
    drawFields(node, cell, shown.has(index));
    node.onclick = () => bindTo(pen, cell);
  }
}

/** A shown layer's number takes precedence over the regular ones that it would touch. */
function labelOf(cell: StripCell, shown: ReadonlySet<number>): string {
  if (shown.has(cell.index)) return String(cell.index);
  const run = cell.last - cell.index + 1;
  const near = [...shown].some((index) => (Math.abs(index - cell.index) / run) * cell.h < 13);
  return near ? '' : cell.label;
}

/** A pointer beside each layer in which something is ablated: filled where nothing of it is left. */
function paintMarks(group: SVGGElement, strip: Strip, look: Look): void {
  const layersOf = ({ address, index, last }: StripCell) =>
    Array.from({ length: last - index + 1 }, (_, i) => address.replace(/\d+$/, String(index + i)));
  const marked = look.interventions.length > 0 ? strip.cells.filter((cell) => layersOf(cell).some(look.touched)) : [];
  const whole = (cell: StripCell) => cell.fields.every((field) => look.cut(field.address) !== null);
  const pointer = ({ x, y, w, h }: StripCell) => {
    const [tip, middle, half] = [x + w + 2, y + h / 2, Math.max(3, Math.min(4.5, h / 2))];
    return `M${tip},${middle} L${tip + 6},${middle - half} V${middle + half} Z`;
  };
  for (const [path, cell] of join(group, 'path', marked, () => s('path', { class: 'gb-strip-mark' }))) {
    path.classList.toggle('gb-whole', whole(cell));
    attr(path, { d: pointer(cell) });
  }
}

/** The fields of a strip with their addresses: they are painted at each frame, hundreds of them. */
function fieldsIn(group: SVGGElement): [SVGRectElement, string][] {
  const rects = [...group.querySelectorAll<SVGRectElement>('.gb-layer rect')];
  return rects.map((rect) => [rect, datumOf<StripCell['fields'][number]>(rect)?.address ?? '']);
}

function paintField(field: SVGRectElement, address: string, look: Look, pen: Pen): void {
  const cut = look.cut(address);
  const fill = fillOf(look, address)?.fill ?? '';
  const state = cut !== null ? 'gb-cut' : look.touched(address) ? 'gb-edited' : '';
  put(field, 'class', fill !== '' && cut === null ? `gb-measured ${state}` : state);
  setFill(field, cut ? `url(#${pen.uid}-hatch)` : fill);
}

function makeStrip(): SVGGElement {
  return s('g', {
    class: 'gb-strip',
    role: 'slider',
    tabindex: 0,
    'aria-orientation': 'vertical',
    'aria-label': 'Layer that is shown',
    'aria-valuemin': 0,
  });
}

/** Where the slider is, in words. */
function paintValue(group: SVGGElement, { cells }: Strip, look: Look, { state }: Pen): void {
  const { selected } = state.value;
  const current = cells.find((cell) => cell.address === selected) ?? cells[0];
  const words = current ? [current.address, current.title, describeState(look, current.address)] : [];
  put(group, 'aria-valuenow', current?.index ?? 0);
  put(group, 'aria-valuetext', words.filter((word) => word !== '').join(', '));
}

export function drawStrips(layer: Element, scene: Scene, pen: Pen): { paint(look: Look): void } {
  const strips = join(layer, 'g', scene.strips, makeStrip).map(([group, strip]) => {
    drawCells(group, strip, shownCells(strip, scene.cards), pen);
    group.onkeydown = keyed(strip, pen);
    attr(group, { 'aria-valuemax': strip.cells.at(-1)?.index ?? 0 });
    return { group, strip, fields: fieldsIn(group) };
  });
  let marked: Look['interventions'] | null = null;
  let shows: Look['shows'] | null = null;
  return {
    paint(look) {
      const again = marked !== look.interventions || shows !== look.shows;
      [marked, shows] = [look.interventions, look.shows];
      for (const { group, strip, fields } of strips) {
        if (again) paintMarks(group, strip, look);
        paintValue(group, strip, look, pen);
        for (const [field, address] of fields) paintField(field, address, look, pen);
      }
    },
  };
}
