/**
 * The page's side of a session: one for each model, shared by all its views. It listens to the wire, keeps what came,
 * and turns what a person does into requests. It never changes the shared state itself: a click is marked as pending
 * and becomes real when the kernel's `state` says so.
 */
import type { Bytes } from '../wire/codec';
import type { PageModel } from '../wire/model';
import { type Method, type Params, RequestFailure, Requests } from '../wire/requests';
import type { How, Intervention } from '../wire/types.generated';
import { ConnectionWatch, type Deadlines } from './connection';
import { type Durable, readDurable, watchDurable } from './durable';
import { Incoming } from './incoming';
import { EMPTY_PAGE, type Page } from './local';
import { Store } from './store';
import { Timeline } from './timeline';
import { Watching } from './watching';

const PROTOCOL_VERSION = 1;
const NEW_TOKENS = 24;
const SETTLE_MS = 2000;

/** Where the kernel is gone, what it was about ends: nothing more of it will come. */
function ended(connection: Page['connection'], { sweep }: Page): Partial<Page> {
  return connection === 'gone'
    ? { pending: new Map(), saving: null, sweep: sweep && { ...sweep, running: false } }
    : {};
}

export class Session {
  readonly durable: Store<Durable>;
  readonly page = new Store<Page>(EMPTY_PAGE);
  readonly timeline: Timeline;
  /** What is shown of the insides of blocks. */
  readonly watching: Watching;
  #requests: Requests;
  #watch: ConnectionWatch;
  #incoming: Incoming;

  constructor(
    private readonly model: PageModel,
    signal: AbortSignal,
    options: { readonly deadlines?: Deadlines; readonly recorded?: boolean } = {},
  ) {
    this.durable = new Store(readDurable(model));
    this.timeline = new Timeline(signal);
    this.#requests = new Requests((message) => this.#send(message));
    this.watching = new Watching((params) => this.#quietly('watch', params), signal);
    const watched = {
      hello: () => this.#hello(),
      busy: () => this.busy,
      set: (connection: Page['connection']) => this.page.set({ connection, ...ended(connection, this.page.value) }),
      recorded: options.recorded === true,
    };
    if (watched.recorded) this.page.set({ connection: 'recorded' });
    this.#watch = new ConnectionWatch(model, watched, signal, options.deadlines);
    watchDurable(model, () => this.#synced(), signal);
    this.#incoming = new Incoming(this, this.#requests, (message) => this.#send(message), signal);
    const heard = (content: unknown, buffers?: Bytes[]) => {
      this.#watch.heard();
      this.#incoming.message(content, buffers ?? []);
    };
    model.on('msg:custom', heard);
    signal.addEventListener('abort', () => model.off('msg:custom', heard));
    if (this.durable.value.state) this.#watch.greet();
  }

  /** Whether the kernel says that it is running something of this session. */
  get busy(): boolean {
    const status = this.durable.value.state?.status;
    return status === 'running' || status === 'generating';
  }

  /** Whether what a person does can reach a model. */
  get reachable(): boolean {
    const { connection } = this.page.value;
    const status = this.durable.value.state?.status ?? 'detached';
    return status !== 'detached' && connection !== 'gone' && connection !== 'silent';
  }

  run(prompt: string): void {
    void this.#ask('run', { prompt });
  }

  generate(prompt: string): void {
    void this.#ask('generate', { prompt, max_new_tokens: NEW_TOKENS });
  }

  stop(): void {
    void this.#ask('stop', {});
  }

  /** Ask for the page that needs no kernel. Its text arrives as the page's `file`. */
  save(): void {
    if (!this.reachable || this.page.value.saving !== null) return;
    const { id, reply } = this.#requests.request('save', {});
    this.page.set({ saving: { id, done: 0, total: 0 }, alert: null, note: null });
    reply.catch((error: unknown) => this.page.set({ saving: null, alert: (error as Error).message }));
  }

  /** Ablate one after the other, each alone, and measure: what is found comes as it is found. */
  sweep(params: Params<'sweep'>): void {
    void this.#ask('sweep', params);
  }

  undo(): Promise<boolean> {
    return this.#ask('undo', {});
  }

  redo(): Promise<boolean> {
    return this.#ask('redo', {});
  }

  restoreAll(): void {
    void this.#ask('restore', { targets: [] });
  }

  /** Ask for the exact matrix of a linear mixer: `page.matrix` has it when it is there, or why there is none. */
  async effective(name: string): Promise<void> {
    if (!this.reachable) return;
    const run = this.durable.value.state?.run?.id ?? null;
    this.page.set({ matrix: { name, run, numbers: null, why: null } });
    const why = await this.#quietly('effective', { name });
    const { matrix } = this.page.value;
    if (why !== null && matrix?.name === name) this.page.set({ matrix: { ...matrix, why } });
  }

  /** Go to the point in the history where `steps` of its entries are in force. */
  async travel(steps: number): Promise<void> {
    const from = this.durable.value.state?.history.cursor ?? 0;
    for (let i = 0; i < Math.abs(steps - from); i++) {
      if (!(await (steps < from ? this.undo() : this.redo()))) return;
    }
  }

  /** Ablate an address, or restore it where it is ablated. Returns what it does. */
  toggle(address: string, how: How): 'ablate' | 'restore' | null {
    const restores = this.#edits(address).length > 0;
    const done = restores ? this.restore([address]) : this.ablate([address], how);
    return done ? (restores ? 'restore' : 'ablate') : null;
  }

  /** Ablate addresses in one step. Returns whether it was asked for. */
  ablate(targets: readonly string[], how: How): boolean {
    return this.#edit('ablate', targets, how);
  }

  /** Put a kind in the place of all that is done to addresses, in one step. */
  change(targets: readonly string[], how: How): boolean {
    return this.#edit('change', targets, how);
  }

  /** Restore addresses that are ablated, in one step. */
  restore(targets: readonly string[]): boolean {
    return this.#edit('restore', targets, null);
  }

  #edits(address: string): readonly Intervention[] {
    return this.durable.value.state?.interventions.filter((one) => one.address === address) ?? [];
  }

  /** Ask for a step and mark what it is about, so that a click is seen before the kernel answers. */
  #edit(method: 'ablate' | 'change' | 'restore', targets: readonly string[], how: How | null): boolean {
    const { state } = this.durable.value;
    const { pending } = this.page.value;
    if (!state || !this.reachable || targets.length === 0 || targets.some((one) => pending.has(one))) return false;
    const cannot = targets.find((one) => how !== null && state.unavailable[one] !== undefined);
    if (cannot !== undefined) {
      this.page.set({ alert: `${cannot} cannot be ablated: ${state.unavailable[cannot]}` });
      return false;
    }
    this.page.set({ pending: new Map([...pending, ...targets.map((one) => [one, how] as const)]) });
    const asked =
      how === null
        ? this.#ask('restore', { targets: [...targets] })
        : this.#ask(method === 'change' ? 'change' : 'ablate', { targets: [...targets], how });
    // The kernel's `state` normally clears the mark before this; a mark must not outlive its request in any case.
    void asked.then((done) => setTimeout(() => this.#settle(targets), done ? SETTLE_MS : 0));
    return true;
  }

  dismiss(): void {
    this.page.set({ alert: null, note: null, dismissed: this.durable.value.state?.problem ?? null });
  }

  /** Ask again whether the kernel is there. */
  retry(): void {
    this.page.set({ connection: 'unknown' });
    this.#watch.greet();
  }

  /** Send; the widget manager throws where the kernel at the other end was restarted or shut down. */
  #send(message: unknown): void {
    try {
      this.model.send(message);
    } catch {
      this.#watch.lost();
    }
  }

  /** Ask for what changes nothing: it may take its time, and what becomes of it is shown where it was asked for. */
  async #quietly<M extends Method>(method: M, params: Params<M>): Promise<string | null> {
    if (!this.durable.value.state) return null;
    try {
      await this.#requests.request(method, params).reply;
      return null;
    } catch (error) {
      return (error as Error).message;
    }
  }

  #hello(): () => boolean {
    const { id, reply } = this.#requests.request('hello', { version: PROTOCOL_VERSION });
    reply.catch((error: unknown) => this.page.set({ alert: String((error as Error).message) }));
    return () => this.#requests.isWaiting(id);
  }

  async #ask<M extends Method>(method: M, params: Params<M>): Promise<boolean> {
    if (!this.durable.value.state) return false;
    // What was asked for is to be seen.
    if (method !== 'stop') this.timeline.resume();
    this.page.set({ alert: null, note: null });
    const { id, reply } = this.#requests.request(method, params);
    this.#watch.sent(() => this.#requests.isWaiting(id));
    try {
      await reply;
      return true;
    } catch (error) {
      if (!(error instanceof RequestFailure)) throw error;
      this.page.set(error.kind === 'note' ? { note: error.message } : { alert: error.message });
      return false;
    }
  }

  #settle(targets: readonly string[]): void {
    const pending = new Map(this.page.value.pending);
    for (const address of targets) pending.delete(address);
    this.page.set({ pending });
  }

  #synced(): void {
    const durable = readDurable(this.model);
    const { pending } = this.page.value;
    const before = this.durable.value.state?.run?.id;
    this.timeline.told(durable.state, this.durable.value.state);
    this.durable.set(durable);
    // A run that went well, whoever began it, is the answer to what went wrong before; its own frames came before this.
    if (durable.state?.run && durable.state.run.id !== before) {
      if (!this.#incoming.unread) this.page.set({ alert: null });
      this.#incoming.unread = false;
    }
    if ((durable.state?.problem ?? null) === null) this.page.set({ dismissed: null });
    this.#watch.heard();
    if (pending.size === 0) return;
    const still = [...pending].filter(([address, how]) => (this.#edits(address).at(-1)?.how ?? null) !== how);
    if (still.length < pending.size) this.page.set({ pending: new Map(still) });
  }
}
