/** Blocks: a chip over heads in the open, or a box with its name and numbers. Cells are drawn by `cells.ts`. */
import type { BlockBox, Rect } from '../layout';
import { percent, signed } from '../layout/format';
import { fitting } from '../layout/text';
import { drawCells } from './cells';
import type { Pen } from './context';
import { attr, nth, put, s, setFill, setText, write } from './dom';
import {
  CHANGED,
  child,
  fillOf,
  frameNodes,
  joinHits,
  numberOf,
  overOf,
  paintFrame,
  paintNotch,
  placeFrame,
} from './hit';
import { join } from './join';
import { type Look, namesOf } from './look';
import { drawParts } from './parts';

interface BlockHit extends Rect {
  readonly key: string;
  readonly address: string;
  readonly box: BlockBox;
}

const TEXTS = ['gb-name', 'gb-type', 'gb-number', 'gb-line'] as const;

function build(group: SVGGElement): void {
  frameNodes(group, 5, [
    ...TEXTS.map((name) => s('text', { class: name })),
    s('g', { class: 'gb-rows' }),
    s('g', { class: 'gb-brackets' }),
    s('g', { class: 'gb-share' }),
  ]);
}

/** A bus is hit by its chip, for its heads are hit one by one; a box is hit everywhere. */
const hitRect = (box: BlockBox): Rect => (box.form === 'bus' ? box.title : box);

function drawTexts(group: SVGGElement, box: BlockBox, live: boolean, pen: Pen): void {
  const [name, type] = [child(group, 'gb-name'), child(group, 'gb-type')];
  const [number, line] = [child(group, 'gb-number'), child(group, 'gb-line')];
  const { title } = box;
  if (box.form === 'bus') {
    write(name, title.x + 7, title.y + 14, box.name);
    write(type, title.x + title.w + 13, title.y + 14, box.line);
    // The same block is a box where its heads have no room in a row: what a box says must not stay behind.
    for (const node of [number, line]) setText(node, '');
    return;
  }
  const baseline = box.y + (live ? 21 : 19);
  write(name, title.x, baseline, box.name);
  // A box whose fill is data says its shape in a line of its own.
  const plain = live && box.cells.length === 0;
  write(type, title.x + pen.measure(box.name, 12, 600) + 7, baseline, plain ? '' : box.type);
  write(number, box.x + box.w - 10, baseline, live ? '' : box.params);
  attr(number, { 'text-anchor': 'end' });
  write(line, title.x, box.y + 38, live && (plain || box.hue !== 'moe') ? box.line : '');
}

function makeRow(): SVGGElement {
  const value = s('text', { class: 'gb-small gb-ink', 'text-anchor': 'end' });
  return s('g', {}, s('text', { class: 'gb-small' }), value);
}

function drawRows(group: SVGGElement, box: BlockBox): void {
  for (const [row, { y, label, value }] of join(child(group, 'gb-rows'), 'g', box.rows, makeRow)) {
    write(nth(row, 0), box.x + 10, y, label);
    write(nth(row, 1), box.x + box.w - 10, y, value);
  }
  for (const [path, { x1, x2, y }] of join(child(group, 'gb-brackets'), 'path', box.brackets, () => s('path'))) {
    attr(path, { d: `M${x1},${y - 2} V${y} H${x2} V${y - 2}` });
  }
}

function drawShare(group: SVGGElement, box: BlockBox): void {
  const node = child(group, 'gb-share');
  const { share } = box;
  node.replaceChildren();
  if (!share) return;
  const bar = { x: share.x, y: share.y, height: share.h, rx: 2 };
  node.append(
    s('rect', { ...bar, width: share.w, class: 'gb-off' }),
    s('rect', { ...bar, width: Math.max(3, share.w * share.of), class: 'gb-on' }),
    s('text', { x: share.x, y: share.y + 17, class: 'gb-small' }, share.text),
  );
}

const ADDS: Readonly<Record<string, string>> = {
  zero: 'adds nothing',
  mean: 'adds its mean',
  freeze: 'adds its clean value',
  resample: 'adds that of other text',
  skip: 'is skipped',
};

/** The size of what a block adds, and its cosine with the stream, long to short. */
function updateWords(look: Look, address: string): string[] {
  const update = look.update(address);
  if (!update) return [''];
  const share = percent(update.ratio, 0);
  if (Number.isNaN(update.cosine)) return [`update ${share}`, share];
  const cosine = signed(update.cosine);
  return [`update ${share}, cosine ${cosine}`, `${share}, cos ${cosine}`, share];
}

/** How far a block is from the clean run, after what is done to it. */
function changeWords(look: Look, address: string, edits: string): string[] {
  const change = look.change(address);
  if (look.interventions.length === 0 || Number.isNaN(change)) return [edits];
  const by = edits === '' ? '' : `${edits}: `;
  const last = edits === '' ? [] : [edits];
  if (change === 0) return [`${by}as in the clean run`, `${by}as clean`, ...last];
  const off = percent(change, 0);
  return [`${by}${off} off the clean run`, `${by}${off} off clean`, `${by}${off} off`, ...last];
}

/** What a block adds and how far it is from the clean run, in words that fit; and whether they are loud. */
function wordsOf({ address, words }: BlockBox, look: Look, pen: Pen): [string, string, boolean] {
  const fit = (...some: string[]) => fitting(some, words?.w ?? 0, pen.measure);
  const how = look.cut(address);
  const edits = look.shows === 'clean' ? '' : namesOf(look.edits(address));
  if (how && look.edits(address).length > 1) return [fit(`edited: ${edits}`, edits, how), '', true];
  if (how) return [fit(ADDS[how] ?? `replaced: ${how}`, how), '', true];
  if (look.nonfinite(address)) return [fit('not finite'), fit(edits), true];
  if (look.unread(address)) return [fit('not read any more', 'not read'), fit(edits), true];
  const loud = edits !== '' || look.change(address) > CHANGED;
  return [fit(...updateWords(look, address)), fit(...changeWords(look, address, edits)), loud];
}

export interface BlockDrawing {
  paint(look: Look): void;
}

const PRESENTATION = { role: 'presentation' };

function makeBlock(): SVGGElement {
  const layer = (name: string) => s('g', { class: name, ...PRESENTATION });
  const layers = ['gb-words', 'gb-own', 'gb-cells', 'gb-parts'].map(layer);
  return s('g', { class: 'gb-block', ...PRESENTATION }, ...layers);
}

/** The block itself, without what is drawn on it. */
function drawBox(own: Element, box: BlockBox, live: boolean, pen: Pen): void {
  const hit: BlockHit = { ...hitRect(box), key: box.key, address: box.address, box };
  for (const [group] of joinHits(own, [hit], { class: 'gb-box', act: 'ablate', level: 2, build })) {
    // Under a chip there are words.
    placeFrame(group, hit, 3, box.form === 'bus' ? 'upper' : 'lower');
    drawTexts(group, box, live, pen);
    drawRows(group, box);
    drawShare(group, box);
  }
}

export function drawBlocks(layer: Element, boxes: readonly BlockBox[], live: boolean, pen: Pen): BlockDrawing {
  const drawn = join(layer, 'g.gb-block', boxes, makeBlock).map(([owner, box]) => {
    attr(owner, { 'data-hue': box.hue, 'data-form': box.form });
    drawBox(nth(owner, 1), box, live, pen);
    const cells = drawCells(nth(owner, 2), box.cells, box.hue, pen);
    const parts = drawParts(nth(owner, 3), box.parts, pen);
    return { box, owner, insides: [cells, parts] };
  });
  return {
    paint(look) {
      for (const { box, owner, insides } of drawn) {
        paintBlock(owner, box, look, pen);
        for (const inside of insides) inside.paint(look);
      }
    },
  };
}

function paintBlock(owner: SVGGElement, box: BlockBox, look: Look, pen: Pen): void {
  const group = child(child(owner, 'gb-own'), 'gb-box') as SVGGElement;
  const name = look.live ? box.address : [box.address, box.kind, `${box.params} parameters`].filter(Boolean).join(', ');
  const cut = paintFrame(group, { ...hitRect(box), key: box.key, address: box.address }, look, pen, name);
  const filled = box.form === 'box' && box.cells.length === 0 && look.live;
  const paint = filled && !cut ? fillOf(look, box.address) : null;
  setFill(child(group, 'gb-body'), cut ? `url(#${pen.uid}-hatch)` : (paint?.fill ?? ''));
  paintNotch(group, box, paint ? overOf(look, box.address) : 0, paint);
  group.classList.toggle('gb-measured', paint !== null);
  if (box.opener) put(group, 'aria-expanded', String(box.inside !== null));
  for (const name of TEXTS) setFill(child(group, name), paint?.ink ?? '');
  if (look.live && box.form === 'box') setText(child(group, 'gb-number'), cut ? '' : numberOf(look, box.address));
  paintWords(child(owner, 'gb-words'), box, look, pen);
}

function paintWords(node: Element, box: BlockBox, look: Look, pen: Pen): void {
  const { words } = box;
  const [first, second, loud] = words ? wordsOf(box, look, pen) : ['', '', false];
  [first, second].forEach((text, i) => {
    const line = node.children[i] ?? node.appendChild(s('text'));
    put(line, 'class', loud && (i === 1 || second === '') ? 'gb-small gb-loud' : 'gb-small');
    put(line, 'x', String(words?.x ?? 0));
    put(line, 'y', String((words?.y ?? 0) + i * 16));
    setText(line, text);
  });
}
