/** The additions: a plus on the stream, and a needle for the cosine between the update and the stream. */
import type { Line } from '../layout';
import { attr, nth, put, s, write } from './dom';
import { join } from './join';
import type { Look } from './look';

const R = 8;
const DIAL = R + 10;

interface Plus {
  readonly key: string;
  readonly x: number;
  readonly y: number;
  readonly address: string;
  /** Away from the branch. */
  readonly away: -1 | 1;
  /** By what is multiplied what is added. */
  readonly scale: string;
  /** On which side that stands by which what is added is multiplied. */
  readonly scaleSide: -1 | 1;
}

/** Branches that are added at one place share a plus. Needles of both would cover the wires: the first alone has one. */
function plusesOf(lines: readonly Line[]): Plus[] {
  const at = new Map<number, Plus>();
  for (const { key, address, side, plus, scale, scaleSide } of lines) {
    if (!plus) continue;
    const away = side === 1 ? -1 : 1;
    if (!at.has(plus.y)) at.set(plus.y, { key, x: plus.x, y: plus.y, address, away, scale, scaleSide });
  }
  return [...at.values()];
}

function needlePath({ x, y, address, away }: Plus, look: Look): string {
  const update = look.update(address);
  if (!update || Number.isNaN(update.cosine) || look.cut(address)) return '';
  const angle = Math.acos(Math.max(-1, Math.min(1, update.cosine)));
  const [dx, dy] = [away * Math.sin(angle), -Math.cos(angle)];
  return `M${x + dx * R},${y + dy * R} L${x + dx * (R + 12)},${y + dy * (R + 12)}`;
}

function makePlus(): SVGGElement {
  return s(
    'g',
    { class: 'gb-plus' },
    s('path', { class: 'gb-dial' }),
    s('path', { class: 'gb-needle' }),
    s('circle', { r: R }),
    s('path', { class: 'gb-cross', d: 'M-4,0 H4 M0,-4 V4' }),
    s('text', { class: 'gb-small' }),
  );
}

function drawPlus(group: SVGGElement, { x, y, away, scale, scaleSide }: Plus, live: boolean): void {
  const sweep = away === 1 ? 1 : 0;
  attr(nth(group, 0), { d: live && `M${x},${y - DIAL} A${DIAL},${DIAL} 0 0 ${sweep} ${x},${y + DIAL}` });
  attr(nth(group, 2), { cx: x, cy: y });
  attr(nth(group, 3), { transform: `translate(${x},${y})` });
  attr(nth(group, 4), { 'text-anchor': scaleSide === -1 ? 'end' : 'start' });
  write(nth(group, 4), x + scaleSide * 14, y - 12, scale);
}

export function drawPluses(layer: Element, lines: readonly Line[], live: boolean): { paint(look: Look): void } {
  const pluses = join(layer, 'g', plusesOf(lines), makePlus);
  for (const [group, plus] of pluses) drawPlus(group, plus, live);
  return {
    paint(look) {
      for (const [group, plus] of pluses) put(nth(group, 1), 'd', needlePath(plus, look));
    },
  };
}
