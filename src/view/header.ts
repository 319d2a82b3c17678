/** The model's name and what it is, what state the session is in, and, where there is no session, its figures. */
import { big, fixed, percent } from '../layout/format';
import { layersByStack, layersInWords } from '../layout/model';
import type { Architecture, SessionState } from '../wire/types.generated';
import type { Part, View } from './context';
import { h, put, s, setText, show } from './dom';
import { ExportMenu } from './export-menu';
import { changedWord, type Look } from './look';
import { ProjectorButton } from './projector-button';
import { SearchBox } from './search';
import { StageSwitch } from './stage-switch';

const STATUS: Record<SessionState['status'], string> = {
  idle: 'live',
  running: 'running',
  generating: 'generating',
  detached: 'detached',
};

function logo(): SVGSVGElement {
  return s(
    'svg',
    { width: 20, height: 20, class: 'gb-logo', 'aria-hidden': 'true' },
    s('rect', { x: 1, y: 1, width: 18, height: 18, rx: 4 }),
    s('path', { d: 'M10,4 V16 M10,13 Q10,10.5 7,10.5 H5 M10,9.5 Q10,7 13,7 H15' }),
  );
}

/** Heads of all attention blocks, if they are equally many everywhere. */
function headsOf(architecture: Architecture): number | null {
  const blocks = architecture.stacks.flatMap((stack) => stack.groups.flatMap((group) => group.template.blocks));
  const heads = new Set(blocks.flatMap(({ spec }) => (spec?.kind === 'attention' ? [spec.heads.value] : [])));
  return heads.size === 1 ? ([...heads][0] ?? null) : null;
}

export function lineOf(architecture: Architecture, state: SessionState | null): string {
  const heads = headsOf(architecture);
  const shape = `${layersInWords(architecture)}${heads === null ? '' : ` × ${heads} heads`}`;
  const params = `${big(architecture.params.total)} parameters`;
  const cls = architecture.cls === (state?.title || architecture.name) ? [] : [architecture.cls];
  const words = state ? [...cls, shape, params, `${state.device} ${state.dtype}`] : cls;
  // A line breaks between these words, never within one.
  return words.map((word) => word.replaceAll(' ', '\u00a0')).join(' · ');
}

/** What an architecture is, in figures: each a value and what it counts. */
export function figuresOf(architecture: Architecture): [string, string][] {
  const { params, stacks, inputs, outputs, context } = architecture;
  const figures: [string, string][] = [[big(params.total), 'parameters']];
  if (params.active !== params.total) {
    figures.push([big(params.active), `active per token (${percent(params.active / params.total)})`]);
  }
  const [layers, names] = layersByStack(architecture);
  figures.push([layers.join(' + '), `${names.join(' + ')} layers`.trim()]);
  const width = stacks.at(-1)?.width.value;
  if (width !== undefined) figures.push([fixed(width), 'hidden size']);
  const [tokens] = inputs.flatMap(({ spec }) =>
    spec?.kind === 'embedding' && spec.of.value === 'tokens' ? [spec] : [],
  );
  const [logits] = outputs.flatMap(({ spec }) => (spec?.kind === 'unembedding' ? [spec] : []));
  if (tokens) figures.push([fixed(tokens.rows.value), 'vocabulary']);
  else if (logits) figures.push([fixed(logits.rows.value), 'outputs']);
  if (context) figures.push([fixed(context.value), 'context']);
  return figures;
}

export class Header implements Part {
  readonly element = h('header', { class: 'gb-header' });
  #title = h('h1');
  #line = h('span', { class: 'gb-line' });
  #dot = h('i', { class: 'gb-dot' });
  #status = h('span', { class: 'gb-chip', 'data-testid': 'status' });
  #words = h('span');
  #count = h('span', { class: 'gb-chip gb-chip-cut', 'data-testid': 'ablations' });
  #export: ExportMenu;
  #figures = h('dl', { class: 'gb-figures' });

  #stages: StageSwitch;
  #search: SearchBox;
  #projector: ProjectorButton;

  constructor(private readonly view: View) {
    this.#stages = new StageSwitch(view);
    this.#search = new SearchBox(view);
    this.#projector = new ProjectorButton(view);
    this.#status.append(this.#dot, this.#words);
    const brand = h('div', { class: 'gb-brand' }, logo(), this.#title);
    this.#export = new ExportMenu(view);
    const more = [
      this.#search.element,
      this.#stages.element,
      this.#projector.element,
      view.pictures && this.#export.element,
    ];
    const tools = h('div', { class: 'gb-header-tools' }, ...more);
    const about = h('div', { class: 'gb-about' }, this.#status, this.#line, this.#count);
    const row = h('div', { class: 'gb-title' }, brand, tools, about);
    this.element.append(row, this.#figures);
  }

  draw(): void {
    const { architecture, state } = this.view.session.durable.value;
    const figures = state ? [] : figuresOf(architecture);
    this.#figures.replaceChildren(
      ...figures.map(([value, name]) => h('div', {}, h('dd', {}, value), h('dt', {}, name))),
    );
    show(this.#figures, figures.length > 0);
  }

  paint(look: Look): void {
    this.#stages.paint();
    this.#projector.paint();
    this.#export.paint(look);
    const { architecture, state } = this.view.session.durable.value;
    const { connection } = this.view.session.page.value;
    setText(this.#title, state?.title || architecture.name);
    put(this.#title, 'title', this.#title.textContent ?? '');
    const line = lineOf(architecture, state);
    setText(this.#line, line);
    show(this.#line, line !== '');
    const there = this.view.session.reachable;
    const lost = connection === 'gone' ? 'kernel gone' : 'no answer';
    const recorded = state && connection === 'recorded' ? 'recorded · no kernel' : '';
    const living = !state
      ? 'architecture only · no weights loaded'
      : there || state.status === 'detached'
        ? STATUS[state.status]
        : lost;
    setText(this.#words, recorded === '' ? living : recorded);
    this.#status.dataset.status = !state ? 'static' : there ? (recorded === '' ? state.status : 'recorded') : 'lost';
    show(this.#count, state !== null);
    const count = look.interventions.length;
    const what = changedWord(look.interventions) === 'ablated' ? 'ablation' : 'edit';
    setText(this.#count, `${count} ${count === 1 ? what : `${what}s`}`);
    // It keeps its place: the first ablation moves nothing.
    this.#count.style.visibility = count > 0 ? '' : 'hidden';
  }
}
