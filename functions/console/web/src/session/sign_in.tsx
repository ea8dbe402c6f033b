import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useEffect, useState } from "react";
import { Problem } from "../api/problem.ts";
import { Button } from "../ui/button.tsx";
import { CheckField, TextField } from "../ui/field.tsx";
import { Notice, ProblemNotice } from "../ui/notice.tsx";
import { Page } from "../ui/page.tsx";
import { exchange, localCode } from "./local_link.ts";
import { type Credentials, keptCredentials, type SignedOut, signIn, useSessionState } from "./session.ts";
import { tokenOf } from "./token.ts";

/** Said above the form, by why nobody is signed in. */
const WHY: Record<SignedOut, string | null> = {
  start: null,
  idle: "You were signed out, because nobody used the page for 15 minutes.",
  by_hand: "You are signed out.",
};

/** Whether the link's code or what the tab kept has been tried: once for each load of the page. */
let hasTried = false;

/** The form with space and token. */
export function SignIn() {
  const { signedOut } = useSessionState();
  const [space, setSpace] = useState("");
  const [token, setToken] = useState("");
  const [isKept, setKept] = useState(false);
  const { mutate, isPending, error } = useMutation({
    mutationFn: async (given: (Credentials & { isKept: boolean }) | { code: string }) => {
      const found = "code" in given ? await exchange(given.code) : given;
      const details = await tokenOf(found);
      signIn(found, details, "isKept" in given && given.isKept);
    },
  });
  useEffect(() => {
    if (hasTried) return;
    hasTried = true;
    const kept = keptCredentials();
    if (localCode !== null) mutate({ code: localCode });
    else if (kept !== null) mutate({ ...kept, isKept: true });
  }, [mutate]);
  const send = (event: FormEvent) => {
    event.preventDefault();
    if (!isPending) mutate({ space: space.trim(), token: token.trim(), isKept });
  };
  const why = signedOut === null ? null : WHY[signedOut];
  return (
    <Page title="Sign in">
      {why !== null && <Notice kind="info">{why}</Notice>}
      {error !== null && <SignInProblem problem={error} />}
      <form className="card narrow" onSubmit={send}>
        <TextField
          label="Space"
          name="username"
          autoComplete="username"
          placeholder="spa_…"
          required
          value={space}
          onChange={(event) => setSpace(event.target.value)}
        />
        <TextField
          label="Token"
          type="password"
          name="password"
          autoComplete="current-password"
          hint="It stays in the memory of this page, and is gone when you reload or close it."
          required
          value={token}
          onChange={(event) => setToken(event.target.value)}
        />
        <CheckField
          label="Keep me signed in until this tab is closed"
          checked={isKept}
          onChange={(event) => setKept(event.target.checked)}
        />
        <div className="actions">
          <Button kind="primary" type="submit" isBusy={isPending}>
            {isPending ? "Checking the token" : "Sign in"}
          </Button>
        </div>
      </form>
      <details className="card narrow">
        <summary>How do I get a token?</summary>
        <p>An operator makes one with the command below, for your role. Let it end after a working day.</p>
        <pre>efface admin token create spa_… --role privacy_admin --expires-in 8h</pre>
        <p>
          With <code>cargo local</code>, press Enter in its terminal: it prints a link that signs you in.
        </p>
      </details>
    </Page>
  );
}

/** Why the sign-in failed. All causes of a 401 are one text, as the API has one response for them. */
export function SignInProblem({ problem }: { problem: unknown }) {
  if (problem instanceof Problem && problem.code === "unauthorized") {
    return (
      <Notice kind="bad" title="This token is not valid for this space">
        It may be mistyped, expired, revoked, or of another space.
      </Notice>
    );
  }
  return <ProblemNotice problem={problem} />;
}
