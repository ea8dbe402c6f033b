/** Why a file is no file of rows. The message names the fault and the remedy, and never shows a value. */
export class Unreadable extends Error {
  /** Whether it may be a table all the same, of which somebody can say what its columns are. */
  readonly isTable: boolean;

  constructor(message: string, isTable = false) {
    super(message);
    this.name = "Unreadable";
    this.isTable = isTable;
  }
}
