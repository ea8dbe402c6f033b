import type { Schemas } from "../api/client.ts";
import { useReason } from "../session/permission.ts";
import { Commands } from "../ui/commands.tsx";
import { Facts } from "../ui/facts.tsx";
import { Loaded } from "../ui/loaded.tsx";
import { Card, Page } from "../ui/page.tsx";
import { apiUrl } from "../ui/shell.ts";
import { Table } from "../ui/table.tsx";
import { number } from "../ui/time.tsx";
import { LogKeys } from "./log_keys.tsx";
import { useHealth, useToken } from "./query.ts";
import { SpaceCommands } from "./space_commands.tsx";
import { TokenCard } from "./token_card.tsx";
import { LIMITS } from "./words.ts";

/** The space, the token that one is signed in with, and the service: to read. Only an operator changes them. */
export function SpaceScreen() {
  const token = useToken();
  const mayNotReadLog = useReason("read_audit_log");
  return (
    <Page title="Space">
      <Loaded query={token} what="the space">
        {({ space, token }) => (
          <div className="stack">
            <div className="cards">
              <div className="stack">
                <SpaceCard space={space} />
                <LimitCard limits={space.limits} />
                <ServiceCard />
              </div>
              <TokenCard token={token} />
            </div>
            <TypeCard types={space.identifier_types} />
            <SpaceCommands space={space.id} />
          </div>
        )}
      </Loaded>
      {mayNotReadLog === null && <LogKeys />}
    </Page>
  );
}

function SpaceCard({ space }: { space: Schemas["SpaceDetails"] }) {
  const { id, activated, approval_over } = space;
  const over = approval_over ?? null;
  return (
    <Card title="Space">
      <Facts
        facts={{
          Id: <span className="id">{id}</span>,
          "Deletion API": activated ? "Switched on" : "Switched off: nothing new is deleted",
          Approval:
            over === null
              ? "No job needs a second token"
              : `A job with more than ${number(over)} rows waits until a second token approves it`,
        }}
      />
      <Commands path="/token" command={["whoami"]} />
    </Card>
  );
}

function TypeCard({ types }: { types: readonly Schemas["TypeDetails"][] }) {
  return (
    <Card title="Identifier types">
      <Table
        caption="The identifier types of the space"
        rows={types}
        rowKey={({ name }) => name}
        cells={({ name, normalisation }) => ({
          Type: <bdi className="id">{name}</bdi>,
          "Values match": normalisation === "lowercase" ? "In any letter case" : "As they are written",
        })}
        empty={<p>The space knows no types.</p>}
      />
    </Card>
  );
}

function LimitCard({ limits }: { limits: Schemas["Limits"] }) {
  const names = Object.keys(LIMITS) as (keyof typeof LIMITS)[];
  return (
    <Card title="Limits">
      <Facts facts={Object.fromEntries(names.map((name) => [LIMITS[name], number(limits[name])]))} />
    </Card>
  );
}

function ServiceCard() {
  return (
    <Card title="Service">
      <Facts facts={{ API: <bdi>{apiUrl()}</bdi> }} />
      <Loaded query={useHealth()} what="the version of the service">
        {({ version, commit }) => <Facts facts={{ Version: version, Commit: <code>{commit}</code> }} />}
      </Loaded>
      {/* In a tab of its own: leaving the page signs out. */}
      <a href="licences.txt" target="_blank" rel="noreferrer">
        Licences of the console's parts
      </a>
    </Card>
  );
}
