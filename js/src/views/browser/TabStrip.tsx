import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Tab } from "../../plugins/usePlugins.js";

const EDGE_PX = 40;

interface Props {
  tabs: Record<string, Tab>;
  tab: string | undefined;
  toggle: (name: string) => void;
  children: ComponentChildren;
}

/** The strip of panels under the page; the arrow keys go from tab to tab. */
export function TabStrip({ tabs, tab, toggle, children }: Props) {
  const list = useRef<HTMLDivElement>(null);
  const names = Object.entries(tabs);
  useLayoutEffect(() => {
    const button = list.current?.querySelector<HTMLElement>("[aria-selected=true]");
    const strip = list.current?.parentElement;
    if (!button || !strip) return;
    const [own, whole] = [button.getBoundingClientRect(), strip.getBoundingClientRect()];
    if (own.left < whole.left) strip.scrollLeft += own.left - whole.left - EDGE_PX;
    if (own.right > whole.right) strip.scrollLeft += own.right - whole.right + EDGE_PX;
  }, [tab]);
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const buttons = [...(list.current?.querySelectorAll<HTMLElement>("[role=tab]") ?? [])];
    const at = buttons.indexOf(event.target as HTMLElement);
    buttons[(at + step + buttons.length) % buttons.length]?.focus();
  };
  return (
    <div class="ss-tabs">
      <div class="ss-choice" role="tablist" aria-label="Panels" ref={list} onKeyDown={onKeyDown}>
        {names.map(([name, { panel, key }], i) => (
          <button
            key={name}
            type="button"
            role="tab"
            aria-selected={name === tab}
            tabIndex={name === tab || (tab === undefined && i === 0) ? 0 : -1}
            title={key === undefined ? panel.about : `${panel.about} (${key})`}
            onClick={() => toggle(name)}
          >
            {panel.title}
          </button>
        ))}
      </div>
      <span class="ss-tabs-actions">{children}</span>
    </div>
  );
}
