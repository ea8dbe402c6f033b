import { focusManager, useMutation } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { Button } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Form, TextField } from "../ui/field.tsx";
import { credentials, signIn, signOut, useSession } from "./session.ts";
import { SignInProblem } from "./sign_in.tsx";
import { tokenOf } from "./token.ts";

/** Asks for another token of the same space over the page, which stays as it is. Escape would lose it, and does nothing. */
export function SignInAgain() {
  const { space, token: ended, isKept, details } = useSession();
  const [token, setToken] = useState("");
  const { mutate, isPending, error } = useMutation({
    mutationFn: async (given: string) => {
      const found = await tokenOf({ space, token: given });
      // Somebody may have signed out meanwhile, and may even have signed in to another space.
      if (credentials()?.token === ended) signIn({ space, token: given }, found, isKept);
    },
  });
  // Nothing is asked for with the ended token. Afterwards everything is asked for again, as if the page had been away: except
  // for what a consent names, which stays as it was seen.
  useEffect(() => {
    focusManager.setFocused(false);
    return () => focusManager.setFocused(undefined);
  }, []);
  const leave = () => signOut("by_hand");
  const { expires_at } = details.token;
  const hasEnded = expires_at !== null && expires_at !== undefined && new Date(expires_at) <= new Date();
  return (
    <Dialog title="Sign in again">
      <p>
        {hasEnded
          ? `The token has expired at ${new Date(expires_at).toLocaleString()}.`
          : "The token is no longer valid."}{" "}
        What you have entered on this page is kept.
      </p>
      {error !== null && <SignInProblem problem={error} />}
      <Form onSend={() => mutate(token.trim())}>
        <TextField
          label={`Token for ${space}`}
          type="password"
          autoComplete="current-password"
          required
          value={token}
          onValue={setToken}
        />
        <div className="actions">
          <Button kind="primary" type="submit" isBusy={isPending}>
            Sign in
          </Button>
          <Button onClick={leave}>Sign out</Button>
        </div>
      </Form>
    </Dialog>
  );
}
