import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { useEffect } from "react";
import { Problem } from "./api/problem.ts";
import { Screens } from "./screens.tsx";
import { useIdleSignOut } from "./session/idle.ts";
import { useSessionState } from "./session/session.ts";
import { SignInAgain } from "./session/sign_in_again.tsx";
import { SignedOutScreens } from "./session/signed_out.tsx";
import { Announcer } from "./ui/announce.tsx";

const RETRIES = 2;

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 1_000,
      retry: (count, error) => error instanceof Problem && error.isPassing && count < RETRIES,
    },
    mutations: { retry: false },
  },
});

/** The console: what can be done signed out, or the screens. */
export function App() {
  const { session } = useSessionState();
  const isSignedIn = session !== null;
  // Nothing of a session outlives it.
  useEffect(() => {
    if (!isSignedIn) queries.clear();
  }, [isSignedIn]);
  return (
    <QueryClientProvider client={queries}>
      <Announcer />
      {isSignedIn ? <SignedIn isExpired={session.isExpired} /> : <SignedOutScreens />}
    </QueryClientProvider>
  );
}

function SignedIn({ isExpired }: { isExpired: boolean }) {
  useIdleSignOut();
  return (
    <>
      <Screens />
      {isExpired && <SignInAgain onDone={() => void queries.invalidateQueries()} />}
    </>
  );
}
