/**
 * Numbers from inside of a block, as a frame brings them. They stay as they came until somebody looks: most frames pass
 * by unseen, and a pattern is half a million numbers.
 */
import type { Bytes } from './codec';
import { WireError } from './error';
import type { Tapped } from './types.generated';

const WIDTH: Readonly<Record<Tapped['dtype'], number>> = { float32: 4, float16: 2, uint8: 1 };

export interface Numbers {
  readonly of: Tapped;
  /** In the order of `of.shape`; worked out when it is first asked for. */
  readonly values: Float32Array;
}

/** An IEEE half as a number. Browsers have had a Float16Array since 2025 only. */
function half(bits: number): number {
  const [sign, exponent, mantissa] = [bits & 0x8000 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 31) return mantissa ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
}

let halves: Float32Array | null = null;

/** All 65,536 halves: looking one up is faster than working it out. */
function table(): Float32Array {
  halves ??= Float32Array.from({ length: 1 << 16 }, (_, bits) => half(bits));
  return halves;
}

function read(bytes: DataView, dtype: Tapped['dtype'], count: number): Float32Array {
  if (dtype === 'uint8') return Float32Array.from({ length: count }, (_, i) => bytes.getUint8(i) / 255);
  if (dtype === 'float32') return Float32Array.from({ length: count }, (_, i) => bytes.getFloat32(4 * i, true));
  const known = table();
  return Float32Array.from({ length: count }, (_, i) => known[bytes.getUint16(2 * i, true)] ?? 0);
}

/** The numbers of a buffer, checked to be as many as its header says. */
export function numbersOf(of: Tapped, bytes: Bytes | undefined): Numbers {
  const count = of.shape.reduce((product, length) => product * length, 1);
  const [wanted, got] = [count * (WIDTH[of.dtype] ?? Number.NaN), bytes?.byteLength ?? 0];
  if (!bytes || got !== wanted) {
    throw new WireError(`expected ${wanted} bytes of ${of.name}, got ${got}: this frame is not drawn`);
  }
  const view = ArrayBuffer.isView(bytes)
    ? new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    : new DataView(bytes);
  let values: Float32Array | null = null;
  return {
    of,
    get values() {
      values ??= read(view, of.dtype, count);
      return values;
    },
  };
}
