import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { Button } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { TextField } from "../ui/field.tsx";
import { signIn, signOut, useSession } from "./session.ts";
import { SignInProblem } from "./sign_in.tsx";
import { tokenOf } from "./token.ts";

/** Asks for another token of the same space over the page, which stays as it is. */
export function SignInAgain({ onDone }: { onDone: () => void }) {
  const { space, isKept, details } = useSession();
  const [token, setToken] = useState("");
  const { mutate, isPending, error } = useMutation({
    mutationFn: async (given: string) =>
      signIn({ space, token: given }, await tokenOf({ space, token: given }), isKept),
    onSuccess: onDone,
  });
  const leave = () => signOut("by_hand");
  const { expires_at } = details.token;
  const hasEnded = expires_at !== null && expires_at !== undefined && new Date(expires_at) <= new Date();
  return (
    <Dialog title="Sign in again" onClose={leave} isBusy={isPending}>
      <p>
        {hasEnded
          ? `The token has expired at ${new Date(expires_at).toLocaleString()}.`
          : "The token is no longer valid."}{" "}
        What you have entered on this page is kept.
      </p>
      {error !== null && <SignInProblem problem={error} />}
      <form
        onSubmit={(event: FormEvent) => {
          event.preventDefault();
          mutate(token.trim());
        }}
      >
        <TextField
          label={`Token for ${space}`}
          type="password"
          autoComplete="current-password"
          required
          value={token}
          onChange={(event) => setToken(event.target.value)}
        />
        <div className="actions">
          <Button kind="primary" type="submit" isBusy={isPending}>
            Sign in
          </Button>
          <Button onClick={leave}>Sign out</Button>
        </div>
      </form>
    </Dialog>
  );
}
