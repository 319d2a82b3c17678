/** Cards behind the blocks, and the layer's name: a chip beside a card, or a stepper in one that stands for many. */
import { select } from 'd3-selection';
import type { Card, Rect, Words } from '../layout';
import type { Pen } from './context';
import { s, setText } from './dom';
import { frameNodes, joinHits, paintFrame, placeFrame } from './hit';
import type { Look } from './look';

interface ChipHit extends Rect {
  readonly key: string;
  readonly address: string;
  readonly card: Card;
}

function buildChip(group: SVGGElement): void {
  frameNodes(group, 6, [s('text', { class: 'gb-name', 'text-anchor': 'middle' })]);
}

interface Step {
  readonly key: string;
  readonly card: Card;
  readonly step: -1 | 1;
}

/** Arrows on either side of a folded card's layer name. */
function drawSteppers(node: Element, cards: readonly Card[], pen: Pen): void {
  const folded = cards.filter((card) => card.folded && card.layers.length > 1);
  select(node)
    .selectAll<SVGGElement, Step>('g')
    .data(
      folded.flatMap((card): Step[] => [
        { key: `${card.key}-`, card, step: -1 },
        { key: `${card.key}+`, card, step: 1 },
      ]),
      (one) => one.key,
    )
    .join((enter) => {
      const group = enter.append('g').attr('class', 'gb-step').attr('aria-hidden', 'true');
      group.append('rect').attr('rx', 6);
      group.append('path');
      return group;
    })
    .each(function ({ card, step }) {
      const { x, y, w, h } = card.chip;
      const [rect, path] = [this.querySelector('rect'), this.querySelector('path')];
      rect?.setAttribute('x', String(step < 0 ? x : x + w - 24));
      rect?.setAttribute('y', String(y));
      rect?.setAttribute('width', '24');
      rect?.setAttribute('height', String(h));
      const [cx, cy, d] = [step < 0 ? x + 12 : x + w - 12, y + h / 2, step * 2];
      path?.setAttribute('d', `M${cx - d},${cy - 4} L${cx + d},${cy} L${cx - d},${cy + 4}`);
      this.onclick = (event) => {
        event.stopPropagation();
        bindLayer(pen, card, step);
      };
    });
}

/** Bind a folded card to the layer that many steps on. */
export function bindLayer(pen: Pen, card: Card, step: number): void {
  const at = card.layers.indexOf(card.index) + step;
  const index = card.layers[Math.max(0, Math.min(card.layers.length - 1, at))];
  if (index === undefined || index === card.index) return;
  pen.state.set({ bound: { ...pen.state.value.bound, [card.group]: index } });
}

/** Write what layers are called: from afar there is less room for it. */
export function nameCards(diagram: Element, far: boolean): void {
  select(diagram)
    .selectAll<SVGTextElement, Card>('.gb-card > .gb-heading')
    .text((card) => (card.folded ? (far ? card.brief : card.title) : ''));
}

export function drawCards(back: Element, front: Element, cards: readonly Card[], pen: Pen) {
  const groups = select(back)
    .selectAll<SVGGElement, Card>(':scope > g')
    .data(cards, (card) => card.key)
    .join((enter) => {
      const group = enter.append('g').attr('class', 'gb-card');
      group.append('rect').attr('rx', 10);
      group.append('text').attr('class', 'gb-heading');
      group.append('text').attr('class', 'gb-small');
      return group;
    });
  groups.classed('gb-unused', (c) => c.unused);
  groups
    .select('rect')
    .attr('x', (c) => c.x)
    .attr('y', (c) => c.y)
    .attr('width', (c) => c.w)
    .attr('height', (c) => c.h);
  groups
    .select('.gb-heading')
    .attr('x', (c) => c.head.x)
    .attr('y', (c) => c.y + 22)
    .text((c) => (c.folded ? c.title : ''));
  groups
    .select('.gb-small')
    .attr('x', (c) => c.head.x)
    .attr('y', (c) => c.y + 38)
    .text((c) => (c.folded ? c.subtitle : ''));
  groups.each(function (card) {
    select(this)
      .selectAll<SVGTextElement, Words>('.gb-fact')
      .data(card.facts)
      .join('text')
      .attr('class', 'gb-small gb-fact')
      .attr('x', (fact) => fact.x)
      .attr('y', (fact) => fact.y)
      .text((fact) => fact.text);
  });
  const hits = cards.map((card): ChipHit => ({ ...card.chip, key: card.key, address: card.address, card }));
  const chips = joinHits(front, hits, { class: 'gb-layer-name', act: 'select', level: 1, build: buildChip });
  chips.each(function ({ card }) {
    placeFrame(this, card.chip);
    const name = this.querySelector('.gb-name') as Element;
    name.setAttribute('x', String(card.chip.x + card.chip.w / 2));
    name.setAttribute('y', String(card.chip.y + card.chip.h / 2 + 4));
    setText(name, `L${card.index}`);
  });
  drawSteppers(
    front.querySelector(':scope > .gb-steps') ?? front.appendChild(s('g', { class: 'gb-steps' })),
    cards,
    pen,
  );
  return {
    paint(look: Look) {
      chips.each(function (hit) {
        paintFrame(this, hit, look, pen, `layer ${hit.address}`);
      });
    },
  };
}
