/** The strip: every layer as a cell with a field for each kind of its blocks. It is a slider: its value is the layer that a card shows. */
import { select } from 'd3-selection';
import type { Card, Fan, Scene, Strip, StripCell } from '../layout';
import type { Pen } from './context';
import { put, setFill } from './dom';
import { describeState, fillOf } from './hit';
import type { Look } from './look';

export function drawFans(layer: Element, fans: readonly Fan[]): void {
  select(layer)
    .selectAll<SVGPathElement, Fan>('path')
    .data(fans, (fan) => fan.key)
    .join('path')
    .attr('class', 'gb-fan')
    .attr('data-hue', (fan) => fan.hue)
    .attr('d', (fan) => `M${fan.points.map(({ x, y }) => `${x},${y}`).join(' L')} Z`);
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
    event.preventDefault();
    event.stopPropagation();
    const current = strip.cells.findIndex((cell) => cell.address === pen.state.value.selected);
    const cell = strip.cells[Math.max(0, Math.min(strip.cells.length - 1, Math.max(0, current) + step))];
    if (cell) bindTo(pen, cell);
  };
}

function drawCells(group: SVGGElement, strip: Strip, shown: ReadonlySet<number>, pen: Pen): void {
  const cells = select(group)
    .selectAll<SVGGElement, StripCell>(':scope > g')
    .data(strip.cells, (cell) => cell.key)
    .join((enter) => {
      const one = enter.append('g').attr('class', 'gb-layer').attr('aria-hidden', 'true');
      one.append('title');
      one.append('text').attr('class', 'gb-small').attr('text-anchor', 'end');
      return one;
    });
  cells.attr('data-layer', (cell) => cell.address).classed('gb-shown', (cell) => shown.has(cell.index));
  cells.select('title').text((cell) => (cell.last > cell.index ? `${cell.address} to L${cell.last}` : cell.address));
  cells
    .select('text')
    .attr('x', (cell) => cell.x - 6)
    .attr('y', (cell) => cell.y + cell.h / 2 + 4)
    .text((cell) => labelOf(cell, shown));
  cells.each(function (cell) {
    const each = cell.w / Math.max(1, cell.fields.length);
    const wide = each - (cell.fields.length > 1 ? 0.75 : 0);
    select(this)
      .selectAll('rect')
      .data(cell.fields)
      .join('rect')
      .attr('data-hue', (field) => field.hue)
      .attr('x', ({ narrow }, i) => cell.x + i * each + (narrow ? wide / 2 : 0))
      .attr('y', cell.y + 0.5)
      .attr('width', ({ narrow }) => (narrow ? wide / 2 : wide))
      .attr('height', Math.max(1, cell.h - 1.5));
    // One ring around all fields: a ring around each would hide what is in it.
    select(this)
      .selectAll('path')
      .data(shown.has(cell.index) ? [cell] : [])
      .join('path')
      .attr('d', ({ x, y, w, h }) => `M${x},${y + 0.5} h${w} v${Math.max(1, h - 1.5)} h${-w} Z`);
    this.onclick = () => bindTo(pen, cell);
  });
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
  select(group)
    .selectAll<SVGPathElement, StripCell>(':scope > path')
    .data(marked, (cell) => cell.key)
    .join('path')
    .attr('class', 'gb-strip-mark')
    .classed('gb-whole', whole)
    .attr('d', pointer);
}

/** The fields of a strip with their addresses: they are painted at each frame, hundreds of them. */
function fieldsIn(group: SVGGElement): [SVGRectElement, string][] {
  const rects = [...group.querySelectorAll<SVGRectElement>('.gb-layer rect')];
  return rects.map((rect) => [rect, select<SVGRectElement, StripCell['fields'][number]>(rect).datum().address]);
}

function paintField(field: SVGRectElement, address: string, look: Look, pen: Pen): void {
  const cut = look.cut(address);
  const fill = fillOf(look, address)?.fill ?? '';
  const state = cut !== null ? 'gb-cut' : look.touched(address) ? 'gb-edited' : '';
  put(field, 'class', fill !== '' && cut === null ? `gb-measured ${state}` : state);
  setFill(field, cut ? `url(#${pen.uid}-hatch)` : fill);
}

export function drawStrips(layer: Element, scene: Scene, pen: Pen): { paint(look: Look): void } {
  const groups = select(layer)
    .selectAll<SVGGElement, Strip>(':scope > g')
    .data(scene.strips, (strip) => strip.key)
    .join((enter) =>
      enter
        .append('g')
        .attr('class', 'gb-strip')
        .attr('role', 'slider')
        .attr('tabindex', 0)
        .attr('aria-orientation', 'vertical')
        .attr('aria-label', 'Layer that is shown')
        .attr('aria-valuemin', 0),
    );
  const fields = new Map<SVGGElement, [SVGRectElement, string][]>();
  groups.each(function (strip) {
    drawCells(this, strip, shownCells(strip, scene.cards), pen);
    fields.set(this, fieldsIn(this));
    this.onkeydown = keyed(strip, pen);
    this.setAttribute('aria-valuemax', String(strip.cells.length - 1));
  });
  let marked: Look['interventions'] | null = null;
  let shows: Look['shows'] | null = null;
  return {
    paint(look) {
      const again = marked !== look.interventions || shows !== look.shows;
      [marked, shows] = [look.interventions, look.shows];
      groups.each(function (strip) {
        if (again) paintMarks(this, strip, look);
        const { selected } = pen.state.value;
        const current = strip.cells.find((cell) => cell.address === selected) ?? strip.cells[0];
        put(this, 'aria-valuenow', String(current?.index ?? 0));
        const state = current ? describeState(look, current.address) : '';
        put(
          this,
          'aria-valuetext',
          [current?.address ?? '', current?.title ?? '', state].filter((words) => words !== '').join(', '),
        );
        for (const [field, address] of fields.get(this) ?? []) paintField(field, address, look, pen);
      });
    },
  };
}
