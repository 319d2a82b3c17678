/**
 * What this code asks of an anywidget model, and no more. The notebook's model, an exported page's stand-in and the
 * tests' double all fit it, so nothing above this line knows where the other end is.
 */
export interface PageModel {
  get(key: string): unknown;
  on(event: string, callback: (...args: never[]) => void): void;
  off(event: string, callback: (...args: never[]) => void): void;
  send(content: unknown): void;
}
