/** The menu under "Export": what is on the page as a picture, and the line of Python that saves the page itself. */
import type { View } from './context';
import type { Look } from './look';
import { Menu, type MenuItem } from './menu';

/** The kinds of picture there are. */
function pictureItems(save: (as: 'svg' | 'png') => void): MenuItem[] {
  return [
    { name: 'Picture (SVG)', hint: 'for papers and slides: sharp at any size', choose: () => save('svg') },
    { name: 'Picture (PNG)', hint: 'twice as many pixels as on the screen', choose: () => save('png') },
  ];
}

export class ExportMenu {
  readonly element: HTMLElement;
  #look: Look | null = null;

  constructor(private readonly view: View) {
    const menu = new Menu('Export', () => this.#items(), view.signal);
    menu.button.classList.add('gb-small-button');
    menu.button.dataset.testid = 'export';
    this.element = menu.element;
  }

  paint(look: Look): void {
    this.#look = look;
  }

  #items(): MenuItem[] {
    const { session } = this.view;
    const pictures = pictureItems((as) => this.#picture(as));
    const { state } = session.durable.value;
    if (!state || session.page.value.connection === 'recorded') return pictures;
    const copy = () => void this.#copy('session.save("glassblock.html")');
    return [...pictures, { name: 'Page (HTML)', hint: 'copies session.save("glassblock.html")', choose: copy }];
  }

  #picture(as: 'svg' | 'png'): void {
    const { pictures, root, session, state } = this.view;
    if (!this.#look || !pictures) return;
    const { architecture, state: live } = session.durable.value;
    const { theme, bound } = state.value;
    const failed = (error: unknown) =>
      session.page.set({ alert: `The picture could not be made: ${(error as Error).message}` });
    pictures
      .save({ architecture, state: live, look: this.#look, theme, bound }, root, as)
      .then((name) => this.view.announce(`Saved ${name}`))
      .catch(failed);
  }

  async #copy(python: string): Promise<void> {
    await navigator.clipboard.writeText(python);
    this.view.session.page.set({ note: `Copied ${python}. Run it in a cell: it records each single ablation, too.` });
  }
}
