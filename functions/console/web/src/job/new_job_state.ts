import type { Schemas } from "../api/client.ts";
import type { Change } from "../rows/change.ts";
import type { Format } from "../rows/format.ts";
import type { Reading } from "../rows/reading.ts";
import type { Rejections } from "../rows/rejection.ts";
import type { RowFile } from "../rows/source.ts";
import type { FailedPage } from "../rows/upload.ts";

/** The rows of a file that was read, and the forms in which some of them are sent. */
export interface Rows {
  readonly file: RowFile;
  readonly format: Format;
  /** Whether somebody has said how the file is read. Then only the console reads it so. */
  readonly isGiven: boolean;
  readonly reading: Reading;
  readonly changes: readonly Change[];
}

/** Where the making of a job is. `sent`: all rows of a job that deletes are there, and it is open until somebody confirms it. */
export type Step = "creating" | "sending" | "starting" | "stopped" | "failed" | "sent" | "started";

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
