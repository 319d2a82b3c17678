/** The residual stream, norms across it and across wires, and what is at its ends. */
import { select } from 'd3-selection';
import type { EndBox, Scene, Tick } from '../layout';
import type { Pen } from './context';
import { s, setText } from './dom';
import { frameNodes, joinHits, paintFrame, paintRing, placeFrame } from './hit';
import type { Look } from './look';

const ACROSS = { wire: { w: 4, h: 14 }, stream: { w: 26, h: 4 } };

export function drawSpines(layer: Element, scene: Scene): void {
  const groups = select(layer)
    .selectAll<SVGGElement, Scene['spines'][number]>(':scope > g')
    .data(scene.spines, (spine) => spine.key)
    .join((enter) => {
      const group = enter.append('g').attr('class', 'gb-spine');
      group.append('line');
      group.append('path');
      group.append('text').attr('class', 'gb-heading');
      return group;
    });
  groups
    .select('line')
    .attr('x1', (one) => one.x)
    .attr('x2', (one) => one.x)
    .attr('y1', (one) => one.bottom)
    .attr('y2', (one) => one.top)
    .attr('stroke-width', scene.live ? 4 : 3);
  groups
    .select('path')
    .attr('d', ({ x, bottom }) => `M${x - 5},${bottom - 4} L${x},${bottom - 12} L${x + 5},${bottom - 4} Z`);
  groups
    .select('text')
    .attr('x', 0)
    .attr('y', (one) => one.top + 14)
    .text((one) => one.label);
}

function buildTick(group: SVGGElement): void {
  group.append(s('title'), s('rect', { rx: 1 }), s('text', { class: 'gb-small' }));
}

/** Norms do not take part in the tree: they are looked at with the mouse, and listed in the layer's details. */
export function drawTicks(layer: Element, ticks: readonly Tick[]): void {
  select(layer)
    .selectAll<SVGGElement, Tick>(':scope > g')
    .data(ticks, (tick) => tick.key)
    .join((enter) =>
      enter
        .append('g')
        .attr('class', 'gb-tick')
        .attr('data-act', 'select')
        .each(function () {
          buildTick(this);
        }),
    )
    .attr('data-address', (tick) => tick.address)
    .each(function (tick) {
      const [title, rect, text] = [this.querySelector('title'), this.querySelector('rect'), this.querySelector('text')];
      const { w, h } = ACROSS[tick.across];
      if (!title || !rect || !text) return;
      setText(title, tick.address);
      const place = { x: tick.x - w / 2, y: tick.y - h / 2, width: w, height: h };
      for (const [name, value] of Object.entries(place)) rect.setAttribute(name, String(value));
      const under = tick.labelAt === 'under';
      text.setAttribute('x', String(under ? tick.x : tick.x + 20));
      text.setAttribute('y', String(under ? tick.y + 20 : tick.y + 4));
      text.setAttribute('text-anchor', under ? 'middle' : 'start');
      setText(text, tick.labelAt === 'none' ? '' : tick.label);
    });
}

function buildEnd(group: SVGGElement): void {
  const texts = ['gb-name', 'gb-type', 'gb-number'].map((name) => s('text', { class: name }));
  frameNodes(group, 6, texts);
}

export function drawEnds(layer: Element, ends: readonly EndBox[], pen: Pen): { paint(look: Look): void } {
  const hits = joinHits(layer, ends, { class: 'gb-end', act: 'select', level: 1, build: buildEnd });
  hits.each(function (end) {
    placeFrame(this, end);
    this.classList.toggle('gb-phantom', end.phantom);
    const [name, type, number] = [...this.querySelectorAll('text')];
    if (!name || !type || !number) return;
    for (const text of [name, number]) text.setAttribute('y', String(end.y + 19));
    name.setAttribute('x', String(end.x + 12));
    type.setAttribute('x', String(end.x + 12 + (end.tall ? 0 : pen.measure(end.name, 12, 600) + 7)));
    type.setAttribute('y', String(end.y + (end.tall ? 36 : 19)));
    number.setAttribute('x', String(end.x + end.w - 12));
    number.setAttribute('text-anchor', 'end');
    setText(name, end.name);
    setText(type, end.type);
    setText(number, end.params);
  });
  return {
    paint(look) {
      hits.each(function (end) {
        paintFrame(this, end, look, pen, [end.address, end.kind].filter((words) => words !== '').join(', '));
        if (end.last) paintRing(this, end, look.moved, look.wave(end.address));
      });
    },
  };
}
