import { ReceiptCheck } from "../receipt/receipt_check.tsx";
import { Link, useRoute } from "../ui/route.tsx";
import { SignIn } from "./sign_in.tsx";

/** What can be done without a token: to sign in, or to check a receipt. */
export function SignedOutScreens() {
  const route = useRoute();
  return (
    <>
      <header className="bar">
        <strong className="brand">Efface</strong>
        <nav aria-label="Screens">
          <Link href="/">Sign in</Link> <Link href="/receipts">Check a receipt</Link>
        </nav>
      </header>
      <main id="main" className="alone">
        {route === "/receipts" ? <ReceiptCheck /> : <SignIn />}
      </main>
    </>
  );
}
