import { useMutation } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { isProblem } from "../api/problem.ts";
import { Button } from "../ui/button.tsx";
import { CheckField, Form, TextField } from "../ui/field.tsx";
import { Notice, ProblemNotice } from "../ui/notice.tsx";
import { Page } from "../ui/page.tsx";
import { useStore } from "../ui/store.ts";
import { exchange, localCode } from "./local_link.ts";
import { type Credentials, credentials, keptCredentials, type SignedOut, signIn, useSessionState } from "./session.ts";
import { tokenOf } from "./token.ts";

/** Said above the form, by why nobody is signed in. */
const WHY: Record<SignedOut, string | null> = {
  start: null,
  idle: "You were signed out, because nobody used the page for 15 minutes.",
  by_hand: "You are signed out.",
};

/** Whether what the tab kept has been tried: once for each load of the page. */
let hasTried = false;

/** The form with space and token. */
export function SignIn() {
  const { signedOut } = useSessionState();
  const [space, setSpace] = useState("");
  const [token, setToken] = useState("");
  const [isKept, setKept] = useState(false);
  const code = useStore(localCode);
  const { mutate, isPending, error } = useMutation({
    mutationFn: async (given: (Credentials & { isKept: boolean }) | { code: string }) => {
      const found = "code" in given ? await exchange(given.code) : given;
      const details = await tokenOf(found);
      if (credentials() === null) signIn(found, details, "isKept" in given && given.isKept);
    },
  });
  useEffect(() => {
    const kept = hasTried || code !== null ? null : keptCredentials();
    hasTried = true;
    if (kept !== null) mutate({ ...kept, isKept: true });
    if (code === null) return;
    localCode.set(null);
    mutate({ code });
  }, [mutate, code]);
  const send = () => {
    if (!isPending) mutate({ space: space.trim(), token: token.trim(), isKept });
  };
  const why = signedOut === null ? null : WHY[signedOut];
  return (
    <Page title="Sign in">
      {why !== null && <Notice kind="info">{why}</Notice>}
      {error !== null && <SignInProblem problem={error} />}
      <Form className="card narrow" onSend={send}>
        <TextField
          label="Space"
          name="username"
          autoComplete="username"
          placeholder="spa_…"
          required
          value={space}
          onValue={setSpace}
        />
        <TextField
          label="Token"
          type="password"
          name="password"
          autoComplete="current-password"
          hint="It stays in the memory of this page, and is gone when you reload or close it."
          required
          value={token}
          onValue={setToken}
        />
        <CheckField label="Keep me signed in until this tab is closed" checked={isKept} onValue={setKept} />
        <div className="actions">
          <Button kind="primary" type="submit" isBusy={isPending}>
            {isPending ? "Checking the token" : "Sign in"}
          </Button>
        </div>
      </Form>
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
  if (isProblem(problem, "unauthorized")) {
    return (
      <ProblemNotice problem={problem} title="This token is not valid for this space">
        It may be mistyped, expired, revoked, or of another space.
      </ProblemNotice>
    );
  }
  return <ProblemNotice problem={problem} />;
}
