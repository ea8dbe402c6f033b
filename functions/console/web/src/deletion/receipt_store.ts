/** A receipt on its way to the screen that checks it. Memory only: no address and no storage may hold it. */
export interface HandedReceipt {
  /** The receipt as the API has sent it. */
  text: string;
  /** What it is the receipt for, as `type:value`; null where it is a job's. */
  identifier: string | null;
}

let handed: HandedReceipt | null = null;

/** Leaves a receipt for the screen at `/receipts`, before the navigation to it. */
export function handReceipt(receipt: HandedReceipt): void {
  handed = receipt;
}

/** Takes what was handed over, once. Null where nothing was: the screen was opened by itself. */
export function takeReceipt(): HandedReceipt | null {
  const taken = handed;
  handed = null;
  return taken;
}
