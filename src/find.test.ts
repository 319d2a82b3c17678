import { beforeEach, describe, expect, it } from 'vitest';
import { architecture } from './fixtures';
import { settled } from './fixtures/model';
import { mounted } from './fixtures/page';

function show(name: Parameters<typeof architecture>[0]) {
  const { el } = mounted(architecture(name), null);
  const box = el.querySelector('[role=combobox]') as HTMLInputElement;
  const press = (key: string, at: Element = box) => {
    at.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
    return settled();
  };
  const type = (text: string) => {
    box.focus();
    box.value = text;
    box.dispatchEvent(new Event('input', { bubbles: true }));
    return settled();
  };
  const options = () => [...el.querySelectorAll('[role=option]')];
  return { el, box, press, type, options };
}

beforeEach(() => document.body.replaceChildren());

describe('the search box', () => {
  it('is a combobox whose active option the arrows move', async () => {
    const { el, box, press, type, options } = show('gemma2');
    await type('l17');
    expect(box.getAttribute('aria-expanded')).toBe('true');
    expect(el.querySelector(`#${box.getAttribute('aria-controls')}`)?.getAttribute('role')).toBe('listbox');
    const active = () => options().findIndex(({ id }) => id === box.getAttribute('aria-activedescendant'));
    expect(active()).toBe(0);
    await press('ArrowDown');
    expect(active()).toBe(1);
    expect(options()[1]?.getAttribute('aria-selected')).toBe('true');
  });

  it('keeps what is typed, and leaves to the host what is the host’s', async () => {
    const { box, type } = show('gpt');
    await type('l1');
    const left: string[] = [];
    const controller = new AbortController();
    document.addEventListener('keydown', ({ key }) => left.push(key), { signal: controller.signal });
    for (const init of [
      { key: 'd' },
      { key: 's', ctrlKey: true },
      { key: 'ArrowDown' },
      { key: 'F1' },
      { key: 'Escape' },
    ])
      box.dispatchEvent(new KeyboardEvent('keydown', { ...init, bubbles: true, cancelable: true }));
    controller.abort();
    expect(left).toEqual(['s', 'F1']);
  });

  it('goes to a layer: its card is bound to it, and the block has the focus', async () => {
    const { el, press, type } = show('deepseek_v3');
    await type('l17.moe');
    await press('Enter');
    expect(document.activeElement?.getAttribute('data-address')).toBe('L17.moe');
    expect(document.activeElement?.getAttribute('aria-selected')).toBe('true');
    expect(el.querySelector('.gb-detail h2')?.textContent).toBe('L17.moe');
  });

  it('goes to one expert of hundreds', async () => {
    const { press, type } = show('deepseek_v3');
    await type('l17 e200');
    await press('Enter');
    expect(document.activeElement?.getAttribute('data-address')).toBe('L17.moe.E200');
  });

  it('marks the layers of a kind until its name goes', async () => {
    const { el, press, type } = show('gemma2');
    await type('sliding window');
    const marked = () => [...el.querySelectorAll<SVGElement>('.gb-layer.gb-found')].map((one) => one.dataset.layer);
    // Gemma 2 slides its window in every other layer, the first among them.
    expect(marked()).toEqual(Array.from({ length: 13 }, (_, i) => `L${2 * i}`));
    expect(el.querySelector('.gb-search-said')?.textContent).toBe('13 of 26 layers: every 2nd, L0 to L24');
    await press('Enter');
    expect(marked()).toHaveLength(13);
    // On a slow machine the tooltip of what has the focus is there by now, and closes first.
    for (let i = 0; i < 2; i++) await press('Escape', document.activeElement ?? el);
    expect(marked()).toEqual([]);
  });

  it('says that nothing was found', async () => {
    const { el, box, type, options } = show('gemma2');
    await type('L99');
    expect(options()).toEqual([]);
    expect(box.getAttribute('aria-expanded')).toBe('false');
    expect(el.querySelector('.gb-search-said')?.textContent).toMatch(/no layer 99/);
  });

  it('has the focus at a slash, from anywhere in the view', async () => {
    const { el, box, press } = show('gemma2');
    await press('/', el.querySelector('.gb-hit') ?? el);
    expect(document.activeElement).toBe(box);
  });
});

describe('the table', () => {
  async function open(name: Parameters<typeof architecture>[0]) {
    const page = show(name);
    await page.press('t', page.el.querySelector('.gb-hit') ?? page.el);
    const rows = () => [...page.el.querySelectorAll<HTMLElement>('.gb-blocks-table tbody tr:not([hidden])')];
    const sort = (column: string) => {
      page.el.querySelector<HTMLElement>(`.gb-blocks-table th[data-col=${column}] button`)?.click();
      return settled();
    };
    return { ...page, rows, sort };
  }

  it('stands in the place of the diagram, and the diagram in its', async () => {
    const { el, press } = await open('gemma2');
    const hidden = () => el.querySelector<HTMLElement>('.gb-table')?.hidden;
    expect(hidden()).toBe(false);
    await press('t', el.querySelector('.gb-link') ?? el);
    expect(hidden()).toBe(true);
  });

  it('is sorted by parameters at a click, the other way at the next, and by the model at the third', async () => {
    const { el, rows, sort } = await open('gemma2');
    const before = rows().map((row) => row.dataset.row);
    await sort('params');
    // A vocabulary of 256,000 is the largest there is in Gemma 2.
    expect(rows()[0]?.dataset.row).toMatch(/embed/);
    expect(el.querySelector('th[data-col=params]')?.getAttribute('aria-sort')).toBe('descending');
    await sort('params');
    expect(rows().at(-1)?.dataset.row).toMatch(/embed/);
    await sort('params');
    expect(rows().map((row) => row.dataset.row)).toEqual(before);
  });

  it('is filtered as one types, and a row is selected by its name', async () => {
    const { el, rows } = await open('gemma2');
    const filter = el.querySelector<HTMLInputElement>('.gb-table input');
    if (!filter) throw new Error('there is a filter');
    filter.value = 'window';
    filter.dispatchEvent(new Event('input', { bubbles: true }));
    expect(rows()).toHaveLength(13);
    rows()[1]?.querySelector<HTMLElement>('.gb-link')?.click();
    await settled();
    expect(el.querySelector('.gb-detail h2')?.textContent).toBe('L2.attn');
  });
});
