/** What the kernel sends: each message is kept where it belongs, and frames are drawn when the browser next paints. */
import { type Bytes, decodeFrame, parseKernelMessage, WireError } from '../wire/codec';
import { numbersOf } from '../wire/numbers';
import type { Requests } from '../wire/requests';
import type { Effects, Frame, Matrix, Saved } from '../wire/types.generated';
import type { Durable } from './durable';
import type { Page, Sweep } from './local';
import { type Moment, tokensOf } from './moment';
import type { Store } from './store';
import type { Timeline } from './timeline';

/** A sweep with what a message brings: rows that came before those of the message are kept. */
function grown(before: Sweep | null, { type: _, first, rows, ...about }: Effects): Sweep {
  const known = before?.sweep === about.sweep ? before.rows.slice(0, first) : [];
  return { ...about, rows: [...known, ...rows] };
}

/** Where what comes is kept. */
interface Kept {
  readonly durable: Store<Durable>;
  readonly page: Store<Page>;
  readonly timeline: Timeline;
}

export class Incoming {
  /** Whether a message that could not be read came since the last run: it is what that run made. */
  unread = false;
  #drawing = false;
  #unacknowledged: number | null = null;
  /** The moments of which the shown text was read. */
  #read: readonly Moment[] = [];

  constructor(
    private readonly session: Kept,
    private readonly requests: Requests,
    private readonly send: (message: unknown) => void,
    private readonly signal: AbortSignal,
  ) {
    session.timeline.state.subscribe(() => this.#schedule(), signal);
  }

  message(content: unknown, buffers: Bytes[]): void {
    try {
      const message = parseKernelMessage(content);
      if (message.type === 'reply') this.requests.settle(message);
      else if (message.type === 'matrix') this.#matrix(message, buffers);
      else if (message.type === 'saved') this.#saved(message, buffers[0]);
      else if (message.type === 'effects')
        this.session.page.set({ sweep: grown(this.session.page.value.sweep, message) });
      else this.#frame(message, buffers);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.unread = true;
      this.session.page.set({ alert: error.message });
    }
  }

  /** A page of this model is being made for one of the pages that look at it; only the one that asked keeps it. */
  #saved({ id, name, done, total, running }: Saved, text: Bytes | undefined): void {
    if (this.session.page.value.saving?.id !== id) return;
    if (running) this.session.page.set({ saving: { id, done, total } });
    else this.session.page.set({ saving: null, ...(text === undefined ? {} : { file: { name, text } }) });
  }

  /** Keep a matrix that this page has asked for: replies reach every page. */
  #matrix({ inside }: Matrix, buffers: Bytes[]): void {
    const { matrix } = this.session.page.value;
    if (matrix?.numbers !== null || inside.name !== `${matrix.name}.effective`) return;
    this.session.page.set({ matrix: { ...matrix, numbers: numbersOf(inside, buffers[0]) } });
  }

  /** Keep a frame; it is drawn, and acknowledged, when the browser next paints. */
  #frame(header: Frame, buffers: Bytes[]): void {
    const { layout, state } = this.session.durable.value;
    if (!layout) throw new WireError('a frame came before its layout: it is not drawn');
    this.#schedule();
    try {
      const bytes = buffers.reduce((sum, { byteLength }) => sum + byteLength, 0);
      this.session.timeline.push(decodeFrame(header, buffers, layout), bytes, state);
    } finally {
      // A frame that cannot be read is acknowledged too: otherwise the stream would wait for it for ever.
      // Any of a message stands for all of it, and the last that came is of the message that is under way.
      this.#unacknowledged = header.seq;
    }
  }

  #schedule(): void {
    if (this.#drawing) return;
    this.#drawing = true;
    requestAnimationFrame(() => this.#draw());
  }

  #draw(): void {
    this.#drawing = false;
    if (this.signal.aborted) return;
    this.#show();
    if (this.#unacknowledged !== null) this.send({ type: 'ack', seq: this.#unacknowledged });
    this.#unacknowledged = null;
  }

  /** Show what the timeline says, and nothing else of any frame: here it is decided for every drawing. */
  #show(): void {
    const { shown, held, moments } = this.session.timeline;
    if (!shown) return;
    const { frame, clean, edited } = shown;
    const before = this.session.page.value;
    // What comes late may be of the text of what is shown already.
    const same = frame === before.frame && moments === this.#read;
    this.#read = moments;
    const tokens = same ? before.tokens : tokensOf(shown);
    this.session.page.set({ frame, clean, edited, tokens, past: held });
  }
}
