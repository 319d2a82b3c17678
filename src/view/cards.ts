/** Cards behind the blocks, and the layer's name: a chip beside a card, or a stepper in one that stands for many. */
import type { Card, Rect } from '../layout';
import type { Pen } from './context';
import { attr, nth, s, setText, write } from './dom';
import { child, frameNodes, type Hits, joinHits, paintFrame, placeFrame } from './hit';
import { datumOf, join } from './join';
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
  const steps = folded.flatMap((card): Step[] => [
    { key: `${card.key}-`, card, step: -1 },
    { key: `${card.key}+`, card, step: 1 },
  ]);
  const make = () => s('g', { class: 'gb-step', 'aria-hidden': 'true' }, s('rect', { rx: 6 }), s('path'));
  for (const [group, { card, step }] of join(node, 'g', steps, make)) {
    const { x, y, w, h } = card.chip;
    const [cx, cy, d] = [step < 0 ? x + 12 : x + w - 12, y + h / 2, step * 2];
    attr(nth(group, 0), { x: cx - 12, y, width: 24, height: h });
    attr(nth(group, 1), { d: `M${cx - d},${cy - 4} L${cx + d},${cy} L${cx - d},${cy + 4}` });
    group.onclick = (event) => {
      event.stopPropagation();
      bindLayer(pen, card, step);
    };
  }
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
  for (const group of diagram.querySelectorAll('.gb-card')) {
    const card = datumOf<Card>(group);
    if (card?.folded) setText(nth(group, 1), far ? card.brief : card.title);
  }
}

function makeCard(): SVGGElement {
  const texts = [s('text', { class: 'gb-heading' }), s('text', { class: 'gb-small' })];
  return s('g', { class: 'gb-card' }, s('rect', { rx: 10 }), ...texts);
}

function drawCard(group: SVGGElement, card: Card): void {
  const { x, y, w, h, head, folded } = card;
  group.classList.toggle('gb-unused', card.unused);
  attr(nth(group, 0), { x, y, width: w, height: h });
  write(nth(group, 1), head.x, y + 22, folded ? card.title : '');
  write(nth(group, 2), head.x, y + 38, folded ? card.subtitle : '');
  const facts = join(group, '.gb-fact', card.facts, () => s('text', { class: 'gb-small gb-fact' }));
  for (const [node, fact] of facts) write(node, fact.x, fact.y, fact.text);
}

function drawChips(front: Element, cards: readonly Card[]): Hits<ChipHit> {
  const hits = cards.map((card): ChipHit => ({ ...card.chip, key: card.key, address: card.address, card }));
  const chips = joinHits(front, hits, { class: 'gb-layer-name', act: 'select', level: 1, build: buildChip });
  for (const [group, { card }] of chips) {
    const { x, y, w, h } = card.chip;
    placeFrame(group, card.chip);
    write(child(group, 'gb-name'), x + w / 2, y + h / 2 + 4, `L${card.index}`);
  }
  return chips;
}

export function drawCards(back: Element, front: Element, cards: readonly Card[], pen: Pen) {
  for (const [group, card] of join(back, 'g', cards, makeCard)) drawCard(group, card);
  const chips = drawChips(front, cards);
  const steps = front.querySelector(':scope > .gb-steps') ?? front.appendChild(s('g', { class: 'gb-steps' }));
  drawSteppers(steps, cards, pen);
  return {
    paint(look: Look) {
      for (const [group, hit] of chips) paintFrame(group, hit, look, pen, `layer ${hit.address}`);
    },
  };
}
