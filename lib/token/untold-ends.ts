const MAX_ENTRIES = 1000;

/** Sessions that were ended by a refresh which nobody waited for: whoever comes next with one is the first to learn of it. */
export class UntoldEnds {
  private readonly ids = new Set<string>();

  add(sessionId: string): void {
    const [oldest] = this.ids;
    if (this.ids.size >= MAX_ENTRIES && oldest !== undefined) this.ids.delete(oldest);
    this.ids.add(sessionId);
  }

  /** `true` once for each. */
  take(sessionId: string): boolean {
    return this.ids.delete(sessionId);
  }
}
