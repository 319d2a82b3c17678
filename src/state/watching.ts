/**
 * What is shown of the insides of blocks: each part of each view says what it shows, and the kernel is asked for all of
 * it. It is asked again every now and then, because a kernel cannot tell a page that looks on from one that is gone.
 */
import type { Params } from '../wire/requests';

/** The kernel lets go after a minute. */
const EVERY = 20_000;
/** Names that the protocol lets a page ask for. */
const MOST = 64;

type Ask = (params: Params<'watch'>) => void;

export class Watching {
  #shown = new Map<unknown, readonly string[]>();
  #asked = '';
  #page = Math.random().toString(36).slice(2);
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(
    private readonly ask: Ask,
    private readonly signal: AbortSignal,
  ) {
    signal.addEventListener('abort', () => {
      clearInterval(this.#timer);
      this.#shown.clear();
      this.#tell();
    });
  }

  /** Say what somebody shows, in the place of what it showed before. */
  show(by: unknown, names: readonly string[]): void {
    if (this.signal.aborted) return;
    if (names.length > 0) this.#shown.set(by, names);
    else this.#shown.delete(by);
    this.#tell();
  }

  /** Ask anew: the kernel may have forgotten, or never heard. */
  again(): void {
    if (this.#names.length === 0) return;
    this.#asked = '';
    this.#tell();
  }

  get #names(): string[] {
    return [...new Set([...this.#shown.values()].flat())].slice(0, MOST);
  }

  #tell(): void {
    const names = this.#names;
    const key = names.join('\n');
    if (key === this.#asked) return;
    this.#asked = key;
    this.ask({ page: this.#page, names });
    clearInterval(this.#timer);
    const awake = () => typeof document === 'undefined' || document.visibilityState !== 'hidden';
    if (names.length > 0) this.#timer = setInterval(() => awake() && this.again(), EVERY);
  }
}
