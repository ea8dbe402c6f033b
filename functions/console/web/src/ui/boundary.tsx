import { Component, type ReactNode } from "react";
import { Button } from "./button.tsx";
import { ProblemNotice } from "./notice.tsx";
import { Page } from "./page.tsx";
import { navigate } from "./route.tsx";

/** Shows its content, or that it has a fault. Of the fault only the name is shown: the rest may hold data of people. */
export class Boundary extends Component<{ children: ReactNode }, { fault: string | null }> {
  override state = { fault: null };

  static getDerivedStateFromError(error: unknown) {
    return { fault: error instanceof Error ? error.name : "unknown" };
  }

  override render() {
    const { fault } = this.state;
    if (fault === null) return this.props.children;
    const leave = () => {
      navigate("/");
      this.setState({ fault: null });
    };
    return (
      <Page title="This screen cannot be shown">
        <ProblemNotice problem={Object.assign(new Error(), { name: fault })} />
        <div className="actions">
          <Button onClick={() => window.location.reload()}>Reload</Button>
          <Button onClick={leave}>Overview</Button>
        </div>
      </Page>
    );
  }
}
