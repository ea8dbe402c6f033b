import type { Schemas } from "../api/client.ts";
import { isProblem } from "../api/problem.ts";
import { type Page, pageBody, pagesOf } from "../rows/page.ts";
import { Rejections } from "../rows/rejection.ts";
import { byteLength } from "../rows/text.ts";
import { type Attempt, sendAgain, upload, type Wait } from "../rows/upload.ts";
import { Store } from "../ui/store.ts";
import type { JobApi } from "./new_job_api.ts";
import { createBody, type NewJobRequest } from "./new_job_request.ts";
import type { Rows, RunState, Step } from "./new_job_state.ts";

/** What a run needs of its surroundings. */
export interface Around {
  readonly api: JobApi;
  readonly wait: Wait;
}

/** So many bytes arrive also on a slow line while there is time to undo what they begin. */
const QUICK_BYTES = 256 * 1024;

/** What a run does, in its order. */
const MOVING: readonly Step[] = ["creating", "sending", "starting"];

/**
 * Makes a job of the rows of a file: makes it and sends its pages. A dry run is then started; a job that deletes stays open
 * until somebody confirms it. A run can be stopped, and goes on where it was. Whatever is repeated counts once.
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
  #stop = new AbortController();
  #only: Page | null = null;
  /** Whether all rows are there. */
  #isSent = false;
  readonly #store = new Store<RunState>({
    step: "stopped",
    job: null,
    plan: null,
    pages: 0,
    rows: 0,
    failed: [],
    problem: null,
    rejections: new Rejections(),
  });

  constructor(rows: Rows, request: NewJobRequest, around: Around, key = `console-${crypto.randomUUID()}`) {
    this.rows = rows;
    this.request = request;
    this.#around = around;
    this.key = key;
  }

  readonly state = this.#store.get;
  readonly subscribe = this.#store.subscribe;

  /** The rows, as JSON, of a dry run whose rows are one page that arrives in time also on a slow line; null otherwise. */
  get onlyRows(): string | null {
    const rows = this.#only?.rows ?? "";
    return rows === "" || rows.length > QUICK_BYTES || byteLength(rows) > QUICK_BYTES ? null : rows;
  }

  /** The number in the file, from 1, of a row by its page and its number within the page, from 0; null if there is none. */
  readonly rowAt = (page: number, row: number): number | null => {
    // The rows that came with the job are page 0.
    const found = this.#pageRows.get(Math.max(1, page));
    return found !== undefined && row < found.count ? found.firstRow + row : null;
  };

  /** Whether something is on its way. It can be stopped: a job that deletes is open, and a dry run deletes nothing. */
  get isMoving(): boolean {
    return MOVING.includes(this.state().step);
  }

  /** Goes on from where it is to its end, or until something fails. */
  async run(): Promise<void> {
    const { step, job } = this.state();
    if (this.isMoving || step === "sent" || step === "started") return;
    this.#stop = new AbortController();
    try {
      if (job === null) await this.#create();
      if (!this.#isSent) await this.#send();
      if (!this.request.isDryRun) return this.#become({ step: "sent" });
      if (this.#only === null) await this.#start();
      this.#become({ step: "started" });
    } catch (problem) {
      if (this.#stop.signal.aborted) this.#become({ step: "stopped" });
      else if (problem !== FAILED) this.#become({ step: "failed", problem });
    }
  }

  /** Stops sending. What has arrived stays there. */
  stop(): void {
    this.#stop.abort();
  }

  async #create(): Promise<void> {
    this.#become({ step: "creating", problem: null });
    if (this.request.isDryRun) this.#only = await this.#onlyPage();
    const page = this.#only;
    const body = createBody(this.request, page?.rows ?? "[]", page === null);
    const made = await this.#sent(() => this.#around.api.create(body, this.key, this.#stop.signal));
    if (page !== null) this.#note(page, made);
    this.#isSent = page !== null;
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
    this.#become({ step: "sending", failed: [], problem: null });
    const { signal } = this.#stop;
    const id = this.state().job?.id ?? "";
    const failed = await upload({
      pages: this.#pages(),
      arrived: this.#arrived,
      send: (page) => this.#around.api.addPage(id, pageBody(page), signal),
      onArrived: (page, result) => this.#note(page, result),
      wait: this.#around.wait,
      signal,
    });
    this.#isSent = failed.length === 0;
    if (this.#isSent) return;
    this.#become({ step: "failed", failed });
    throw FAILED;
  }

  #note(page: Page, result: Schemas["CreatedJob"]): void {
    const { lines, unreadable } = this.rows.reading;
    const { rejections, pages, rows } = this.state();
    rejections.addPage(
      result,
      (row) => lines.of(page.firstRow + row),
      (row) => unreadable.get(page.firstRow + row) ?? null,
    );
    this.#pageRows.set(page.number, { firstRow: page.firstRow, count: page.count });
    this.#become({ pages: pages + 1, rows: rows + page.count });
  }

  async #start(): Promise<void> {
    this.#become({ step: "starting", problem: null });
    const id = this.state().job?.id ?? "";
    const { api } = this.#around;
    const { signal } = this.#stop;
    try {
      const { job } = await this.#sent(() => api.start(id, this.#startKey, signal));
      this.#become({ job });
    } catch (problem) {
      if (!isProblem(problem, "invalid_state")) throw problem;
      // Somebody may have started it on its own screen.
      const { job } = await this.#sent(() => api.read(id, signal));
      if (job.state === "open") throw problem;
      this.#become({ job });
    }
  }

  /** What a request has brought that may be repeated. */
  async #sent<T>(send: () => Promise<Attempt<T>>): Promise<T> {
    const sent = await sendAgain(send, this.#around.wait, this.#stop.signal);
    if (sent.problem !== undefined) throw sent.problem;
    return sent.value;
  }

  #become(change: Partial<RunState>): void {
    this.#store.set({ ...this.state(), ...change });
  }
}

/** That the run has failed, and its state says why. */
const FAILED = Symbol("failed");
