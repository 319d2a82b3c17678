/** What a picture of a live model says around its diagram: the run above, and below it the scale and the predictions. */
import { compact, nats, percent } from '../layout/format';
import { fitting } from '../layout/text';
import { visible } from '../view/candidates';
import { GRADIENT } from '../view/colour';
import { s } from '../view/dom';
import { lineOf } from '../view/header';
import { changedWord, type Look } from '../view/look';
import type { Architecture, Candidate, RunSummary, SessionState } from '../wire/types.generated';
import { measure } from './metrics';
import { INK, LINE, type Piece, SOFT, words, wrapped } from './words';

export interface Live {
  readonly state: SessionState;
  readonly look: Look;
}

const CUT = 'var(--gb-cut)';
const MOST = 6;

/** The model, the prompt, and what is done to it, each in lines of its own. */
export function liveHeader(architecture: Architecture, { state, look }: Live, width: number): Piece {
  const nodes: SVGElement[] = [];
  let y = 16;
  const say = (text: string, fill: string, size = 11, weight: 400 | 600 = 400) => {
    for (const line of wrapped(text, width, size, weight)) {
      nodes.push(words(line, 0, y, { size, weight, fill }));
      y += size > 12 ? 20 : LINE + (size - 11);
    }
  };
  say(state.title || architecture.name, INK, 16, 600);
  say(lineOf(architecture, state), SOFT);
  if (state.run) say(`Prompt: ${state.run.prompt === '' ? state.run.tokens.join('') : state.run.prompt}`, INK, 12);
  for (const { sentence } of look.interventions) say(sentence, CUT);
  return { nodes, height: y + 2 };
}

function hatched(x: number, y: number): SVGElement {
  return s('rect', { x, y, width: 24, height: 12, rx: 3, class: 'gb-legend-cut', fill: 'url(#gb-hatch)' });
}

/** The colour scale, and the marks that are on this picture. */
function legend({ look }: Live, y: number): SVGElement[] {
  if (!look.limits) return [];
  const nodes: SVGElement[] = [];
  let x = 0;
  const say = (text: string) => {
    nodes.push(words(text, x, y + 10));
    x += measure(text, 11, 400) + 6;
  };
  say(compact(look.limits.low));
  GRADIENT.forEach((fill, i) => {
    nodes.push(s('rect', { x: x + i * 7, y: y + 1, width: 7.5, height: 10, fill }));
  });
  x += GRADIENT.length * 7 + 6;
  say(`${compact(look.limits.high)} output norm, log`);
  if (look.interventions.length === 0) return nodes;
  x += 14;
  nodes.push(hatched(x, y));
  x += 30;
  say(changedWord(look.interventions));
  x += 14;
  nodes.push(s('rect', { x, y, width: 24, height: 12, rx: 4, class: 'gb-legend-ring' }));
  x += 30;
  say('off the clean run');
  return nodes;
}

interface Columns {
  readonly bar: { readonly x: number; readonly w: number };
  readonly clean: number;
  readonly ablated: number;
}

function predictionRow(candidate: Candidate, y: number, at: Columns): SVGElement[] {
  const { clean, ablated } = candidate;
  const token = fitting([visible(candidate.token)], at.bar.x - 8, measure, 12, 600);
  const bar = (prob: number, top: number, height: number, fill: string) =>
    s('rect', { x: at.bar.x, y: top, width: Math.max(1, at.bar.w * prob), height, fill });
  const right = (text: string, x: number, weight: 400 | 600) =>
    words(text, x - measure(text, 12, weight), y + 12, { size: 12, fill: INK, weight });
  const half = ablated ? 6 : 10;
  return [
    words(token, 0, y + 12, { size: 12, weight: 600, fill: INK }),
    bar(clean.prob, y + 3, half, 'var(--gb-edge)'),
    ...(ablated ? [bar(ablated.prob, y + 10, half, CUT)] : []),
    right(percent(clean.prob), at.clean, ablated ? 400 : 600),
    ...(ablated ? [right(percent(ablated.prob), at.ablated, 600)] : []),
  ];
}

function predictions(run: RunSummary, y: number, width: number): Piece {
  const shown = run.candidates.slice(0, MOST);
  const changed = shown.some(({ ablated }) => ablated !== null);
  const word = changedWord(run.interventions);
  const tokens = Math.max(...shown.map(({ token }) => measure(visible(token), 12, 600)), 40);
  const x = Math.min(tokens + 12, width / 3);
  const at = { bar: { x, w: width - x - 140 }, clean: width - 70, ablated: width };
  const titled = changed ? at : { ...at, clean: width, bar: { x, w: width - x - 70 } };
  const kl = run.kl === null ? '' : `, KL ${nats(run.kl)}`;
  const right = (text: string, end: number) => words(text, end - measure(text, 11, 400), y + 12);
  const nodes: SVGElement[] = [
    words(`Next token${kl}`, 0, y + 12, { size: 13, weight: 600, fill: INK }),
    right('clean', titled.clean),
    ...(changed ? [right(word, titled.ablated)] : []),
  ];
  shown.forEach((candidate, i) => {
    nodes.push(...predictionRow(candidate, y + 20 + i * 22, titled));
  });
  return { nodes, height: 20 + shown.length * 22 };
}

/** The scale, and what the model says next. */
export function liveFooter(live: Live, width: number): Piece {
  const nodes = legend(live, 0);
  const { run } = live.state;
  if (!run || run.candidates.length === 0) return { nodes, height: 16 };
  const said = predictions(run, 30, width);
  return { nodes: [...nodes, ...said.nodes], height: 30 + said.height };
}
