/** Whether an event comes from inside a node; also where a host draws panels in shadow roots. */
export function isInside(event: Event, node: Element | null | undefined): boolean {
  return node != null && event.composedPath().includes(node);
}

/** The element that has the focus, of those in the same tree as a node. */
export function focusedNear(node: Node | null | undefined): Element | null {
  const root = node?.getRootNode();
  return root instanceof ShadowRoot ? root.activeElement : document.activeElement;
}
