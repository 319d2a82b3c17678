/**
 * A stand-in for the notebook's model where there is no kernel: it answers requests from a recording, which holds the
 * clean run and each single ablation. What it cannot answer it refuses in words.
 */
import { fromBase64, recordedBuffers } from '../wire/codec';
import type { PageModel } from '../wire/model';
import type {
  Ack,
  Architecture,
  Comparison,
  FrameLayout,
  How,
  RecordedAblation,
  RecordedFrame,
  Recording,
  Request,
  SessionState,
  SweepRequest,
} from '../wire/types.generated';
import { TRAITS } from './durable';
import { recordedSweep } from './effects';

export interface PageData {
  readonly architecture: Architecture;
  readonly layout: FrameLayout | null;
  readonly recording: Recording | null;
}

/** Read the JSON of an exported page. */
export function readPage(text: string): PageData {
  if (text.trim() === '') throw new Error('it holds no data. Export it again.');
  const data = JSON.parse(text) as Partial<PageData>;
  if (!data.architecture) throw new Error('its data holds no architecture. Export it again.');
  return { architecture: data.architecture, layout: data.layout ?? null, recording: data.recording ?? null };
}

/** Read the JSON of an exported page that compares; null where it is another page. */
export function readComparison(text: string): Comparison | null {
  if (text.trim() === '') return null;
  return (JSON.parse(text) as { comparison?: Comparison }).comparison ?? null;
}

const ELSEWHERE = 'Open the notebook for that.';

class Refusal extends Error {
  constructor(
    readonly kind: string,
    message: string,
  ) {
    super(message);
  }
}

/** What cannot be ablated, and what could be, but not in this page. */
function unavailableIn({ layout, recording }: PageData): SessionState['unavailable'] {
  const recorded = new Set(recording?.ablations.map(({ address }) => address));
  const others = layout?.sites.filter(({ address }) => !recorded.has(address)) ?? [];
  const why = `it was not recorded in this page. ${ELSEWHERE}`;
  return { ...Object.fromEntries(others.map(({ address }) => [address, why])), ...recording?.state.unavailable };
}

/** The frame of an ablation with what it left as it was: only what differs is recorded. */
function withClean(frame: RecordedFrame, clean: RecordedFrame): RecordedFrame {
  const known = new Set([...frame.header.inside.map(({ name }) => name), ...Object.keys(frame.header.unread)]);
  const same = clean.header.inside.map((entry, i) => ({ entry, data: clean.inside[i] ?? '' }));
  const rest = same.filter(({ entry }) => !known.has(entry.name));
  return {
    ...frame,
    header: { ...frame.header, inside: [...frame.header.inside, ...rest.map(({ entry }) => entry)] },
    inside: [...frame.inside, ...rest.map(({ data }) => data)],
  };
}

interface Step {
  readonly label: string;
  readonly python: string;
  /** What is ablated after it; null: nothing. */
  readonly ablation: RecordedAblation | null;
}

type Callback = (...args: never[]) => void;

export class RecordedModel implements PageModel {
  #listeners = new Map<string, Set<Callback>>();
  #steps: Step[] = [];
  #cursor = 0;
  #runs = 0;
  #sweeps = 0;
  #seq = 0;
  #state: SessionState | null;

  constructor(private readonly data: PageData) {
    this.#state = data.recording ? { ...data.recording.state, unavailable: unavailableIn(data) } : null;
    this.#runs = this.#state?.run?.id ?? 0;
  }

  get(key: string): unknown {
    if (key === TRAITS.architecture) return this.data.architecture;
    if (key === TRAITS.layout) return this.data.layout;
    return key === TRAITS.state ? this.#state : undefined;
  }

  on(event: string, callback: Callback): void {
    this.#listeners.set(event, (this.#listeners.get(event) ?? new Set()).add(callback));
  }

  off(event: string, callback: Callback): void {
    this.#listeners.get(event)?.delete(callback);
  }

  /** Show the clean run. */
  open(): void {
    const { recording } = this.data;
    if (recording) this.#frame(recording.frame);
  }

  send(content: unknown): void {
    const message = content as Request | Ack;
    // Answers come later, as over a wire: nobody may rely on them being there when `send` returns.
    if (message.type === 'request') queueMicrotask(() => this.#answer(message));
  }

  #emit(event: string, ...args: unknown[]): void {
    for (const callback of [...(this.#listeners.get(event) ?? [])]) (callback as (...args: unknown[]) => void)(...args);
  }

  #answer(request: Request): void {
    const { id } = request;
    try {
      this.#do(request);
      this.#emit('msg:custom', { type: 'reply', id, ok: true, effect: 'now' }, []);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const reply = { type: 'reply', id, ok: false, error: { kind: error.kind, message: error.message } };
      this.#emit('msg:custom', reply, []);
    }
  }

  #do(request: Request): void {
    switch (request.method) {
      case 'hello':
      case 'stop':
      case 'watch': // frames of a recording have all that there is
        break;
      case 'effective':
        this.#effective(request.id, request.params.name);
        break;
      // Each ablation takes the place of the one before: changing its kind is ablating anew.
      case 'ablate':
      case 'change':
        this.#ablate(request.params.targets, request.params.how);
        break;
      case 'restore':
        this.#restore(request.params.targets);
        break;
      case 'undo':
        this.#go(this.#cursor - 1);
        break;
      case 'redo':
        this.#go(this.#cursor + 1);
        break;
      case 'sweep':
        this.#sweep(request.params);
        break;
      case 'run':
        this.#run(request.params.prompt);
        break;
      default:
        throw new Refusal(
          'recorded',
          `This page holds one recorded run and no model, so it cannot ${request.method}. ${ELSEWHERE}`,
        );
    }
  }

  #effective(id: number, name: string): void {
    const found = this.data.recording?.matrices.find(({ inside }) => inside.name === `${name}.effective`);
    if (!found) throw new Refusal('recorded', `The matrix of ${name} was not recorded in this page. ${ELSEWHERE}`);
    if (this.#now) {
      throw new Refusal(
        'recorded',
        `This page holds the matrix of the clean run alone: restore it first. ${ELSEWHERE}`,
      );
    }
    const bytes = [new DataView(fromBase64(found.data).buffer)];
    this.#emit('msg:custom', { type: 'matrix', id, inside: found.inside, interventions: 0 }, bytes);
  }

  get #now(): RecordedAblation | null {
    return this.#steps[this.#cursor - 1]?.ablation ?? null;
  }

  #ablate(targets: readonly string[], how: How): void {
    const [address] = targets;
    const found = this.data.recording?.ablations.find((one) => one.address === address && one.how === how);
    if (targets.length > 1) {
      throw new Refusal('recorded', `This page holds each ablation by itself, and not several at once. ${ELSEWHERE}`);
    }
    if (!found) {
      const other = this.data.recording?.ablations.find((one) => one.address === address);
      const hint = other ? ` It was recorded with ${other.how}.` : '';
      throw new Refusal(
        'recorded',
        `${how} ablation of ${targets.join(', ')} was not recorded in this page.${hint} ${ELSEWHERE}`,
      );
    }
    this.#push({ label: `${how} ${found.address}`, python: found.python, ablation: found });
  }

  #restore(targets: readonly string[]): void {
    const now = this.#now;
    if (!now || (targets.length > 0 && !targets.includes(now.address))) return;
    const all = targets.length === 0;
    const python = all ? 'session.restore()' : `session.restore(${JSON.stringify(now.address)})`;
    this.#push({ label: all ? 'restore all' : `restore ${now.address}`, python, ablation: null });
  }

  #sweep(asked: SweepRequest['params']): void {
    const { recording } = this.data;
    if (!recording) throw new Refusal('recorded', `This page holds no recording to sweep. ${ELSEWHERE}`);
    this.#sweeps += 1;
    this.#emit('msg:custom', recordedSweep(recording, asked, this.#sweeps), []);
  }

  #run(prompt: string): void {
    if (prompt.trim() !== this.#state?.prompt.trim()) {
      throw new Refusal('recorded', `This page holds the run of one prompt, and no model to run another. ${ELSEWHERE}`);
    }
    this.#show();
  }

  #push(step: Step): void {
    const before = this.#now;
    this.#steps = [...this.#steps.slice(0, this.#cursor), step];
    this.#cursor = this.#steps.length;
    this.#show();
    if (before && step.ablation) {
      const words = `This page holds each ablation by itself, so ${step.ablation.address} takes the place of ${before.address}. Open the notebook for both at once.`;
      throw new Refusal('note', words);
    }
  }

  #go(cursor: number): void {
    if (cursor < 0 || cursor > this.#steps.length)
      throw new Refusal('history', 'There is no further step in the history.');
    this.#cursor = cursor;
    this.#show();
  }

  /** Make the state and the frame those of the step that the history is at. */
  #show(): void {
    const { recording } = this.data;
    if (!recording) return;
    const now = this.#now;
    const run = now?.run ?? recording.state.run;
    this.#runs += 1;
    this.#state = {
      ...recording.state,
      interventions: now
        ? [{ address: now.address, how: now.how, sentence: now.sentence, cut: true, python: now.python }]
        : [],
      history: { entries: this.#steps.map(({ label, python }) => ({ label, python })), cursor: this.#cursor },
      run: run ? { ...run, id: this.#runs } : null,
    };
    this.#frame(now ? withClean(now.frame, recording.frame) : recording.frame);
    this.#emit(`change:${TRAITS.state}`);
  }

  #frame(frame: RecordedFrame): void {
    this.#seq += 1;
    this.#emit('msg:custom', { ...frame.header, seq: this.#seq }, recordedBuffers(frame));
  }
}
