import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { type ReactNode, useEffect, useState } from "react";
import { Problem } from "./api/problem.ts";
import { Screens } from "./screens.tsx";
import { useIdleSignOut } from "./session/idle.ts";
import { useSessionState } from "./session/session.ts";
import { SignInAgain } from "./session/sign_in_again.tsx";
import { SignedOutScreens } from "./session/signed_out.tsx";
import { Announcer } from "./ui/announce.tsx";
import { Boundary } from "./ui/boundary.tsx";

const RETRIES = 2;

/** Without a network everything fails at once: a deletion must never wait, and then be sent when nobody looks. */
const networkMode = "always";

function newClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        networkMode,
        staleTime: 1_000,
        retry: (count, error) => error instanceof Problem && error.isPassing && count < RETRIES,
      },
      mutations: { networkMode, retry: false },
    },
  });
}

/** The console: what can be done signed out, or the screens. */
export function App() {
  const { session } = useSessionState();
  return (
    <>
      <Announcer />
      {session === null ? (
        <Memory key="signed out">
          <SignedOutScreens />
        </Memory>
      ) : (
        <Memory key="signed in">
          <SignedIn isExpired={session.isExpired} />
        </Memory>
      )}
    </>
  );
}

/** What was loaded. Nothing of a session outlives it: what is still on its way then ends without an effect on the page. */
function Memory({ children }: { children: ReactNode }) {
  const [client] = useState(newClient);
  useEffect(
    () => () => {
      for (const mutation of client.getMutationCache().getAll()) mutation.setOptions({});
      client.clear();
    },
    [client],
  );
  return (
    <QueryClientProvider client={client}>
      <Boundary>{children}</Boundary>
    </QueryClientProvider>
  );
}

function SignedIn({ isExpired }: { isExpired: boolean }) {
  useIdleSignOut();
  return (
    <>
      <Screens />
      {isExpired && <SignInAgain />}
    </>
  );
}
