/** A value, and who wants to know when it changes. Listeners go when their signal aborts. */
export class Store<T extends object> {
  #value: T;
  #listeners = new Set<(changed: ReadonlySet<keyof T>) => void>();

  constructor(value: T) {
    this.#value = value;
  }

  get value(): Readonly<T> {
    return this.#value;
  }

  /** Replace some fields. Listeners hear which of them differ, at once; nobody hears of a change that is none. */
  set(patch: Partial<T>): void {
    const changed = new Set<keyof T>();
    for (const key of Object.keys(patch) as (keyof T)[]) {
      if (!Object.is(this.#value[key], patch[key])) changed.add(key);
    }
    if (changed.size === 0) return;
    this.#value = { ...this.#value, ...patch };
    for (const listener of [...this.#listeners]) listener(changed);
  }

  subscribe(listener: (changed: ReadonlySet<keyof T>) => void, signal: AbortSignal): void {
    if (signal.aborted) return;
    this.#listeners.add(listener);
    signal.addEventListener('abort', () => this.#listeners.delete(listener), { once: true });
  }
}
