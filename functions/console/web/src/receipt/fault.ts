/** The first thing about a receipt or a log that is wrong. Its message is a sentence for people. */
export class DoesNotHold extends Error {
  constructor(what: string) {
    super(what);
    this.name = "DoesNotHold";
  }
}

/** Goes on only where a condition is met. */
export function check(condition: boolean, what: string): asserts condition {
  if (!condition) throw new DoesNotHold(what);
}
