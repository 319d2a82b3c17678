import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { architecture, frameLayout, intervention, recordedFrame, sessionState } from '../fixtures';
import { FakeModel } from '../fixtures/model';
import { recordedBuffers } from '../wire/codec';
import { Session } from './session';

const gpt = architecture('gpt');
const layout = frameLayout(gpt);

function open() {
  const model = new FakeModel({ architecture: gpt, frame_layout: layout, state: sessionState() });
  const controller = new AbortController();
  return { model, controller, session: new Session(model, controller.signal) };
}

function sendFrame(model: FakeModel, seq: number, buffers = recordedBuffers(recordedFrame(layout))): void {
  model.emit('msg:custom', { ...recordedFrame(layout).header, seq }, buffers);
}

const acks = (model: FakeModel) => model.sent.filter((one) => (one as { type: string }).type === 'ack');

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('requests', () => {
  it('greet the kernel when the page opens, and not where there is only an architecture', () => {
    expect(open().model.requests('hello')).toHaveLength(1);
    const still = new FakeModel({ architecture: gpt, frame_layout: null, state: null });
    new Session(still, new AbortController().signal);
    expect(still.sent).toEqual([]);
  });

  it('mark a click as pending until the state has it', () => {
    const { model, session } = open();
    expect(session.toggle('L1.attn.H2', 'mean')).toBe('ablate');
    expect(model.requests('ablate')[0]?.params).toEqual({ targets: ['L1.attn.H2'], how: 'mean' });
    expect(session.page.value.pending.get('L1.attn.H2')).toBe('mean');
    model.become({ interventions: [intervention('L1.attn.H2', 'mean')] });
    expect(session.page.value.pending.size).toBe(0);
    expect(session.toggle('L1.attn.H2', 'mean')).toBe('restore');
  });

  it('that fail say why and take their mark back', async () => {
    const { model, session } = open();
    session.toggle('L1.attn.H2', 'zero');
    model.reply('ablate', { kind: 'AddressError', message: 'no such head' });
    await vi.advanceTimersByTimeAsync(1);
    expect(session.page.value.alert).toBe('no such head');
    expect(session.page.value.pending.size).toBe(0);
  });

  it('that fail are forgotten with the next run that goes well, whoever began it; broken frames are of that run', async () => {
    const { model, session } = open();
    session.run('');
    model.reply('run', { kind: 'PromptError', message: 'expected a prompt, got an empty one' });
    await vi.advanceTimersByTimeAsync(1);
    expect(session.page.value.alert).toMatch(/got an empty one/);
    model.become({ status: 'idle' });
    expect(session.page.value.alert).toMatch(/got an empty one/);
    const run = { ...sessionState().run, id: 77 } as never;
    model.become({ run });
    expect(session.page.value.alert).toBeNull();
    sendFrame(model, 7, [new DataView(new ArrayBuffer(4))]);
    model.become({ run: { ...(run as object), id: 78 } as never });
    expect(session.page.value.alert).toMatch(/expected \d+ bytes of statistics, got 4/);
    model.become({ run: { ...(run as object), id: 79 } as never });
    expect(session.page.value.alert).toBeNull();
  });

  it('are not made for what cannot be ablated', () => {
    const { model, session } = open();
    model.become({ unavailable: { 'L1.mlp': 'it has no port' } });
    expect(session.toggle('L1.mlp', 'zero')).toBeNull();
    expect(session.page.value.alert).toMatch(/L1.mlp cannot be ablated: it has no port/);
    expect(model.requests('ablate')).toEqual([]);
  });

  it('leave replies to other pages alone', () => {
    const { model, session } = open();
    model.emit('msg:custom', { type: 'reply', id: -5, ok: false, error: { kind: 'x', message: 'not ours' } }, []);
    expect(session.page.value.alert).toBeNull();
  });
});

describe('frames', () => {
  it('are drawn and acknowledged when the browser paints, only the newest if several came', async () => {
    const { model, session } = open();
    sendFrame(model, 3);
    sendFrame(model, 4);
    expect(acks(model)).toEqual([]);
    await vi.advanceTimersByTimeAsync(50);
    expect(acks(model)).toEqual([{ type: 'ack', seq: 4 }]);
    expect(session.page.value.frame?.header.seq).toBe(4);
    expect(session.page.value.clean).toBe(session.page.value.frame);
    expect(session.page.value.tokens).toEqual(['When', 'Mary', 'and', 'John']);
  });

  it('that come out of order are acknowledged by the last that came, and the newest is drawn', async () => {
    const { model, session } = open();
    sendFrame(model, 4);
    sendFrame(model, 3);
    await vi.advanceTimersByTimeAsync(50);
    expect(acks(model)).toEqual([{ type: 'ack', seq: 3 }]);
    expect(session.page.value.frame?.header.seq).toBe(4);
  });

  it('that are broken are reported, acknowledged, and change nothing', async () => {
    const { model, session } = open();
    sendFrame(model, 7, [new DataView(new ArrayBuffer(4))]);
    await vi.advanceTimersByTimeAsync(50);
    expect(session.page.value.alert).toMatch(/expected \d+ bytes of statistics, got 4/);
    expect(session.page.value.frame).toBeNull();
    expect(acks(model)).toEqual([{ type: 'ack', seq: 7 }]);
  });

  const write = async (model: FakeModel, seq: number, first: number, token: string) => {
    const pass = { seq, origin: 'generate', first, positions: 1, tokens: [token] };
    const size = (rows: number) => new DataView(new ArrayBuffer(rows * 4));
    const buffers = [size(layout.sites.length * layout.stats.length), size(layout.updates.length * 2)];
    model.emit('msg:custom', { ...recordedFrame(layout).header, ...pass }, buffers);
    await vi.advanceTimersByTimeAsync(50);
  };

  it('of a generation put their tokens after those that were there', async () => {
    const { model, session } = open();
    sendFrame(model, 1);
    await vi.advanceTimersByTimeAsync(50);
    await write(model, 2, 4, 'went');
    expect(session.page.value.tokens).toEqual(['When', 'Mary', 'and', 'John', 'went']);
  });

  it('that come late put their tokens where none were known, and are told to the views', async () => {
    const { model, session, controller } = open();
    sendFrame(model, 1);
    await vi.advanceTimersByTimeAsync(50);
    await write(model, 3, 5, 'home');
    expect(session.page.value.tokens).toEqual(['When', 'Mary', 'and', 'John', null, 'home']);
    const shown = session.page.value.frame;
    const told = vi.fn();
    session.page.subscribe(told, controller.signal);
    await write(model, 2, 4, 'went');
    expect(session.page.value.tokens).toEqual(['When', 'Mary', 'and', 'John', 'went', 'home']);
    expect(session.page.value.frame).toBe(shown);
    expect(told).toHaveBeenCalled();
  });
});

describe('the connection', () => {
  it('that is closed ends what was asked for and will not come', () => {
    const { model, session } = open();
    session.toggle('L1.attn.H2', 'zero');
    session.save();
    const rows = [{ address: 'L0.mlp', effect: 0.5, why: null }];
    const about = { sweep: 1, how: 'zero', metric: 'logit of Mary', unit: '', prompt: '', clean: null, python: '' };
    model.emit('msg:custom', { type: 'effects', ...about, first: 0, rows, total: 3, running: true });
    expect(session.page.value).toMatchObject({ saving: { done: 0 }, sweep: { running: true } });
    expect(session.page.value.pending.size).toBe(1);
    model.emit('comm:close');
    expect(session.page.value).toMatchObject({ connection: 'gone', saving: null, sweep: { rows, running: false } });
    expect(session.page.value.pending.size).toBe(0);
  });

  it('is silent when nobody answers the greeting, and live again when anything comes', async () => {
    const { model, session } = open();
    await vi.advanceTimersByTimeAsync(3100);
    expect(session.page.value.connection).toBe('silent');
    expect(session.reachable).toBe(false);
    model.become({});
    expect(session.page.value.connection).toBe('live');
  });

  it('is silent when a request stays unanswered, but not while the kernel is known to be busy', async () => {
    const { model, session } = open();
    model.reply('hello');
    model.become({ status: 'generating' });
    session.stop();
    await vi.advanceTimersByTimeAsync(6000);
    expect(session.page.value.connection).toBe('live');
    model.become({ status: 'idle' });
    await vi.advanceTimersByTimeAsync(6000);
    expect(session.page.value.connection).toBe('silent');
  });

  it('is gone when it was closed, and after a restart that nobody survived', async () => {
    const closed = open();
    closed.model.emit('comm:close');
    expect(closed.session.page.value.connection).toBe('gone');
    const restarted = open();
    restarted.model.reply('hello');
    restarted.model.emit('comm_live_update');
    await vi.advanceTimersByTimeAsync(1600);
    expect(restarted.session.page.value.connection).toBe('gone');
    expect(restarted.session.toggle('L0.mlp', 'zero')).toBeNull();
  });
});

it('leaves no listener on the model when it ends', () => {
  const { model, controller } = open();
  expect(model.count).toBeGreaterThan(0);
  controller.abort();
  expect(model.count).toBe(0);
});
