import type { Schemas } from "../api/client.ts";
import type { Problem } from "../api/problem.ts";
import type { Change } from "../rows/change.ts";
import type { Format } from "../rows/format.ts";
import { type Page, pageBody, pagesOf } from "../rows/page.ts";
import type { Reading } from "../rows/reading.ts";
import { Rejections } from "../rows/rejection.ts";
import type { RowFile } from "../rows/source.ts";
import { type Attempt, type FailedPage, sendAgain, upload, type Wait } from "../rows/upload.ts";
import type { JobApi } from "./new_job_api.ts";
import { createBody, type NewJobRequest } from "./new_job_request.ts";

/** The rows of a file that was read, and the forms in which some of them are sent. */
export interface Rows {
  readonly file: RowFile;
  readonly format: Format;
  /** Whether somebody has said how the file is read. Then only the console reads it so. */
  readonly isGiven: boolean;
  readonly reading: Reading;
  readonly changes: readonly Change[];
}

/** Where the making of a job is. `held`: all rows are there, and somebody has to start it. */
export type Step = "creating" | "sending" | "starting" | "stopped" | "failed" | "held" | "started";

/** How far a job is that is being made. */
export interface RunState {
  readonly step: Step;
  readonly job: Schemas["Job"] | null;
  /** Of a dry run that was carried out at once. */
  readonly plan: Schemas["Plan"] | null;
  readonly pages: number;
  readonly rows: number;
  readonly failed: readonly FailedPage[];
  /** Why the job could not be made or started, or the file not read. */
  readonly problem: unknown;
  readonly rejections: Rejections;
}

/** What a run needs of its surroundings. */
export interface Around {
  readonly api: JobApi;
  readonly wait: Wait;
  /** Whether the job may be started now, although all its rows were agreed to before they were sent. */
  readonly mayStart: (request: NewJobRequest) => boolean;
}

/**
 * Makes a job of the rows of a file: makes it, sends its pages, and starts it. It can be stopped, and goes on where it was.
 * Whatever is repeated counts once.
 */
export class JobRun {
  readonly request: NewJobRequest;
  readonly rows: Rows;
  /** The key of the request that makes the job: with it, `efface bulk` finds the same one. */
  readonly key: string;
  readonly #around: Around;
  readonly #startKey: string = crypto.randomUUID();
  readonly #arrived = new Set<number>();
  readonly #pageRows = new Map<number, { firstRow: number; count: number }>();
  readonly #listeners = new Set<() => void>();
  #stop = new AbortController();
  #sentMs = 0;
  /**
   * Whether the job takes pages. A dry run of one page is carried out at once. A real job never is: the pages of `efface
   * bulk` have numbers from 1, and it is to find the same job.
   */
  #isOpen = true;
  #isSent = false;
  #state: RunState = {
    step: "stopped",
    job: null,
    plan: null,
    pages: 0,
    rows: 0,
    failed: [],
    problem: null,
    rejections: new Rejections(),
  };

  constructor(rows: Rows, request: NewJobRequest, around: Around, key = `console-${crypto.randomUUID()}`) {
    this.rows = rows;
    this.request = request;
    this.#around = around;
    this.key = key;
  }

  readonly state = (): RunState => this.#state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** How long the rows took to send, in milliseconds. */
  get sentMs(): number {
    return this.#sentMs;
  }

  /** The number in the file, from 1, of a row by its page and its number within the page, from 0; null if there is none. */
  readonly rowAt = (page: number, row: number): number | null => {
    // The rows that came with the job are page 0.
    const found = this.#pageRows.get(Math.max(1, page));
    return found !== undefined && row < found.count ? found.firstRow + row : null;
  };

  /** Whether something is on its way. */
  get isMoving(): boolean {
    return ["creating", "sending", "starting"].includes(this.#state.step);
  }

  /** Goes on from where it is to its end, or until something fails. */
  async run(): Promise<void> {
    if (this.isMoving || this.#state.step === "started") return;
    this.#stop = new AbortController();
    try {
      if (this.#state.job === null) await this.#create();
      if (this.#isOpen) await this.#send();
      if (this.#around.mayStart(this.request)) await this.#start();
      else this.#become({ step: "held" });
    } catch (problem) {
      if (problem === FAILED) return;
      const isStopped = this.#stop.signal.aborted;
      this.#become(isStopped ? { step: "stopped" } : { step: "failed", problem });
    }
  }

  /** Starts a job that is held. */
  async start(): Promise<void> {
    if (this.#state.step !== "held") return;
    await this.#start().catch((problem) => problem === FAILED || this.#become({ step: "failed", problem }));
  }

  /** Stops sending. What has arrived stays there. */
  stop(): void {
    this.#stop.abort();
  }

  async #create(): Promise<void> {
    this.#become({ step: "creating", problem: null });
    const page = this.request.isDryRun ? await this.#onlyPage() : null;
    this.#isOpen = page === null;
    const body = createBody(this.request, page?.rows ?? "[]", this.#isOpen);
    const { signal } = this.#stop;
    const made = await this.#sent(() => this.#around.api.create(body, this.key, signal));
    if (page !== null) this.#note(page, made);
    this.#become({ job: made.job, plan: made.plan ?? null });
  }

  /** The page of a file that has one; null where there are more. In other forms rows may take more pages than as written. */
  async #onlyPage(): Promise<Page | null> {
    if (this.rows.reading.firstRows.length > 1) return null;
    const pages = this.#pages();
    const { value } = await pages.next();
    const next = await pages.next();
    await pages.return(undefined);
    return next.done ? (value ?? null) : null;
  }

  #pages(): AsyncGenerator<Page> {
    const { file, format, changes } = this.rows;
    return pagesOf(file, format, changes, { signal: this.#stop.signal });
  }

  async #send(): Promise<void> {
    if (this.#isSent) return;
    this.#become({ step: "sending", failed: [], problem: null });
    const { signal } = this.#stop;
    const id = this.#state.job?.id ?? "";
    const began = performance.now();
    const failed = await upload({
      pages: this.#pages(),
      arrived: this.#arrived,
      send: (page) => this.#around.api.addPage(id, pageBody(page), signal),
      onArrived: (page, result) => this.#note(page, result),
      wait: this.#around.wait,
      signal,
    });
    this.#sentMs += performance.now() - began;
    this.#isSent = failed.length === 0;
    if (this.#isSent) return;
    this.#become({ step: "failed", failed });
    throw FAILED;
  }

  #note(page: Page, result: Schemas["CreatedJob"]): void {
    const { lines, unreadable } = this.rows.reading;
    const { rejections, pages, rows } = this.#state;
    rejections.addPage(
      result,
      (row) => lines.of(page.firstRow + row),
      (row) => unreadable.get(page.firstRow + row) ?? null,
    );
    this.#pageRows.set(page.number, { firstRow: page.firstRow, count: page.count });
    this.#become({ pages: pages + 1, rows: rows + page.count });
  }

  async #start(): Promise<void> {
    if (!this.#isOpen) return this.#become({ step: "started" });
    this.#become({ step: "starting", problem: null });
    const { signal } = this.#stop;
    const id = this.#state.job?.id ?? "";
    const started = await this.#again(() => this.#around.api.start(id, this.#startKey, signal));
    if (started.problem === undefined) return this.#become({ step: "started", job: started.value.job });
    if (started.problem.code !== "invalid_state") return this.#fail(started.problem);
    // Another run with the same key may have started it.
    const { job } = await this.#sent(() => this.#around.api.read(id, signal));
    if (job.state === "open") this.#fail(started.problem);
    this.#become({ step: "started", job });
  }

  #again<T>(send: () => Promise<Attempt<T>>): Promise<Attempt<T>> {
    return sendAgain(send, this.#around.wait, this.#stop.signal);
  }

  async #sent<T>(send: () => Promise<Attempt<T>>): Promise<T> {
    const sent = await this.#again(send);
    return sent.problem === undefined ? sent.value : this.#fail(sent.problem);
  }

  #fail(problem: Problem): never {
    this.#become({ step: "failed", problem });
    throw FAILED;
  }

  #become(change: Partial<RunState>): void {
    this.#state = { ...this.#state, ...change };
    for (const listener of this.#listeners) listener();
  }
}

/** That the run has failed, and its state says why. */
const FAILED = Symbol("failed");
