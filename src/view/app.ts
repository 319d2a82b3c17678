/**
 * One view: the page's parts put together, and repainted when something changed. A change of values repaints; a change
 * of the architecture, the width or a card's layer makes a new scene first. All changes of one message are drawn at
 * once, and `data-run-id` is set when the picture of that run is there.
 */
import { layoutScene, type Scene } from '../layout';
import { isNarrow, split } from '../layout/split';
import { common } from '../state/copies';
import { FIRST_VIEW, type StageName, type ViewState } from '../state/local';
import type { Session } from '../state/session';
import { Store } from '../state/store';
import { Ablations } from './ablations';
import { sentenceOf } from './announce';
import { Patterns } from './attention/patterns';
import { Banner } from './banner';
import { Candidates } from './candidates';
import { Changes } from './changes';
import { ChosenBar } from './choosing';
import type { Part, Pictures, View } from './context';
import { Controls } from './controls';
import { Detail } from './detail';
import { Diagram } from './diagram';
import { h, setText } from './dom';
import { ExpertsBrief } from './experts/brief';
import { ExpertCard } from './experts/card';
import { Experts } from './experts/model';
import { ExpertsStage } from './experts/stage';
import { Header } from './header';
import { Heat } from './heat/heat';
import { HistoryBar } from './history';
import { KeptFocus } from './kept-focus';
import { KeysOverlay } from './keys-overlay';
import { KindMenu } from './kind-menu';
import { Later } from './later';
import { Legend } from './legend';
import { Looker } from './look';
import { magnify, zoomWithin } from './magnify';
import { measureIn } from './measure';
import { Overview } from './overview';
import { Placed } from './placed';
import { Repaint } from './repaint';
import { Shares } from './shares';
import { Shortcuts } from './shortcuts';
import { ShownRun } from './shown';
import { stageOf } from './stages';
import { stickIn } from './sticky';
import { LargestEffects } from './sweep/largest';
import { SweepStage } from './sweep/stage';
import { Table } from './table';
import { watchTheme } from './theme';
import { TimelineBar } from './timeline';
import { TokenShown } from './token-shown';
import { Tokens } from './tokens';
import { Tooltip } from './tooltip';
import { Trace } from './trace';

/**
 * Numbers of an architecture, and what is inside of a block, have no room below this width: the diagram is laid out for it
 * and seen smaller, as far as the text that a person asked for larger stays as large as it is drawn.
 */
const LEAST = 436;
/** Below this the prompt has a line of its own. */
const SLIM = 800;
const FAMILY = 'system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif';

type Given = Pick<View, 'session' | 'root' | 'signal' | 'pictures'>;

function makeView(given: Given, live: HTMLElement): View {
  const uid = `gb-${++common().views}`;
  const shortcuts = new Shortcuts();
  shortcuts.listen(given.root, given.signal);
  return {
    ...given,
    shortcuts,
    state: new Store<ViewState>(FIRST_VIEW),
    measure: measureIn(FAMILY),
    uid,
    announce: (text) => setText(live, text),
  };
}

const DIAGRAM: readonly StageName[] = ['diagram'];
const EXPERTS: readonly StageName[] = ['experts'];
const SWEEP: readonly StageName[] = ['sweep'];

const anywhere = (part: Part) => new Placed(part, null);
const elements = (parts: readonly Part[]) => parts.map(({ element }) => element);

/** The diagram with what belongs to it; `over` is what stays in view over all of the page, wherever it is scrolled. */
function diagramStage(view: View): { placed: Placed[]; elements: Element[]; over: Element } {
  const stage = h('div', { class: 'gb-stage' });
  const [menu, chosen, shown] = [new KindMenu(view, stage), new ChosenBar(view), new ShownRun(view)];
  const token = new TokenShown(view);
  const diagram = new Diagram(view, menu);
  stage.append(diagram.element, diagram.viewport.minimap);
  view.root.append(menu.element);
  const [tooltip, legend, table] = [new Tooltip(view, stage), new Legend(view), new Table(view)];
  stage.append(tooltip.element, diagram.walk.tooltip);
  return {
    placed: [
      new Placed(diagram, DIAGRAM, stage),
      new Placed(shown, DIAGRAM),
      new Placed(token, DIAGRAM),
      new Placed(chosen, DIAGRAM),
      new Placed(menu, DIAGRAM),
      new Placed(tooltip, DIAGRAM),
      new Placed(legend, DIAGRAM),
      new Placed(table, DIAGRAM),
      new Placed({ element: table.toggle, paint() {} }, DIAGRAM),
    ],
    elements: [
      h('div', { class: 'gb-shown' }, shown.element, token.element),
      stage,
      table.element,
      h('div', { class: 'gb-under-stage' }, table.toggle, diagram.viewport.controls),
      legend.element,
    ],
    over: chosen.element,
  };
}

/** Views of several models stand on one page: what is named in a list of its parts says of which it is. */
const nameOf = ({ session }: View) => session.durable.value.architecture.name;

/** The panel: what belongs to the stage alone is its subject and stands first, then what every stage has. */
function panelOf(view: View, experts: Experts): { placed: Placed[]; element: HTMLElement } {
  const [card, largest] = [new Later(() => new ExpertCard(experts)), new Later(() => new LargestEffects(view))];
  const brief = new ExpertsBrief(experts);
  const results: Part[] = [new Shares(view), new Candidates(view), new Ablations(view), new Tokens(view)];
  const details: Part[] = [new Heat(view), new Patterns(view), new Detail(view), brief, new Overview(view)];
  const column = (of: readonly Part[]) => h('div', { class: 'gb-column' }, ...elements(of));
  return {
    placed: [
      new Placed(card, EXPERTS),
      new Placed(largest, SWEEP),
      ...results.map(anywhere),
      ...details.map((part) => new Placed(part, DIAGRAM)),
    ],
    element: h(
      'aside',
      { class: 'gb-panel', 'aria-label': `Beside the diagram of ${nameOf(view)}` },
      column([card, largest, ...results]),
      column(details),
    ),
  };
}

function assemble(view: View, live: HTMLElement): Placed[] {
  const model = new Experts(view);
  const [experts, sweep] = [new Later(() => new ExpertsStage(model)), new Later(() => new SweepStage(view))];
  const [diagram, panel] = [diagramStage(view), panelOf(view, model)];
  const timeline = new TimelineBar(view);
  const banner = new Banner(view);
  const above: Part[] = [new Header(view), new Controls(view, timeline.element), banner];
  const below: Part[] = [new HistoryBar(view), new Trace(view), new KeysOverlay(view)];
  const left = h('div', { class: 'gb-left' }, ...diagram.elements, experts.element, sweep.element);
  stickIn(view, left);
  const main = h('div', { class: 'gb-main' }, left, panel.element);
  const over = h('div', { class: 'gb-over' }, ...banner.over, diagram.over);
  view.root.append(...elements(above), main, over, ...elements(below), live);
  return [
    ...above.map(anywhere),
    anywhere(timeline),
    ...diagram.placed,
    new Placed(experts, EXPERTS),
    new Placed(sweep, SWEEP),
    ...panel.placed,
    ...below.map(anywhere),
  ];
}

/** What makes a new scene necessary. */
function sceneKey(view: View): unknown[] {
  const { architecture, state } = view.session.durable.value;
  const { bound, width, projector, opened } = view.state.value;
  return [architecture, state !== null, bound, opened, split(width, state !== null, projector).diagram, projector];
}

class Painter {
  #looker = new Looker();
  #changes = new Changes();
  #run: number | null = null;
  #scene: Scene | Error = new Error('nothing is laid out yet');

  constructor(
    private readonly view: View,
    private readonly parts: readonly Placed[],
  ) {}

  paint(): void {
    const { view } = this;
    const { durable, page } = view.session;
    if (this.#changes.any(...sceneKey(view))) this.#scene = this.#laid();
    const stage = stageOf(view);
    view.root.dataset.stage = stage;
    view.root.classList.toggle('gb-streaming', durable.value.state?.status === 'generating');
    const look = this.#looker.look(durable.value, page.value, view.state.value);
    for (const part of this.parts) part.paint(look, this.#scene, stage);
    if (page.value.frame) view.root.dataset.frame = String(page.value.frame.header.seq);
    this.#told();
  }

  #laid(): Scene | Error {
    try {
      return this.#lay();
    } catch (error) {
      return new Error(`the model could not be laid out, ${(error as Error).message}`, { cause: error });
    }
  }

  #lay(): Scene {
    const { view } = this;
    const { architecture, state } = view.session.durable.value;
    const { bound, width, projector, opened } = view.state.value;
    const { diagram, panel } = split(width, state !== null, projector);
    const least = state && opened === null ? 0 : Math.min(LEAST, diagram * zoomWithin(view.root));
    const placed = Math.max(diagram, least);
    const scene = layoutScene(architecture, {
      ...{ width: placed, live: state !== null, bound, opened },
      measure: view.measure,
    });
    view.root.classList.toggle('gb-narrow', isNarrow(width, projector));
    view.root.classList.toggle('gb-slim', width < SLIM);
    view.root.classList.toggle('gb-tall', scene.height > window.innerHeight);
    view.root.style.setProperty('--gb-width', `${width}px`);
    view.root.style.setProperty('--gb-panel-width', `${panel}px`);
    view.root.style.setProperty('--gb-diagram-width', `${Math.min(scene.width, diagram)}px`);
    return scene;
  }

  /** The picture of this run is there: say so, to a screen reader and to whoever measures. */
  #told(): void {
    const run = this.view.session.durable.value.state?.run ?? null;
    if (!run || run.id === this.#run) return;
    if (this.#run !== null) this.view.announce(sentenceOf(run));
    this.#run = run.id;
    this.view.root.dataset.runId = String(run.id);
  }
}

function widthOf(root: HTMLElement): number {
  const width = root.clientWidth - 24;
  return width > 0 ? width : FIRST_VIEW.width;
}

/** Show a session in an element until the signal aborts. */
export function mount(
  session: Session,
  host: HTMLElement,
  signal: AbortSignal,
  pictures: Pictures | null = null,
): void {
  // Lab looks for this attribute before it acts on a key: `x` here must never cut a cell.
  // A click on empty ground gives it the focus, and with that its keys.
  const root = h('div', { class: 'gb-root', 'data-lm-suppress-shortcuts': 'true', tabindex: -1 });
  const live = h('div', { class: 'gb-live', 'aria-live': 'polite' });
  const view = makeView({ session, root, signal, pictures }, live);
  // What the browser says of the room and the ground there are, it says of an empty root at once: a full one it would style
  // and lay out first, and once more in the colours that are found.
  host.append(root);
  magnify(view);
  view.state.set({ width: widthOf(root) });
  watchTheme(root, signal, (colours) => view.state.set(colours));
  const painter = new Painter(view, assemble(view, live));
  const focus = new KeptFocus(root);
  const repaint = new Repaint(view, () => focus.through(() => painter.paint()));
  const again = () => repaint.schedule();
  for (const store of [session.durable, session.page, view.state]) (store as Store<object>).subscribe(again, signal);
  if (typeof ResizeObserver !== 'undefined') {
    const observer = new ResizeObserver(() => view.state.set({ width: widthOf(root) }));
    observer.observe(root);
    signal.addEventListener('abort', () => observer.disconnect());
  }
  signal.addEventListener('abort', () => root.remove());
  repaint.now();
}
