/** The residual stream, norms across it and across wires, and what is at its ends. */
import type { EndBox, Scene, Tick } from '../layout';
import type { Pen } from './context';
import { attr, nth, s, setText, write } from './dom';
import { child, frameNodes, joinHits, paintFrame, paintRing, placeFrame } from './hit';
import { join } from './join';
import type { Look } from './look';

const ACROSS = { wire: { w: 4, h: 14 }, stream: { w: 26, h: 4 } };

function makeSpine(): SVGGElement {
  return s('g', { class: 'gb-spine' }, s('line'), s('path'), s('text', { class: 'gb-heading' }));
}

export function drawSpines(layer: Element, scene: Scene): void {
  for (const [group, { x, top, bottom, label }] of join(layer, 'g', scene.spines, makeSpine)) {
    attr(nth(group, 0), { x1: x, x2: x, y1: bottom, y2: top, 'stroke-width': scene.live ? 4 : 3 });
    attr(nth(group, 1), { d: `M${x - 5},${bottom - 4} L${x},${bottom - 12} L${x + 5},${bottom - 4} Z` });
    write(nth(group, 2), 0, top + 14, label);
  }
}

function makeTick(): SVGGElement {
  const parts = [s('title'), s('rect', { rx: 1 }), s('text', { class: 'gb-small' })];
  return s('g', { class: 'gb-tick', 'data-act': 'select' }, ...parts);
}

/** Norms do not take part in the tree: they are looked at with the mouse, and listed in the layer's details. */
export function drawTicks(layer: Element, ticks: readonly Tick[]): void {
  for (const [group, { address, across, x, y, label, labelAt }] of join(layer, 'g', ticks, makeTick)) {
    const { w, h } = ACROSS[across];
    attr(group, { 'data-address': address });
    setText(nth(group, 0), address);
    attr(nth(group, 1), { x: x - w / 2, y: y - h / 2, width: w, height: h });
    const under = labelAt === 'under';
    attr(nth(group, 2), { 'text-anchor': under ? 'middle' : 'start' });
    write(nth(group, 2), under ? x : x + 20, under ? y + 20 : y + 4, labelAt === 'none' ? '' : label);
  }
}

function buildEnd(group: SVGGElement): void {
  const texts = ['gb-name', 'gb-type', 'gb-number'].map((name) => s('text', { class: name }));
  frameNodes(group, 6, texts);
}

function drawEnd(group: SVGGElement, end: EndBox, pen: Pen): void {
  placeFrame(group, end);
  group.classList.toggle('gb-phantom', end.phantom);
  const beside = end.tall ? 0 : pen.measure(end.name, 12, 600) + 7;
  write(child(group, 'gb-name'), end.x + 12, end.y + 19, end.name);
  write(child(group, 'gb-type'), end.x + 12 + beside, end.y + (end.tall ? 36 : 19), end.type);
  write(child(group, 'gb-number'), end.x + end.w - 12, end.y + 19, end.params);
  attr(child(group, 'gb-number'), { 'text-anchor': 'end' });
}

export function drawEnds(layer: Element, ends: readonly EndBox[], pen: Pen): { paint(look: Look): void } {
  const hits = joinHits(layer, ends, { class: 'gb-end', act: 'select', level: 1, build: buildEnd });
  for (const [group, end] of hits) drawEnd(group, end, pen);
  return {
    paint(look) {
      for (const [group, end] of hits) {
        paintFrame(group, end, look, pen, [end.address, end.kind].filter((words) => words !== '').join(', '));
        if (end.last) paintRing(group, end, look.moved, look.wave(end.address));
      }
    },
  };
}
