/** Blocks that can be opened: a button at their corner, and of the one that is open its inside, on a plain ground. */
import { select } from 'd3-selection';
import type { BlockBox } from '../../layout';
import type { InsideScene } from '../../layout/inside';
import { endsOf, leadOf } from '../../layout/inside/leads';
import { s } from '../dom';
import { drawInside } from './draw';

const OUT = 'M0.6,-3.4 H3.4 V-0.6 M3.4,-3.4 L0.8,-0.8 M-0.6,3.4 H-3.4 V0.6 M-3.4,3.4 L-0.8,0.8';
const BACK = 'M3.6,-0.9 H0.9 V-3.6 M0.9,-0.9 L3.6,-3.6 M-3.6,0.9 H-0.9 V3.6 M-0.9,0.9 L-3.6,3.6';

/** The buttons. They are for the pointer: with the keyboard it is a key, which the block itself says. */
export function drawOpeners(layer: Element, boxes: readonly BlockBox[]): void {
  select(layer)
    .selectAll<SVGGElement, BlockBox>(':scope > g')
    .data(
      boxes.filter(({ opener }) => opener !== null),
      (box) => box.key,
    )
    .join((enter) => {
      const group = enter.append('g').attr('class', 'gb-opener').attr('aria-hidden', 'true').attr('data-act', 'open');
      group.append('circle').attr('class', 'gb-opener-room').attr('r', 12);
      group.append('circle').attr('class', 'gb-opener-button').attr('r', 7.5);
      group.append('path');
      group.append('title');
      return group;
    })
    .attr('data-address', (box) => box.address)
    .attr('data-hue', (box) => box.hue)
    .attr('transform', ({ opener }) => `translate(${opener?.x ?? 0},${opener?.y ?? 0})`)
    .each(function ({ inside }) {
      this.querySelector('path')?.setAttribute('d', inside ? BACK : OUT);
      const title = this.querySelector('title');
      if (title) title.textContent = inside ? 'Close (O)' : 'Show what is inside (O)';
    });
}

/** From the edge of the block to what it reads, and from what it makes to the edge. */
function leads(scene: InsideScene, side: -1 | 1): SVGElement[] {
  // The stream is on the other side of a block than the one that it is on.
  const near = side === -1 ? 1 : -1;
  const { input, output } = endsOf(scene);
  return [leadOf(scene, input, near), leadOf(scene, output, near)].flatMap((lead) =>
    lead ? [s('path', { class: 'gb-flow-line', d: `M${lead.from},${lead.y} H${lead.to + 8 * near}` })] : [],
  );
}

/** Insides of the blocks that are open; one at a time on a page. */
export function drawOpened(layer: Element, boxes: readonly BlockBox[]): void {
  const open = boxes.flatMap(({ inside, address, hue, key, side }) =>
    inside ? [{ inside, address, hue, key, side }] : [],
  );
  select(layer)
    .selectAll<SVGGElement, (typeof open)[number]>(':scope > g')
    .data(open, ({ key }) => key)
    .join((enter) => enter.append('g').attr('class', 'gb-opened'))
    .attr('data-hue', ({ hue }) => hue)
    .attr('transform', ({ inside: { x, y } }) => `translate(${x},${y})`)
    .each(function ({ inside: { scene, of }, address, side }) {
      const { __drawn: drawn } = this as unknown as { __drawn?: unknown };
      if (drawn === scene) return;
      Object.assign(this, { __drawn: scene });
      const ground = { x: -4, y: -4, width: scene.width + 8, height: scene.height + 8, rx: 6 };
      this.replaceChildren(
        s('rect', { class: 'gb-opened-ground', ...ground }),
        ...leads(scene, side),
        drawInside(scene, of, `Inside of ${address}`),
      );
    });
}
