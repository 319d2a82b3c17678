/** Under the patterns: the scale, what a cell is, and what is to be known of these ones. */
import { measured } from '../../layout/format';
import { h, setText, show } from '../dom';
import type { Look } from '../look';
import type { Heads } from './heads';

/** Heads that are ablated behind their pattern go on looking: what they look at may be what an ablation is about. */
function attending(block: string, look: Look): string {
  const cut = look.shows === 'clean' ? [] : look.interventions.filter((one) => one.cut);
  const names = cut
    .map(({ address }) => address)
    .filter((address) => /\.H\d+$/.test(address) && address.startsWith(`${block}.H`))
    .map((address) => address.slice(block.length + 1));
  if (names.length === 0) return '';
  return `${names.join(', ')} still attend${names.length === 1 ? 's' : ''}; what it finds is replaced`;
}

export class PatternLegend {
  #low = h('span');
  #high = h('span');
  #bar = h('i', { class: 'gb-gradient' });
  #note = h('span');
  readonly element = h('div', { class: 'gb-heat-legend gb-sub' }, this.#low, this.#bar, this.#high, this.#note);

  paint({ block, shown, scale, differs, mixes }: Heads, look: Look): void {
    show(this.element, shown !== null);
    if (!shown) return;
    setText(this.#low, measured(scale.low, 2));
    setText(this.#high, measured(scale.high, 2));
    this.#bar.style.background = scale.gradient;
    const { before, queries } = shown;
    const cut = before > 0 ? `the last ${queries.length} of ${before + queries.length} queries` : '';
    const pattern = look.now?.frame.inside.get(`${block}.pattern`);
    const another = (pattern?.of.keys ?? null) !== null ? 'keys: of the encoder' : '';
    const what = differs ? 'weight, ablated − clean' : mixes ? 'exact weight of a source' : 'weight';
    const axes = mixes ? 'rows: targets, columns: sources' : 'rows: queries, columns: keys';
    const words = [what, axes, cut, another, attending(block, look)];
    setText(this.#note, words.filter((word) => word !== '').join(' · '));
  }
}
