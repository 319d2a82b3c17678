/** The inside of a block, drawn: wires below, steps above. What is here is the same on a page and in a file. */
import type { InsideScene, StepBox, WirePath, Words } from '../../layout/inside';
import type { Inside } from '../../layout/inside/types';
import { s } from '../dom';
import { headPath, ICONS, SIGNS, trapezoidPath, wirePath } from './marks';
import { sentenceOf } from './words';

function wire(one: WirePath): SVGGElement {
  const ends = { 'data-source': one.source, 'data-target': one.target };
  const head = one.head && s('path', { class: 'gb-flow-head', d: headPath(one) });
  return s('g', { class: 'gb-flow', ...ends }, s('path', { class: 'gb-flow-line', d: wirePath(one) }), head);
}

function text({ text: words, x, y, anchor, look }: Words): SVGTextElement {
  return s('text', { class: `gb-op-text gb-said-${look}`, x, y, 'text-anchor': anchor }, words);
}

const rect = ({ x, y, w, h }: StepBox['body'], rx: number, name: string) =>
  s('rect', { class: name, x, y, width: w, height: h, rx });

/** Sheets behind the first of a stack. */
const sheets = (body: StepBox['body']) =>
  [6, 3].map((by) => rect({ ...body, x: body.x + by, y: body.y - by }, 5, 'gb-op-body'));

const ROUNDS: Readonly<Record<StepBox['form'], number>> = {
  bar: 3,
  linear: 2,
  pill: 10,
  sign: 8,
  box: 5,
  loop: 8,
  stack: 5,
  rail: 2,
  plain: 4,
};

function shapes({ form, body, trapezoid, icon, step }: StepBox): (SVGElement | null)[] {
  const middle = `translate(${body.x + body.w / 2},${body.y + body.h / 2})`;
  const picture = ICONS[step.op];
  const sign = SIGNS[step.op];
  return [
    trapezoid && s('path', { class: 'gb-op-map', d: trapezoidPath(trapezoid) }),
    ...(form === 'stack' ? sheets(body) : []),
    rect(body, ROUNDS[form], 'gb-op-body'),
    icon && picture
      ? s('path', { class: 'gb-op-icon', d: picture, transform: `translate(${icon.x},${icon.y})` })
      : null,
    form === 'sign' && sign ? s('path', { class: 'gb-op-icon', d: sign, transform: middle }) : null,
  ];
}

function step(box: StepBox, inside: Inside): SVGGElement {
  const ring = (name: string) => rect({ x: box.x - 2, y: box.y - 2, w: box.w + 4, h: box.h + 4 }, 6, name);
  return s(
    'g',
    {
      class: `gb-op gb-op-${box.form}${box.step.unused ? ' gb-op-unused' : ''}`,
      role: 'listitem',
      tabindex: -1,
      'data-step': box.index,
      'data-op': box.step.op,
      'aria-label': sentenceOf(inside, box.index),
    },
    rect(box, 4, 'gb-op-hit'),
    ...shapes(box),
    ...box.taps.map(({ x, y }) => s('circle', { class: 'gb-op-tap', cx: x, cy: y, r: 2.5 })),
    ...box.words.map(text),
    ring('gb-op-focus'),
  );
}

/** Draw an inside into a group whose upper left corner is its origin. */
export function drawInside(scene: InsideScene, inside: Inside, label: string): SVGGElement {
  return s(
    'g',
    { class: 'gb-ops', role: 'list', 'aria-label': label },
    s('g', { class: 'gb-flows', role: 'presentation', 'aria-hidden': 'true' }, ...scene.wires.map(wire)),
    ...scene.boxes.map((box) => step(box, inside)),
  );
}
