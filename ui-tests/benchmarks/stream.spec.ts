// The page's own speed, in a real browser without a kernel: first paint, streaming, many widgets, memory over time.
import { type Browser, expect, type Page, test } from '@playwright/test';
import {
  deep,
  fixture,
  type Held,
  heapOf,
  mount,
  openHarness,
  quantile,
  type Spent,
  shiftsWhile,
  sizeOf,
  stream,
  type Traits,
  traced,
} from '../harness';

const HZ = 30;
const FRAMES = 300;
const ROUNDS = 7;
const SECONDS = Number(process.env.GLASSBLOCK_STREAM_SECONDS ?? 60);
const WIDE = { width: 1400, height: 1000 };
/** Frames are kept up to 64 MB; besides there is the one that comes, and what is drawn of them. */
const KEPT = 70;
/** A line, a mark or a tooltip more, by what the last frame happens to show. */
const NODES = 20;

const ms = (value: number) => `${value.toFixed(1)} ms`;
const say = (what: string, of: string, words: string) =>
  process.stdout.write(`  ${what.padEnd(28)} ${of.padEnd(34)} ${words}\n`);

// What a test keeps of itself to be looked at later would be measured, too.
test.use({ trace: 'off' });

async function fresh(browser: Browser, act: (page: Page) => Promise<void>): Promise<void> {
  const context = await browser.newContext({ viewport: WIDE });
  const page = await context.newPage();
  await openHarness(page);
  await act(page);
  await context.close();
}

/** What the page's script may weigh. */
const AIM = 250_000;

test('bundle size', () => {
  for (const name of ['widget.js', 'widget.css', 'standalone.js', 'picture.js']) {
    const aim = name === 'widget.js' ? ` (the aim: ${AIM / 1000} KB)` : '';
    say('size', name, `${(sizeOf(name) / 1000).toFixed(0)} KB${aim}`);
  }
});

test('first paint of DeepSeek-V3', async ({ browser }) => {
  const { architecture } = fixture('deepseek_v3');
  const painted: number[] = [];
  const spent: Spent[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    await fresh(browser, async (page) => {
      const act = async () => {
        painted.push((await mount(page, { architecture, frame_layout: null, state: null })).painted);
      };
      spent.push(...(await traced(browser, page, act)));
    });
  }
  const median = (of: keyof Spent) =>
    ms(
      quantile(
        spent.map((one) => one[of]),
        0.5,
      ),
    );
  say('first paint', 'DeepSeek-V3, main thread, all', `median ${median('all')}`);
  say('', 'style and layout, paint', `median ${median('style')}, ${median('paint')}`);
  say('', 'until painted, by the clock', `median ${ms(quantile(painted, 0.5))}, most ${ms(quantile(painted, 1))}`);
});

/** Stream, and say what a frame cost. */
async function measured(browser: Browser, page: Page, name: string): Promise<void> {
  let held = 0;
  const spent = await traced(browser, page, async () => {
    held = (await stream(page, { hz: HZ, frames: FRAMES })).held;
  });
  const line = (kind: keyof (typeof spent)[number]) => {
    const values = spent.map((one) => one[kind]);
    return `p50 ${ms(quantile(values, 0.5))}, p95 ${ms(quantile(values, 0.95))}, most ${ms(quantile(values, 1))}`;
  };
  say(name, 'main thread, all', line('all'));
  say('', 'the same by the clock', line('wall'));
  say('', 'script', line('script'));
  say('', 'style and layout', line('style'));
  say('', 'paint', line('paint'));
  if (held > 0) say('', 'frames that had to wait', String(held));
}

const STREAMS: [string, Traits, string][] = [
  ['100 layers x 32 heads', deep(100), ''],
  ['58 x 256 experts, diagram', fixture('deepseek_v3'), ''],
  ['58 x 256 experts, raster', fixture('deepseek_v3'), 'e'],
];

for (const [name, traits, key] of STREAMS) {
  test(`streaming ${name}`, async ({ browser }) => {
    await fresh(browser, async (page) => {
      await mount(page, traits);
      if (key) {
        await page.locator('.gb-hit[tabindex="0"]').first().focus();
        await page.keyboard.press(key);
      }
      await stream(page, { hz: HZ, frames: 60 });
      await measured(browser, page, name);
    });
  });
}

test('nothing moves while it streams', async ({ browser }) => {
  await fresh(browser, async (page) => {
    await mount(page, fixture('gpt'));
    await stream(page, { hz: HZ, frames: 5 });
    const shifts = await shiftsWhile(page, () => stream(page, { hz: HZ, frames: 150 }));
    const sum = shifts.reduce((all, { value }) => all + value, 0);
    say('layout shift', '150 frames', `${shifts.length} shifts, ${sum.toFixed(5)} in all`);
    expect(shifts).toEqual([]);
  });
});

test('ten widgets on one page', async ({ browser }) => {
  await fresh(browser, async (page) => {
    const times: number[] = [];
    for (let i = 0; i < 10; i++) times.push((await mount(page, fixture('gpt2'))).painted);
    say('ten widgets', '12 layers each, to mount', `median ${ms(quantile(times, 0.5))} each`);
    say('', 'heap', `${(await heapOf(page, await page.context().newCDPSession(page))).megabytes.toFixed(1)} MB`);
    await measured(browser, page, 'ten streams at once');
  });
});

test('a long stream', async ({ browser }) => {
  test.setTimeout((SECONDS + 120) * 1000);
  await fresh(browser, async (page) => {
    const cdp = await page.context().newCDPSession(page);
    await mount(page, deep(100));
    // Each part is a text of its own, with which the frames that are kept begin anew.
    const held: Held[] = [];
    for (let part = 0; part < 6; part++) {
      await stream(page, { hz: HZ, frames: (SECONDS * HZ) / 6 });
      held.push(await heapOf(page, cdp));
    }
    const row = (what: keyof Held, decimals = 0) => held.map((one) => one[what].toFixed(decimals)).join(', ');
    say('long stream', `heap after each sixth of ${SECONDS} s`, `${row('megabytes', 1)} MB`);
    say('', 'numbers of frames', `${row('buffers', 1)} MB`);
    say('', 'nodes but for tokens', row('nodes'));
    say('', 'listeners', row('listeners'));
    // After the first part all that is remembered was there once: from then on nothing is added.
    const [first, ...later] = held.slice(1);
    for (const one of later) {
      expect(one.listeners).toBe(first?.listeners);
      expect(one.nodes).toBeLessThanOrEqual((first?.nodes ?? 0) + NODES);
      expect(one.megabytes).toBeLessThan((first?.megabytes ?? 0) + 0.5);
      expect(one.buffers).toBeLessThan(KEPT);
    }
  });
});
