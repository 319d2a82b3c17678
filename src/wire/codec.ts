/**
 * From what arrives on the wire to typed values. Everything that comes from outside is checked here, once: a message or
 * a buffer that is not what the protocol says becomes a `WireError` in words, and never an exception in a drawing.
 */
import { WireError } from './error';
import { type Numbers, numbersOf } from './numbers';
import type { Frame, FrameLayout, KernelMessage, RecordedFrame } from './types.generated';

export { WireError };

export type Bytes = ArrayBuffer | ArrayBufferView;

/** A frame with its buffers as numbers: `stats` is sites x positions x stats, `updates` is updates x positions x 2. */
export interface DecodedFrame {
  readonly header: Frame;
  readonly stats: Float32Array;
  readonly updates: Float32Array;
  /** What pages watch of what is inside of blocks, by name. */
  readonly inside: ReadonlyMap<string, Numbers>;
}

type Fields = Record<string, unknown>;

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null;
const isWhole = (value: unknown): value is number => typeof value === 'number' && Number.isInteger(value);

function missing(message: Fields, wanted: Record<string, (value: unknown) => boolean>): string[] {
  return Object.entries(wanted)
    .filter(([name, fits]) => !fits(message[name]))
    .map(([name]) => name);
}

const FRAME_FIELDS = {
  seq: isWhole,
  missing: isWhole,
  origin: (value: unknown) => typeof value === 'string',
  first: isWhole,
  positions: isWhole,
  tokens: Array.isArray,
  predictions: Array.isArray,
  interventions: isWhole,
  inside: Array.isArray,
  unread: isFields,
};

const EFFECTS_FIELDS = { sweep: isWhole, first: isWhole, total: isWhole, rows: Array.isArray };

function fitsReply(message: Fields): boolean {
  if (!isWhole(message.id)) return false;
  if (message.ok === true) return true;
  return message.ok === false && isFields(message.error) && typeof message.error.message === 'string';
}

const SAVED_FIELDS = {
  id: isWhole,
  name: (value: unknown) => typeof value === 'string',
  done: isWhole,
  total: isWhole,
  running: (value: unknown) => typeof value === 'boolean',
};

/** Check a custom message from the kernel. */
export function parseKernelMessage(content: unknown): KernelMessage {
  if (!isFields(content)) throw new WireError(`expected a message from the kernel, got ${typeof content}`);
  if (content.type === 'frame') {
    const wrong = missing(content, FRAME_FIELDS);
    if (wrong.length > 0) throw new WireError(`a frame came without a valid ${wrong.join(', ')}`);
    return content as unknown as KernelMessage;
  }
  if (content.type === 'matrix') {
    if (!isWhole(content.id) || !isFields(content.inside))
      throw new WireError('a matrix came without saying what it is');
    return content as unknown as KernelMessage;
  }
  if (content.type === 'reply') {
    if (!fitsReply(content)) throw new WireError('a reply came without an id, or without saying whether it worked');
    return content as unknown as KernelMessage;
  }
  if (content.type === 'effects') {
    const wrong = missing(content, EFFECTS_FIELDS);
    if (wrong.length > 0) throw new WireError(`a part of a sweep came without a valid ${wrong.join(', ')}`);
    return content as unknown as KernelMessage;
  }
  if (content.type === 'saved') {
    const wrong = missing(content, SAVED_FIELDS);
    if (wrong.length > 0) throw new WireError(`word of a page that is saved came without a valid ${wrong.join(', ')}`);
    return content as unknown as KernelMessage;
  }
  throw new WireError(
    `expected a message of type frame, matrix, reply, effects or saved, got ${JSON.stringify(content.type) ?? 'none'}`,
  );
}

function floats(bytes: Bytes | undefined, count: number, what: string): Float32Array {
  const got = bytes?.byteLength ?? 0;
  if (got !== count * 4) {
    throw new WireError(`expected ${count * 4} bytes of ${what}, got ${got}: this frame is not drawn`);
  }
  if (!bytes) return new Float32Array(0);
  const [buffer, offset] = ArrayBuffer.isView(bytes) ? [bytes.buffer, bytes.byteOffset] : [bytes, 0];
  // A view into a larger message can start anywhere; float32 needs a multiple of four.
  if (offset % 4 !== 0) return new Float32Array(buffer.slice(offset, offset + got) as ArrayBuffer);
  return new Float32Array(buffer as ArrayBuffer, offset, count);
}

/** Turn a frame's buffers into numbers, checking that they have the size which the layout gives them. */
export function decodeFrame(header: Frame, buffers: readonly Bytes[], layout: FrameLayout): DecodedFrame {
  const { positions } = header;
  return {
    header,
    stats: floats(buffers[0], layout.sites.length * positions * layout.stats.length, 'statistics'),
    updates: floats(buffers[1], layout.updates.length * positions * 2, 'updates'),
    inside: new Map(header.inside.map((one, i) => [one.name, numbersOf(one, buffers[i + 2])])),
  };
}

/** Base64 as bytes. */
export function fromBase64(text: string): Uint8Array {
  const characters = atob(text);
  const bytes = new Uint8Array(characters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = characters.charCodeAt(i);
  return bytes;
}

/** The buffers of a frame that was written into a page. */
export function recordedBuffers(recorded: RecordedFrame): DataView[] {
  return [recorded.stats, recorded.updates, ...recorded.inside].map((text) => new DataView(fromBase64(text).buffer));
}
