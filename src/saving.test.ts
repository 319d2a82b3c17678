/** Pictures and pages that are saved from the page. */

import { readFileSync } from 'node:fs';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { architecture } from './fixtures';
import { settled } from './fixtures/model';
import { ablated, show } from './fixtures/page';

beforeEach(() => {
  document.body.replaceChildren();
});

describe('the picture of a page', () => {
  const saved = async (press: () => void) => {
    const files: Blob[] = [];
    vi.stubGlobal('URL', { createObjectURL: (file: Blob) => `blob:${files.push(file)}`, revokeObjectURL: () => {} });
    const names: string[] = [];
    vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(function (this: HTMLAnchorElement) {
      names.push(this.download);
    });
    press();
    const texts = await Promise.all(files.map((file) => file.text()));
    vi.unstubAllGlobals();
    return { names, texts };
  };
  const choose = (find: (selector: string) => HTMLElement) => {
    find('[data-testid="export"]').click();
    find('.gb-menu [role="menuitem"]').click();
  };

  beforeEach(() => {
    const style = document.createElement('style');
    style.textContent = ['base', 'diagram', 'hits']
      .map((name) => readFileSync(`src/style/${name}.css`, 'utf8'))
      .join('');
    document.head.replaceChildren(style);
  });

  it('has the layers that the cards show', async () => {
    const of = architecture('deepseek_v3');
    const { find } = show(of, null);
    find('[data-layer="L17"]').dispatchEvent(new MouseEvent('click', { bubbles: true }));
    await settled();
    const { names, texts } = await saved(() => choose(find));
    expect(names).toEqual(['DeepseekV3ForCausalLM.svg']);
    const [picture = ''] = texts;
    expect(picture.startsWith('<svg xmlns="http://www.w3.org/2000/svg"')).toBe(true);
    expect(picture).toContain('data-address="L17.moe.E255"');
    expect(picture).not.toContain('data-address="L3.moe"');
    expect(picture).not.toContain('var(');
  });

  it('has what a live model predicts, and what is done to it', async () => {
    const { find, model, frame } = show();
    const { interventions = [], ...rest } = ablated('L1.attn.H2');
    model.become({ ...rest, interventions: interventions.map((one) => ({ ...one, sentence: 'H2 is replaced.' })) });
    await frame('L1.attn.H2');
    const [picture = ''] = (await saved(() => choose(find))).texts;
    const said = [...picture.matchAll(/<text[^>]*>([^<]*)/g)].map(([, words]) => words);
    expect(said).toContain('H2 is replaced.');
    expect(said).toContain('21.4 %');
    expect(said).toContain('Next token, KL 1.15 nats');
    expect(picture).toMatch(/data-address="L1\.attn\.H2">\s*<rect[^>]*fill="url\(#gb-hatch\)"/);
  });

  it('comes with the page itself, which the kernel makes for who asks', async () => {
    const { find, model } = show();
    find('[data-testid="export"]').click();
    const item = [...find('.gb-menu').querySelectorAll('button')].find((node) => node.textContent?.startsWith('Page'));
    item?.click();
    const [asked] = model.requests('save');
    const told = (id: number, more: object, buffers: DataView[] = []) =>
      model.emit(
        'msg:custom',
        { type: 'saved', id, name: 'gpt.html', done: 3, total: 8, running: true, ...more },
        buffers,
      );
    told(asked?.id ?? 0, {});
    await settled();
    expect(find('[data-testid="export"]').textContent).toContain('3 of 8');
    const { names, texts } = await saved(() => {
      const text = new DataView(new TextEncoder().encode('<p>it</p>').buffer);
      told((asked?.id ?? 0) + 1, { running: false }, [text]); // another page's
      told(asked?.id ?? 0, { running: false, done: 8 }, [text]);
    });
    expect([names, texts]).toEqual([['gpt.html'], ['<p>it</p>']]);
    await settled();
    expect(find('[data-testid="export"]').textContent).toContain('Export');
  });

  it('is chosen with the keyboard alone', async () => {
    const { find } = show();
    const button = find('[data-testid="export"]');
    const press = (key: string) =>
      (document.activeElement ?? button).dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
    button.focus();
    press('ArrowDown');
    const items = [...find('.gb-menu').children];
    expect(document.activeElement).toBe(items[0]);
    press('ArrowUp');
    expect(document.activeElement).toBe(items.at(-1));
    press('Home');
    press('Escape');
    expect(find('.gb-menu').hidden).toBe(true);
    expect(document.activeElement).toBe(button);
  });

  it('has a name that every file system takes', async () => {
    const of = architecture('gpt');
    of.name = '../a/b: <c>';
    const { find } = show(of, null);
    expect((await saved(() => choose(find))).names).toEqual(['a-b-c.svg']);
  });
});
