/** What the events of the log say, by their names. Later versions add some. */
export const EVENT_WORDS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    "identifier.created": "An identifier became active",
    "identifier.removed": "An identifier was deleted",
    "profile.created": "A profile was made",
    "profile.merged": "A profile was merged into another one",
    "profile.deleted": "A profile was deleted",
    "segment.created": "A segment was made",
    "segment.changed": "A segment was renamed, switched or claimed by a job",
    "segment.removed": "A segment was deleted",
    "job.created": "A job was made",
    "job.approved": "A job was approved",
    "job.rejected": "A job was rejected",
    "job.scheduled": "A job was given the time of its start",
    "job.started": "A job was started",
    "job.paused": "A job was paused",
    "job.resumed": "A job was resumed",
    "job.cancelled": "A job was cancelled",
    "job.completed": "Every row of a job has its outcome",
    "job.verified": "The outcomes of a job were verified",
    "job.redriven": "The failed rows of a job were tried again",
    "token.created": "A token was made",
    "token.revoked": "A token was revoked",
    "space.created": "A space was made",
    "space.changed": "The settings of a space were changed",
    "journal.gap": "Something happened of which nothing is known any more",
  }),
);

/** An event in words; its name where this version does not know it. */
export function eventWords(event: string, idType?: string | null): string {
  const words = EVENT_WORDS.get(event) ?? event;
  return idType ? words.replace("An identifier", `An identifier of type ${idType}`) : words;
}
