/// <reference types="node" />
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { decodeFrame, fromBase64, parseKernelMessage, recordedBuffers, WireError } from './codec';
import type { Frame, FrameLayout } from './types.generated';

const GOLDEN = join(process.cwd(), 'protocol', 'golden');

interface Golden {
  definition: string;
  message: unknown;
  buffers?: string[];
  expected?: {
    shape: number[];
    norm: Record<string, (number | null)[]>;
    nonfinite: Record<string, number[]>;
    updates: Record<string, [number, number][]>;
    inside: Record<string, number[]>;
  };
}

const golden = (file: string) => JSON.parse(readFileSync(join(GOLDEN, file), 'utf8')) as Golden;
const files = readdirSync(GOLDEN).filter((file) => file.endsWith('.json'));
const FROM_KERNEL = new Set(['Frame', 'Matrix', 'Success', 'Failure', 'Effects', 'Saved']);

describe('golden messages', () => {
  it.each(files)('%s', (file) => {
    const { definition, message } = golden(file);
    if (FROM_KERNEL.has(definition)) expect(parseKernelMessage(message)).toEqual(message);
    else expect(() => parseKernelMessage(message)).toThrow(WireError);
  });

  it('a frame becomes the numbers that were written', () => {
    const { message, buffers, expected } = golden('frame.json');
    const layout = golden('layout.json').message as FrameLayout;
    const header = parseKernelMessage(message) as Frame;
    const frame = decodeFrame(header, (buffers ?? []).map(fromBase64), layout);
    const [sites = 0, positions = 0, stats = 0] = expected?.shape ?? [];
    expect(frame.stats).toHaveLength(sites * positions * stats);
    const at = (address: string, stat: string) => {
      const [row, column] = [layout.sites.findIndex((one) => one.address === address), layout.stats.indexOf(stat)];
      return Array.from({ length: positions }, (_, i) => frame.stats[(row * positions + i) * stats + column] ?? 0);
    };
    const measured = (numbers: number[]) => numbers.map((value) => (Number.isNaN(value) ? null : value));
    for (const [address, values] of Object.entries(expected?.norm ?? {})) {
      expect(measured(at(address, 'norm')), address).toEqual(values);
    }
    for (const [address, values] of Object.entries(expected?.nonfinite ?? {})) {
      expect(at(address, 'nonfinite'), address).toEqual(values);
    }
    for (const [address, pairs] of Object.entries(expected?.updates ?? {})) {
      const row = layout.updates.indexOf(address) * positions * 2;
      expect([...frame.updates.slice(row, row + positions * 2)], address).toEqual(pairs.flat());
    }
    for (const [name, values] of Object.entries(expected?.inside ?? {})) {
      expect([...(frame.inside.get(name)?.values ?? [])], name).toEqual(values);
    }
  });
});

describe('what is not as the protocol says', () => {
  const header = golden('frame.json').message as Frame;
  const layout = golden('layout.json').message as FrameLayout;

  it('a buffer of a wrong size is refused, with both sizes', () => {
    const short = new DataView(new ArrayBuffer(12));
    expect(() => decodeFrame(header, [short], layout)).toThrow(/expected 160 bytes of statistics, got 12/);
  });

  it('a message without its fields is refused, with their names', () => {
    expect(() => parseKernelMessage({ type: 'frame', seq: 1 })).toThrow(
      /without a valid missing, origin, first, positions/,
    );
    expect(() => parseKernelMessage({ type: 'reply', id: 1 })).toThrow(/reply/);
    expect(() => parseKernelMessage({ type: 'party' })).toThrow(/"party"/);
    expect(() => parseKernelMessage(null)).toThrow(WireError);
  });

  it('a buffer that starts anywhere in a larger one is read all the same', () => {
    const [stats, updates] = recordedBuffers({
      header,
      stats: golden('frame.json').buffers?.[0] ?? '',
      updates: '',
      inside: [],
    });
    const shifted = new Uint8Array(163);
    shifted.set(new Uint8Array(stats?.buffer ?? new ArrayBuffer(0)), 3);
    const none = { ...layout, updates: [] };
    const bare = { ...header, inside: [] };
    const frame = decodeFrame(bare, [new DataView(shifted.buffer, 3), updates as DataView], none);
    expect(frame.stats[0]).toBe(1);
  });
});
