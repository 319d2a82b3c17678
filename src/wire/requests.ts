/**
 * Requests and their replies. Each request has an id; the reply with that id settles its promise. Replies reach every
 * page that looks at the same kernel, so ids start at a random number and a reply to another page is left alone.
 */
import type { Reply, Request, Success } from './types.generated';

export type Method = Request['method'];
export type Params<M extends Method> = Extract<Request, { method: M }>['params'];

/** The kernel answered that it did not do it. */
export class RequestFailure extends Error {
  override name = 'RequestFailure';
  constructor(
    readonly kind: string,
    message: string,
  ) {
    super(message);
  }
}

interface Waiting {
  resolve: (reply: Success) => void;
  reject: (reason: RequestFailure) => void;
}

export class Requests {
  #next = 1 + Math.floor(Math.random() * 1e9);
  #waiting = new Map<number, Waiting>();

  constructor(private readonly send: (message: Request) => void) {}

  /** Send a request; the promise settles with its reply and never on its own. */
  request<M extends Method>(method: M, params: Params<M>): { id: number; reply: Promise<Success> } {
    const id = this.#next++;
    const reply = new Promise<Success>((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    this.send({ type: 'request', id, method, params } as unknown as Request);
    return { id, reply };
  }

  /** Settle the request that a reply belongs to. Returns whether it was one of ours. */
  settle(reply: Reply): boolean {
    const waiting = this.#waiting.get(reply.id);
    if (!waiting) return false;
    this.#waiting.delete(reply.id);
    if (reply.ok) waiting.resolve(reply);
    else waiting.reject(new RequestFailure(reply.error.kind, reply.error.message));
    return true;
  }

  isWaiting(id: number): boolean {
    return this.#waiting.has(id);
  }
}
