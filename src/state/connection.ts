/**
 * Whether somebody is at the other end. A widget is not told that its kernel went away: messages just stop being
 * answered. So every request has a deadline, a closed connection is taken at its word, and anything that comes from the
 * kernel proves that it lives.
 */
import type { PageModel } from '../wire/model';
import type { Connection } from './local';

const HELLO_MS = 3000;
const REPLY_MS = 5000;
const PROBE_MS = 1500;

export interface Deadlines {
  readonly hello: number;
  readonly reply: number;
  readonly probe: number;
}

const DEADLINES: Deadlines = { hello: HELLO_MS, reply: REPLY_MS, probe: PROBE_MS };

interface Watched {
  /** Send a hello; returns whether it is still unanswered. */
  hello(): () => boolean;
  /** Whether the kernel has said that it is busy with this session: then silence means nothing. */
  busy(): boolean;
  set(connection: Connection): void;
  /** A page without a kernel answers itself: it is neither live nor gone. */
  readonly recorded: boolean;
}

export class ConnectionWatch {
  #timers = new Set<ReturnType<typeof setTimeout>>();
  #closed = false;

  constructor(
    model: PageModel,
    private readonly watched: Watched,
    private readonly signal: AbortSignal,
    private readonly deadlines: Deadlines = DEADLINES,
  ) {
    // Names of Jupyter's widget manager: the comm was closed; its `comm_live` changed, as on a restart of the kernel.
    const closed = () => this.lost();
    const doubt = () => this.#expect(this.watched.hello(), this.deadlines.probe, 'gone');
    for (const event of ['comm:close', 'destroy']) model.on(event, closed);
    model.on('comm_live_update', doubt);
    signal.addEventListener('abort', () => {
      for (const timer of this.#timers) clearTimeout(timer);
      for (const event of ['comm:close', 'destroy']) model.off(event, closed);
      model.off('comm_live_update', doubt);
    });
  }

  /** Ask whether anybody is there. */
  greet(): void {
    this.#expect(this.watched.hello(), this.deadlines.hello, 'silent');
  }

  /** A request was sent: if it stays unanswered, say so. */
  sent(unanswered: () => boolean): void {
    this.#expect(unanswered, this.deadlines.reply, 'silent');
  }

  /** Something came from the kernel. */
  heard(): void {
    if (!this.#closed && !this.watched.recorded) this.watched.set('live');
  }

  /** The way to the kernel is closed, for good: a restarted kernel knows nothing of this widget. */
  lost(): void {
    this.#closed = true;
    this.watched.set('gone');
  }

  #expect(unanswered: () => boolean, ms: number, otherwise: Connection): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (this.signal.aborted || !unanswered()) return;
      if (otherwise === 'silent' && this.watched.busy()) this.#expect(unanswered, ms, otherwise);
      else this.watched.set(otherwise);
    }, ms);
    this.#timers.add(timer);
  }
}
