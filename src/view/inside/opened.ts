/** Blocks that can be opened: a button at their corner, and of the one that is open its inside, on a plain ground. */
import type { BlockBox, Line } from '../../layout';
import type { InsideScene } from '../../layout/inside';
import { endsOf, leadOf } from '../../layout/inside/leads';
import { attr, nth, s, setText } from '../dom';
import { join } from '../join';
import { drawInside } from './draw';

const OUT = 'M0.6,-3.4 H3.4 V-0.6 M3.4,-3.4 L0.8,-0.8 M-0.6,3.4 H-3.4 V0.6 M-3.4,3.4 L-0.8,0.8';
const BACK = 'M3.6,-0.9 H0.9 V-3.6 M0.9,-0.9 L3.6,-3.6 M-3.6,0.9 H-0.9 V3.6 M-0.9,0.9 L-3.6,3.6';

function makeOpener(): SVGGElement {
  return s(
    'g',
    { class: 'gb-opener', 'aria-hidden': 'true', 'data-act': 'open' },
    s('circle', { class: 'gb-opener-room', r: 12 }),
    s('circle', { class: 'gb-opener-button', r: 7.5 }),
    s('path'),
    s('title'),
  );
}

/** The buttons. They are for the pointer: with the keyboard it is a key, which the block itself says. */
export function drawOpeners(layer: Element, boxes: readonly BlockBox[]): void {
  const can = boxes.filter(({ opener }) => opener !== null);
  for (const [group, { address, hue, opener, inside }] of join(layer, 'g', can, makeOpener)) {
    const transform = `translate(${opener?.x ?? 0},${opener?.y ?? 0})`;
    attr(group, { 'data-address': address, 'data-hue': hue, transform });
    attr(nth(group, 2), { d: inside ? BACK : OUT });
    setText(nth(group, 3), inside ? 'Close (O)' : 'Show what is inside (O)');
  }
}

/** From the edge of the block to what it reads, and from what it makes to the edge. */
function leads(scene: InsideScene, { side, reads, plus }: Line): SVGElement[] {
  // The stream is on the other side of a block than the one that it is on.
  const near = side === -1 ? 1 : -1;
  const { input, output } = endsOf(scene);
  // What other blocks feed it, or it feeds them, comes and goes elsewhere.
  const met = [reads && leadOf(scene, input, near), plus && leadOf(scene, output, near)];
  return met.flatMap((lead) =>
    lead ? [s('path', { class: 'gb-flow-line', d: `M${lead.from},${lead.y} H${lead.to + 8 * near}` })] : [],
  );
}

/** What each open block was drawn with. */
const drawn = new WeakMap<Element, InsideScene>();

/** Insides of the blocks that are open; one at a time on a page. */
export function drawOpened(layer: Element, boxes: readonly BlockBox[], lines: readonly Line[]): void {
  const open = boxes.flatMap(({ inside, address, hue, key }) => {
    const line = lines.find((one) => one.address === address);
    return inside && line ? [{ inside, address, hue, key, line }] : [];
  });
  for (const [group, { inside, hue, address, line }] of join(layer, 'g', open, () => s('g', { class: 'gb-opened' }))) {
    const { x, y, scene, of } = inside;
    attr(group, { 'data-hue': hue, transform: `translate(${x},${y})` });
    if (drawn.get(group) === scene) continue;
    drawn.set(group, scene);
    const ground = { x: -4, y: -4, width: scene.width + 8, height: scene.height + 8, rx: 6 };
    group.replaceChildren(
      s('rect', { class: 'gb-opened-ground', ...ground }),
      ...leads(scene, line),
      drawInside(scene, of, `Inside of ${address}`),
    );
  }
}
