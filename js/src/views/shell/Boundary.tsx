import { Component, type ComponentChildren } from "preact";
import { Notice } from "./Notice.js";

interface State {
  error: Error | undefined;
}

interface Props {
  children: ComponentChildren;
  /** Nothing takes the place of what failed. */
  isQuiet?: boolean;
}

/** Keeps a fault of one view inside its own panel. */
export class Boundary extends Component<Props, State> {
  override state: State = { error: undefined };

  override componentDidCatch(error: Error): void {
    this.setState({ error });
  }

  override render() {
    const { error } = this.state;
    if (!error) return this.props.children;
    if (this.props.isQuiet) return null;
    return (
      <Notice title="This panel failed to draw.">
        <p>{String(error.message ?? error)}</p>
        <button type="button" class="ss-button" onClick={() => this.setState({ error: undefined })}>
          Draw it again
        </button>
      </Notice>
    );
  }
}
