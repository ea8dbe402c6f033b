import { useQuery } from "@tanstack/react-query";
import { GetReceipt } from "../deletion/get_receipt.tsx";
import { RECORDS, recordOf } from "../deletion/query.ts";
import { RecordFacts } from "../deletion/record_facts.tsx";
import { Loaded } from "../ui/loaded.tsx";
import { Notice } from "../ui/notice.tsx";

/** That an identifier is deleted, with what is kept as evidence of it. */
export function IdentifierDeleted({ identifier }: { identifier: string }) {
  const query = useQuery({
    queryKey: [RECORDS, identifier, "record"],
    queryFn: () => recordOf(identifier),
    gcTime: 0,
  });
  return (
    <>
      <Notice kind="good">No profile is found by it any more. This record of the deletion stays.</Notice>
      <Loaded query={query} what="the record of the deletion">
        {(record) =>
          record === null ? (
            <Notice kind="warning">There is no record: the identifier is active again already.</Notice>
          ) : (
            <div className="stack">
              <RecordFacts record={record} />
              <GetReceipt subject={{ identifier }} isKept={record.propagation.log.state !== "off"} />
            </div>
          )
        }
      </Loaded>
    </>
  );
}
