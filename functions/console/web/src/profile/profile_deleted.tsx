import type { Schemas } from "../api/client.ts";
import { GetReceipt } from "../deletion/get_receipt.tsx";
import { Id, JobLink } from "../deletion/record_facts.tsx";
import { Button } from "../ui/button.tsx";
import { Facts } from "../ui/facts.tsx";
import { Focused } from "../ui/focused.tsx";
import { Notice } from "../ui/notice.tsx";
import { number, Time } from "../ui/time.tsx";

/** What the deletion of a profile has removed, and how it can be proved. */
export function ProfileDeleted({ receipt, onClose }: { receipt: Schemas["Receipt"]; onClose: () => void }) {
  const { counts, deleted_at, gone_at, job_id, request_id } = receipt;
  return (
    <Focused label="The profile is deleted" isWhole>
      <Notice kind="good">The profile and all that was merged into it are deleted.</Notice>
      <Facts
        facts={[
          ["Not found since", <Time key="deleted" at={deleted_at} />],
          ["All of it gone at", <Time key="gone" at={gone_at} />],
          ["Identifiers", number(counts.external_ids)],
          ["Traits", number(counts.traits)],
          ["Memberships", number(counts.memberships)],
          ["Merged profiles", number(counts.merges)],
          ["Job", <JobLink key="job" id={job_id} />],
          ["Request-Id", <Id key="request" id={request_id} />],
        ]}
      />
      <h3>Proof</h3>
      <p>
        The receipt below proves that the job has ended, and with which counts. Each identifier has a receipt of its
        own: look the identifier up under “Deletion records”.
      </p>
      <GetReceipt subject={{ job: job_id }} isKept={receipt.propagation.log.state !== "off"} />
      <div className="actions">
        <Button onClick={onClose}>Close</Button>
      </div>
    </Focused>
  );
}
