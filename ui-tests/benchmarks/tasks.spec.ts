// Tasks that a person comes with, done in a browser on exported pages: how many clicks and keys each takes, and how long the
// page takes from the first of them to the answer. Each answer is checked against numbers that the page did not make.
import { execFileSync } from 'node:child_process';
import { expect, type Locator, type Page, test } from '@playwright/test';
import { number } from '../helpers/diagram';
import { pageOf } from '../helpers/pages';

test.use({ trace: 'off', viewport: { width: 1400, height: 900 } });

/** What Python says, as JSON. */
const python = (code: string): unknown =>
  JSON.parse(execFileSync('python', ['-c', `import json, glassblock as gb\n${code}`], { encoding: 'utf8' }));

/** A person whose clicks and keys are counted. */
class Hands {
  clicks = 0;
  keys = 0;
  #begun = 0;

  constructor(readonly page: Page) {}

  #begin(): void {
    if (this.clicks + this.keys === 0) this.#begun = performance.now();
  }

  async click(what: Locator): Promise<void> {
    this.#begin();
    this.clicks += 1;
    await what.click();
  }

  async choose(list: Locator, label: string): Promise<void> {
    this.#begin();
    this.clicks += 2; // open the list, choose from it
    await list.selectOption({ label });
  }

  async type(text: string): Promise<void> {
    this.#begin();
    this.keys += text.length;
    await this.page.keyboard.type(text);
  }

  say(task: string, answer: string): void {
    const took = `${(performance.now() - this.#begun).toFixed(0)} ms`;
    const count = (n: number, of: string) => `${n} ${of}${n === 1 ? '' : 's'}`;
    const effort = `${count(this.clicks, 'click')}, ${count(this.keys, 'key')}`;
    process.stdout.write(`  ${task.padEnd(58)} ${effort.padEnd(19)} ${took.padStart(8)}   ${answer}\n`);
  }
}

async function begin(page: Page, source: string): Promise<{ view: Locator; hands: Hands }> {
  await page.goto(pageOf(source));
  const view = page.locator('.gb-root').first();
  await view.waitFor();
  return { view, hands: new Hands(page) };
}

test('find the layer with the largest update', async ({ page }) => {
  const [address] = python(`
s = gb.demo(); f = s.run(s.suggestions[0][1]).frames[0]
sizes = {a: float(f.updates[row, 0, -1, 0]) for row, a in enumerate(f.layout.updates)}
print(json.dumps(sorted(sizes, key=sizes.get)[-1:]))`) as string[];
  const { view, hands } = await begin(page, 'demo:gpt');
  await hands.choose(view.locator('.gb-heat select'), 'size of the updates');
  const said = view.getByTestId('heat-largest');
  await expect(said).toContainText(address ?? 'none');
  hands.say('the layer with the largest update', (await said.textContent()) ?? '');
});

test('ablate head 3 of layer 2 and read the new probability', async ({ page }) => {
  const prob = python(`
s = gb.demo(); s.run(s.suggestions[0][1]); s.ablate("L2.attn.H3"); r = s.run().predictions[0]
print(json.dumps(r.ablated.prob))`) as number;
  const { view, hands } = await begin(page, 'demo:gpt');
  await hands.click(view.locator('[data-address="L2.attn.H3"]').first());
  await expect(view.getByTestId('kl')).toContainText('nats');
  const read = await number(view, 'Mary', 'ablated');
  hands.say('ablate head 3 of layer 2, read the probability', `Mary ${(100 * read).toFixed(1)} %`);
  expect(read).toBeCloseTo(prob, 6);
});

test('find which experts a token used', async ({ page }) => {
  const used = python(`
s = gb.demo("moe"); s.run(s.suggestions[0][1]); print(json.dumps(s.cache("L1.moe.indices")["L1.moe.indices"][-1].tolist()))`) as number[];
  const { view, hands } = await begin(page, 'demo:moe');
  await hands.click(view.getByRole('radio', { name: 'Experts' }));
  const told = view.locator('.gb-ex-names > :last-child');
  for (const expert of used) await expect(told).toHaveAttribute('aria-label', new RegExp(`E${expert} `));
  hands.say('which experts the last token used', (await told.getAttribute('aria-label')) ?? '');
});

test('see which layers have a sliding window', async ({ page }) => {
  const windows = python(`
a = gb.unfold("gallery:gemma-2-9b").architecture
print(json.dumps([i for g in a.stacks[-1].groups if g.template.blocks[1].spec.window or g.template.blocks[0].spec and getattr(g.template.blocks[0].spec, "window", None) for i in g.layers]))`) as number[];
  const { view, hands } = await begin(page, 'gallery:gemma-2-9b');
  await hands.click(view.getByRole('combobox').first());
  await hands.type('sliding');
  const said = page.getByText(`${windows.length} of 42 layers`).first();
  await expect(said).toBeVisible();
  hands.say('which layers of a hybrid have a sliding window', (await said.textContent()) ?? '');
});

test('export a picture', async ({ page }) => {
  const { view, hands } = await begin(page, 'gallery:gemma-2-9b');
  const download = page.waitForEvent('download');
  await hands.click(view.getByTestId('export'));
  await hands.click(view.getByRole('menuitem', { name: /PNG/ }));
  hands.say('export a picture', (await download).suggestedFilename());
});
