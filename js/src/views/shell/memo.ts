import { Component, type ComponentChild } from "preact";

/** A component that is drawn anew only when one of its properties is another. */
export function memo<P extends object>(draw: (props: P) => ComponentChild) {
  return class Memo extends Component<P> {
    override shouldComponentUpdate(next: Readonly<P>): boolean {
      const names = Object.keys({ ...this.props, ...next }) as (keyof P)[];
      return names.some((name) => this.props[name] !== next[name]);
    }

    override render() {
      return draw(this.props);
    }
  };
}
