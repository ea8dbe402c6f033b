import type { Schemas } from "../api/client.ts";
import type { Problem } from "../api/problem.ts";
import { type Page, pageBody, pagesOf } from "../rows/page.ts";
import { Rejections } from "../rows/rejection.ts";
import { type Attempt, sendAgain, upload, type Wait } from "../rows/upload.ts";
import { knownBy } from "../ui/sent.ts";
import { Store } from "../ui/store.ts";
import type { JobApi } from "./new_job_api.ts";
import { createBody, type NewJobRequest } from "./new_job_request.ts";
import type { Rows, RunState } from "./new_job_state.ts";

/** What a run needs of its surroundings. */
export interface Around {
  readonly api: JobApi;
  readonly wait: Wait;
  /** Whether the job may begin now: what somebody has agreed to can be undone for a while. */
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
  #stop = new AbortController();
  #sentMs = 0;
  /** Whether the job takes pages. The rows of one page come with the request that makes it, and no other is needed. */
  #isOpen = true;
  #isSent = false;
  #isBeginning = false;
  readonly #store = new Store<RunState>({
    step: "stopped",
    job: null,
    plan: null,
    pages: 0,
    rows: 0,
    failed: [],
    problem: null,
    rejections: new Rejections(),
    isLost: false,
  });

  constructor(rows: Rows, request: NewJobRequest, around: Around, key = `console-${crypto.randomUUID()}`) {
    this.rows = rows;
    this.request = request;
    this.#around = around;
    this.key = key;
  }

  readonly state = this.#store.get;
  readonly subscribe = this.#store.subscribe;

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
    return ["creating", "sending", "starting"].includes(this.state().step);
  }

  /** Whether it can be stopped without a doubt about what becomes of it. */
  get canStop(): boolean {
    return this.isMoving && !this.#isBeginning;
  }

  /** Goes on from where it is to its end, or until something fails. */
  async run(): Promise<void> {
    if (this.isMoving || this.state().step === "started") return;
    this.#stop = new AbortController();
    try {
      if (this.state().job === null) await this.#create();
      if (this.#isOpen) await this.#send();
      await this.#start();
    } catch (problem) {
      this.#end(problem);
    }
  }

  /** Starts a job that is held, although it cannot be undone. */
  async start(): Promise<void> {
    if (this.state().step !== "held") return;
    await this.#start(true).catch((problem) => this.#end(problem));
  }

  /** Stops sending. What has arrived stays there. A request that lets the job begin is not repeated. */
  stop(): void {
    this.#stop.abort();
  }

  async #create(): Promise<void> {
    this.#become({ step: "creating", problem: null });
    const page = await this.#onlyPage();
    this.#isOpen = page === null;
    const body = createBody(this.request, page?.rows ?? "[]", this.#isOpen);
    const { signal } = this.#stop;
    const create = (until: AbortSignal) => this.#around.api.create(body, this.key, until);
    const sent = await (this.#isOpen ? this.#again(() => create(signal)) : this.#begin(create));
    if (sent === null || sent.problem !== undefined) return this.#fail(sent?.problem ?? null);
    const made = sent.value;
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
    const id = this.state().job?.id ?? "";
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
    const { rejections, pages, rows } = this.state();
    rejections.addPage(
      result,
      (row) => lines.of(page.firstRow + row),
      (row) => unreadable.get(page.firstRow + row) ?? null,
    );
    this.#pageRows.set(page.number, { firstRow: page.firstRow, count: page.count });
    this.#become({ pages: pages + 1, rows: rows + page.count });
  }

  async #start(isAgreed = false): Promise<void> {
    if (!this.#isOpen) return this.#become({ step: "started" });
    this.#become({ step: "starting", problem: null });
    const id = this.state().job?.id ?? "";
    const started = await this.#begin((until) => this.#around.api.start(id, this.#startKey, until), isAgreed);
    const problem = started?.problem ?? null;
    if (started !== null && started.problem === undefined) {
      return this.#become({ step: "started", job: started.value.job });
    }
    if (problem === null && !this.state().isLost) return this.#become({ step: "held" });
    if (problem !== null && problem.code !== "invalid_state") return this.#fail(problem);
    // A request whose response was lost may have started it, or another run with the same key.
    const { job } = await this.#sent(() => this.#around.api.read(id, this.#stop.signal));
    if (job.state !== "open") return this.#become({ step: "started", job, isLost: false });
    if (problem !== null) this.#fail(problem);
    this.#become({ step: "held", job, isLost: false });
  }

  /**
   * Sends a request that lets the job begin, and repeats it as long as there is time to undo it; null where there is none any
   * more. Each goes to its end, also where the run is stopped: it may have been carried out.
   */
  async #begin<T>(send: (until: AbortSignal) => Promise<Attempt<T>>, isAgreed = false): Promise<Attempt<T> | null> {
    this.#isBeginning = !this.request.isDryRun;
    try {
      return await this.#again(async () => {
        if (!isAgreed && !this.#around.mayStart(this.request)) throw LATE;
        const { isLost } = this.state();
        this.#become({ isLost: true });
        const sent = await send(new AbortController().signal);
        const known = sent.problem === undefined ? "known" : knownBy(sent.problem);
        this.#become({ isLost: known === "lost" || (known === "nothing" && isLost) });
        return sent;
      });
    } catch (problem) {
      if (problem !== LATE) throw problem;
      return null;
    } finally {
      this.#isBeginning = false;
    }
  }

  #again<T>(send: () => Promise<Attempt<T>>): Promise<Attempt<T>> {
    return sendAgain(send, this.#around.wait, this.#stop.signal);
  }

  async #sent<T>(send: () => Promise<Attempt<T>>): Promise<T> {
    const sent = await this.#again(send);
    return sent.problem === undefined ? sent.value : this.#fail(sent.problem);
  }

  #end(problem: unknown): void {
    if (problem === FAILED) return;
    const isStopped = this.#stop.signal.aborted;
    this.#become(isStopped ? { step: "stopped" } : { step: "failed", problem });
  }

  #fail(problem: Problem | null): never {
    this.#become({ step: "failed", problem });
    throw FAILED;
  }

  #become(change: Partial<RunState>): void {
    this.#store.set({ ...this.state(), ...change });
  }
}

/** That the run has failed, and its state says why. */
const FAILED = Symbol("failed");

/** That there is no time to undo what a request would let begin. */
const LATE = Symbol("late");
