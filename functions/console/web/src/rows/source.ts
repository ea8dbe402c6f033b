import { binary, HEAD, refuseForeign } from "./foreign.ts";
import { Decoder, joined } from "./text.ts";
import { Unreadable } from "./unreadable.ts";

/** A file of rows, or rows that were pasted: a `File` of the browser. It can be read several times. */
export interface RowFile {
  readonly name: string;
  readonly size: number;
  slice(start: number, end: number): { arrayBuffer(): Promise<ArrayBuffer> };
  stream(): ReadableStream<Uint8Array<ArrayBuffer>>;
}

/** How a file is read. */
export interface ReadOptions {
  signal: AbortSignal;
  /** Told now and then how many bytes of the file were read, as it is stored. */
  onRead?: (bytes: number) => void;
}

type Bytes = Uint8Array<ArrayBuffer>;

/** How much is read at once, in bytes: a few milliseconds of work. */
const SLICE = 256 * 1024;

/** After so long the page gets a turn, in milliseconds. */
const TURN_MS = 12;

/** Whether a file is compressed with gzip, by its first two bytes. */
export async function isGzip(file: RowFile): Promise<boolean> {
  const [first, second] = new Uint8Array(await readable(file.slice(0, 2).arrayBuffer()));
  return first === 0x1f && second === 0x8b;
}

/**
 * The text of a file, inflated, in slices. Between them the page has its turns, so that it stays usable. What is no text is
 * refused.
 */
export async function* texts(file: RowFile, options: ReadOptions): AsyncGenerator<string> {
  const decoder = new Decoder();
  let passed = 0;
  for await (const slice of withHead(slices(file, options))) {
    const nul = slice.indexOf(0);
    if (nul !== -1) throw binary(passed + nul);
    passed += slice.length;
    yield decoder.decode(slice);
  }
  yield decoder.decode(new Uint8Array(0), true);
}

/** The same slices, of which the first is long enough to show what the file is. */
async function* withHead(given: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const first: Uint8Array[] = [];
  let length = 0;
  for await (const slice of given) {
    if (length >= HEAD) {
      yield slice;
      continue;
    }
    first.push(slice);
    length += slice.length;
    if (length >= HEAD) yield headOf(first);
  }
  if (length < HEAD) yield headOf(first);
}

function headOf(first: readonly Uint8Array[]): Uint8Array {
  const head = first.reduce(joined, new Uint8Array(0));
  refuseForeign(head);
  return head;
}

/** The bytes of a file, inflated, in slices. */
async function* slices(file: RowFile, { signal, onRead }: ReadOptions): AsyncGenerator<Uint8Array> {
  const isCompressed = await isGzip(file);
  let bytes = 0;
  const counter = new TransformStream<Bytes, Bytes>({
    transform(chunk, controller) {
      bytes += chunk.length;
      controller.enqueue(chunk);
    },
  });
  const counted = file.stream().pipeThrough(counter);
  const stream = isCompressed ? counted.pipeThrough<Bytes>(new DecompressionStream("gzip")) : counted;
  const reader = stream.getReader();
  let turn = performance.now();
  try {
    for (;;) {
      const { done, value } = await readable(reader.read(), isCompressed);
      if (done) return;
      for (let at = 0; at < value.length; at += SLICE) {
        signal.throwIfAborted();
        yield value.subarray(at, at + SLICE);
        if (performance.now() - turn > TURN_MS) {
          onRead?.(bytes);
          await turnOfPage();
          turn = performance.now();
        }
      }
    }
  } finally {
    // What is left of the file is of no use.
    reader.cancel().catch(() => undefined);
  }
}

/** What a read has given, or why the file can't be read. */
async function readable<T>(reading: Promise<T>, isCompressed = false): Promise<T> {
  try {
    return await reading;
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === "NotReadableError") {
      throw new Unreadable("The file can't be read any more: it was changed, moved or removed. Choose it again.");
    }
    if (!isCompressed) throw cause;
    throw new Unreadable("The gzip data is damaged, cut off, or of several parts. Unpack it, and choose the text.");
  }
}

/** Lets the browser draw and handle keys. A timer would wait for a second where the tab is hidden. */
function turnOfPage(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
