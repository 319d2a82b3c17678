/** Time: stop it, go through the frames that were kept, and back to the newest. */
import { fixed } from '../layout/format';
import type { TimelineState } from '../state/timeline';
import { visible } from './candidates';
import type { Part, View } from './context';
import { h, put, s, setText } from './dom';
import { on } from './events';
import type { Look } from './look';

const PATHS = {
  back: 'M8.5 1.5 L3.5 5.5 L8.5 9.5 Z M1.5 1.5 H3 V9.5 H1.5 Z',
  pause: 'M2 1 H4.4 V10 H2 Z M6.6 1 H9 V10 H6.6 Z',
  resume: 'M2.5 1 L9.5 5.5 L2.5 10 Z',
  forward: 'M2.5 1.5 L7.5 5.5 L2.5 9.5 Z M8 1.5 H9.5 V9.5 H8 Z',
} as const;

/** Of no form: in that of the prompt Enter would run it, and with that go back to now. */
const SLIDER = { type: 'range', min: 0, step: 1, form: '' };

/** How long a step is drawn moving (TOKENS.md, Motion). */
const STEP_MS = 120;

function icon(of: keyof typeof PATHS): SVGSVGElement {
  const path = s('path', { d: PATHS[of], fill: 'currentColor' });
  return s('svg', { width: 11, height: 11, viewBox: '0 0 11 11', 'aria-hidden': 'true' }, path);
}

function button(of: keyof typeof PATHS, name: string): HTMLButtonElement {
  const about = { class: 'gb-button gb-icon-button', 'aria-label': name, title: name };
  return h('button', { ...about, 'data-testid': `time-${of}` }, icon(of));
}

/** Where time stands, in a few words. */
function readout({ kept, at, paused, dropped, missing, rate }: TimelineState): string {
  const newer = kept - 1 - at;
  if (paused) return newer > 0 ? `paused, ${fixed(newer)} newer` : 'paused';
  if (rate > 1) return `${fixed(rate)} frames/s`;
  if (dropped + missing > 0) return `${fixed(kept)} of ${fixed(kept + dropped + missing)} kept`;
  return kept > 1 ? `${fixed(kept)} frames` : '';
}

/** What is not there to be gone through, and why; empty where all is. */
function holes({ kept, dropped, missing }: TimelineState): string {
  if (dropped + missing === 0) return '';
  const why = [
    dropped > 0 ? `${fixed(dropped)} earlier ones were dropped, for memory` : '',
    missing > 0 ? `${fixed(missing)} came faster than this page draws` : '',
  ];
  return `${fixed(kept)} of ${fixed(kept + dropped + missing)} steps are kept: ${why.filter(Boolean).join('; ')}`;
}

/** The same for whoever does not see the slider. */
function told(state: TimelineState, token: string | null): string {
  const { kept, at } = state;
  if (at < 0) return 'a frame that is no longer kept';
  const which = at === kept - 1 ? 'newest frame' : `frame ${fixed(at + 1)} of ${fixed(kept)}`;
  const missing = holes(state);
  return `${which}${token === null ? '' : `, at ${token}`}${missing && `; ${missing}`}`;
}

export class TimelineBar implements Part {
  readonly element = h('span', { class: 'gb-time', role: 'group', 'aria-label': 'Frames' });
  #back = button('back', 'One frame back');
  #pause = button('pause', 'Pause');
  #forward = button('forward', 'One frame forward');
  #slider = h('input', { ...SLIDER, 'aria-label': 'Frame', 'data-testid': 'time-slider' });
  #text = h('span', { class: 'gb-time-text gb-sub', 'data-testid': 'time-text' });
  #token: string | null = null;
  #moving: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly view: View) {
    const { signal } = view;
    const { timeline } = view.session;
    this.element.append(this.#back, this.#pause, this.#forward, this.#slider, this.#text);
    on(this.#back, 'click', () => this.#step(-1), signal);
    on(this.#forward, 'click', () => this.#step(1), signal);
    on(this.#pause, 'click', () => this.#toggle(), signal);
    on(this.#slider, 'input', () => timeline.go(this.#slider.valueAsNumber), signal);
    view.shortcuts.bind('pause', () => this.#toggle());
    view.shortcuts.bind('earlier', () => this.#step(-1));
    view.shortcuts.bind('later', () => this.#step(1));
    timeline.state.subscribe(() => this.#show(), signal);
    signal.addEventListener('abort', () => clearTimeout(this.#moving));
    this.#show();
  }

  paint(look: Look): void {
    const name = look.token?.name ?? null;
    this.#token = name === null ? null : visible(name);
    this.#show();
  }

  #toggle(): boolean {
    const { timeline } = this.view.session;
    if (!timeline.shown) return false;
    if (timeline.held) timeline.resume();
    else timeline.pause();
    this.view.announce(timeline.held ? 'Paused' : 'At the newest frame');
    return true;
  }

  /** Go one frame on or back, and let the eye follow. */
  #step(by: number): boolean {
    const { root, session } = this.view;
    if (session.timeline.moments.length < 2) return false;
    root.classList.add('gb-stepping');
    clearTimeout(this.#moving);
    this.#moving = setTimeout(() => root.classList.remove('gb-stepping'), STEP_MS + 30);
    session.timeline.step(by);
    this.view.announce(told(session.timeline.state.value, null));
    return true;
  }

  #show(): void {
    const state = this.view.session.timeline.state.value;
    const { kept, at, paused } = state;
    const [first, last] = [at <= 0, at === kept - 1];
    this.#back.disabled = kept < 2 || first;
    this.#forward.disabled = kept < 2 || last;
    this.#pause.disabled = kept === 0;
    this.#slider.disabled = kept < 2;
    put(this.#slider, 'max', String(Math.max(1, kept - 1)));
    const value = kept < 2 ? '1' : String(Math.max(0, at));
    if (this.#slider.value !== value) this.#slider.value = value;
    put(this.#slider, 'aria-valuetext', told(state, this.#token));
    if (this.#pause.dataset.paused !== String(paused)) {
      this.#pause.dataset.paused = String(paused);
      this.#pause.replaceChildren(icon(paused ? 'resume' : 'pause'));
      const name = paused ? 'Back to the newest frame' : 'Pause';
      this.#pause.setAttribute('aria-label', name);
      this.#pause.title = `${name} (Space on the diagram)`;
    }
    setText(this.#text, readout(state));
    put(this.#text, 'title', holes(state));
    put(this.element, 'data-paused', String(paused));
  }
}
