/** What something was last made from: frames come by the dozen, and most of what is drawn is not of them. */
export class Changes {
  #of: readonly unknown[] | null = null;

  /** Whether any of it differs from what it was when this was last asked, or it is asked for the first time. */
  any(...of: readonly unknown[]): boolean {
    const before = this.#of;
    this.#of = of;
    return before === null || before.length !== of.length || of.some((value, i) => value !== before[i]);
  }
}
