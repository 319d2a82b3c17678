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
  #menu: Menu;
  #look: Look | null = null;

  constructor(private readonly view: View) {
    this.#menu = new Menu(`${view.uid}-export`, 'Export', () => this.#items(), view.signal);
    this.#menu.button.dataset.testid = 'export';
    this.element = this.#menu.element;
    view.session.page.subscribe(() => this.#keep(), view.signal);
  }

  paint(look: Look): void {
    this.#look = look;
    const { saving } = this.view.session.page.value;
    const far = saving && saving.total > 0 ? `Page: ${saving.done} of ${saving.total}` : 'Page: begun';
    this.#menu.name(saving ? far : 'Export');
  }

  #items(): MenuItem[] {
    const { session } = this.view;
    const kinds = pictureItems((as) => this.#picture(as));
    const { connection, saving } = session.page.value;
    if (!session.durable.value.state || connection === 'recorded') return kinds;
    if (saving) return [...kinds, { name: 'Stop making the page', choose: () => session.stop() }];
    const hint = 'opens anywhere without a kernel: the last run, and each single ablation of it';
    return [...kinds, { name: 'Page (HTML)', hint, choose: () => session.save() }];
  }

  #picture(as: 'svg' | 'png'): void {
    const { pictures, root, session, state } = this.view;
    if (!this.#look || !pictures) return;
    const { architecture, state: live } = session.durable.value;
    const { theme, bound, opened } = state.value;
    const failed = (error: unknown) =>
      session.page.set({ alert: `The picture could not be made: ${(error as Error).message}` });
    pictures
      .save({ architecture, state: live, look: this.#look, theme, bound, opened }, root, as)
      .then((name) => this.view.announce(`Saved ${name}`))
      .catch(failed);
  }

  /** Put the page that the kernel has made into a file: the first view that hears of it, and no other. */
  #keep(): void {
    const { pictures, session } = this.view;
    const { file } = session.page.value;
    if (!file || !pictures) return;
    session.page.set({ file: null });
    pictures.file(file.name, file.text);
    this.view.announce(`Saved ${file.name}`);
  }
}
