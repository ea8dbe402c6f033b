import { createRoot } from "react-dom/client";
import { App } from "./app.tsx";
import "./console.css";

const root = document.getElementById("root");
if (root === null) throw new Error("The page has no root.");
// An error's text may hold data of people, so that it is not written to the browser's log. The page shows its name.
createRoot(root, { onCaughtError: () => undefined }).render(<App />);
