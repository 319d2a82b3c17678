/** What is said of a pattern: weights, places, habits. */
import { signed, weightText } from '../../layout/format';
import type { Pattern, Place } from '../../state/pattern';
import { visible } from '../candidates';

/** A weight, where it is known. */
export const weightWords = (value: number) => (Number.isNaN(value) ? 'not known' : weightText(value));

/** A token, or where there is none its position. */
export function placeWords({ position, token }: Place): string {
  return token === null || token === '' ? `${position}` : visible(token);
}

/** The same with its position, which tells two tokens of a name apart. */
export const placeInFull = (place: Place): string =>
  place.token === null || place.token === ''
    ? `position ${place.position}`
    : `${visible(place.token)} (${place.position})`;

/** What one cell says: `to → Mary 0.84`; of a difference what it was, what it is, and by how much. */
export function cellWords(
  of: { readonly shown: Pattern; readonly now: Pattern; readonly clean: Pattern | null; readonly differs: boolean },
  head: number,
  row: number,
  column: number,
): { readonly where: string; readonly value: string } {
  const [query, key] = [of.shown.queries[row], of.shown.keys[column]];
  if (!query || !key) return { where: '', value: '' };
  const where = `${placeWords(query)} → ${placeWords(key)}`;
  const value = of.shown.at(head, row, column);
  if (Number.isNaN(value)) return { where, value: key.position > query.position ? 'cannot look ahead' : 'not known' };
  if (!of.differs || !of.clean) return { where, value: weightWords(value) };
  const [was, is] = [of.clean.at(head, row, column), of.now.at(head, row, column)];
  return { where, value: `${weightWords(was)} → ${weightWords(is)} (${signed(value)})` };
}
