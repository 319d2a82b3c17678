/**
 * What is to be seen of a diagram: layers of SVG in the order in which they cover each other, drawn from a scene and
 * painted with values. A page puts mouse and keyboard over it (`diagram.ts`), a picture is written to a file as it is.
 */
import type { Scene } from '../layout';
import { drawBlocks } from './blocks';
import { drawCards } from './cards';
import type { Pen } from './context';
import { s } from './dom';
import { drawEdges } from './edges';
import { drawOpened, drawOpeners } from './inside/opened';
import type { Look } from './look';
import { drawPluses } from './plus';
import { drawEnds, drawSpines, drawTicks } from './spine';
import { drawFans, drawStrips } from './strip';
import { drawWires } from './wires';

const LAYERS = [
  'fans',
  'cards',
  'edges',
  'spines',
  'wires',
  'blocks',
  'pluses',
  'ticks',
  'ends',
  'openers',
  'chips',
  'strips',
  'insides',
] as const;
type Layers = Record<(typeof LAYERS)[number], SVGGElement>;

function hatch(uid: string): SVGDefsElement {
  const pattern = s(
    'pattern',
    { id: `${uid}-hatch`, width: 6, height: 6, patternUnits: 'userSpaceOnUse', patternTransform: 'rotate(45)' },
    s('rect', { width: 6, height: 6, class: 'gb-hatch-back' }),
    s('line', { x1: 0, y1: 0, x2: 0, y2: 6, 'stroke-width': 2.4, class: 'gb-hatch-line' }),
  );
  return s('defs', {}, pattern);
}

export class Drawing {
  readonly element: SVGSVGElement;
  readonly tree: SVGGElement;
  #layers: Layers;
  #painters: { paint(look: Look): void }[] = [];

  constructor(private readonly pen: Pen) {
    const groups = LAYERS.map((name) => s('g', { class: `gb-layer-${name}`, role: 'presentation' }));
    this.#layers = Object.fromEntries(LAYERS.map((name, i) => [name, groups[i]])) as Layers;
    const { strips, insides, ...inTree } = this.#layers;
    this.tree = s(
      'g',
      { role: 'tree', 'aria-multiselectable': 'true', 'aria-label': 'Diagram of the model' },
      ...Object.values(inTree),
    );
    // The strips are sliders and an inside is a list, which a tree cannot have in it.
    this.element = s('svg', { class: 'gb-diagram', role: 'presentation' }, hatch(pen.uid), this.tree, insides, strips);
  }

  draw(scene: Scene): void {
    const { pen } = this;
    const layers = this.#layers;
    this.element.setAttribute('width', String(scene.width));
    this.element.setAttribute('height', String(scene.height));
    this.element.setAttribute('viewBox', `0 0 ${scene.width} ${scene.height}`);
    const lines = scene.cards.flatMap((card) => card.lines);
    const boxes = scene.cards.flatMap((card) => card.blocks);
    drawFans(layers.fans, scene.fans);
    drawEdges(layers.edges, scene.edges);
    drawSpines(layers.spines, scene);
    drawOpeners(layers.openers, boxes);
    drawOpened(layers.insides, boxes, lines);
    drawTicks(layers.ticks, [...scene.ticks, ...scene.cards.flatMap((card) => card.ticks)]);
    this.#painters = [
      drawCards(layers.cards, layers.chips, scene.cards, pen),
      drawWires(layers.wires, lines, boxes),
      drawBlocks(layers.blocks, boxes, scene.live, pen),
      drawPluses(layers.pluses, lines, scene.live),
      drawEnds(layers.ends, scene.ends, pen),
      drawStrips(layers.strips, scene, pen),
    ];
  }

  paint(look: Look): void {
    for (const painter of this.#painters) painter.paint(look);
  }
}
