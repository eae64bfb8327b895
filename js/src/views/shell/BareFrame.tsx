import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { MountOptions } from "../../draw.js";
import type { BareView, PanelSpec } from "../../panels/panel.js";
import type { Client } from "../../protocol/client.js";
import { Boundary } from "./Boundary.js";
import { lineState, PanelButtons } from "./Header.js";
import { Help } from "./Help.js";
import { useClient, useNarrow } from "./hooks.js";
import { Keys, KeysContext, onPanelKey, usePlainKeys } from "./keys.js";
import { usePanelState } from "./usePanelState.js";

interface Props {
  client: Client;
  spec: PanelSpec;
  title: string;
  height_px: number;
  // biome-ignore lint/suspicious/noExplicitAny: each view has a state of its own, and only it reads it
  bare: BareView<any>;
  initial: object;
  layout: "auto" | "narrow";
  onState: MountOptions["onState"];
  onHandle: MountOptions["onHandle"];
}

const KEYS: readonly [string, string][] = [
  ["/", "search"],
  ["?", "these keys"],
  ["Esc", "close, leave a field"],
];

/** What a panel has that belongs to no scope: header, keys and saved state. */
export function BareFrame({
  client,
  spec,
  title,
  height_px,
  bare,
  initial,
  layout,
  onState,
  onHandle,
}: Props) {
  const root = useRef<HTMLDivElement>(null);
  const keys = useMemo(() => new Keys(), []);
  useClient(client);
  usePlainKeys(root);
  const isNarrow = useNarrow(root, layout);
  const [isHelping, setHelping] = useState(false);
  const saved = usePanelState(client, spec, initial);
  useEffect(() => onHandle?.({ update: saved.update }), [saved.update]);
  useEffect(() => onState?.(saved.state), [saved.state]);
  const own = {
    "/": () => root.current?.querySelector<HTMLInputElement>('[data-box="search"]')?.focus(),
    "?": () => setHelping((is) => !is),
    Escape: () => {
      setHelping(false);
      root.current?.focus();
    },
  };
  return (
    <KeysContext.Provider value={keys}>
      <div
        ref={root}
        class={`saescope ${isNarrow ? "ss-narrow" : "ss-wide"}`}
        style={{ height: `${height_px}px` }}
        data-status={client.status}
        data-lm-suppress-shortcuts
        role="region"
        aria-label={`saescope: ${title}`}
        tabIndex={0}
        onKeyDown={(event) => onPanelKey(event, { ...own, ...keys.actions() })}
      >
        <div class="ss-header">
          <h2 class="ss-panel-title">{title}</h2>
          <span class={`ss-line ss-line-${client.status}`} role="status">
            {lineState(client)}
          </span>
          <PanelButtons
            panel={{ hasFeature: false }}
            shared={undefined}
            locked={undefined}
            setLocked={() => {}}
            code={() => bare.code(saved.state)}
          />
        </div>
        <Boundary>
          {saved.isLoaded && (
            <bare.View
              client={client}
              panel={spec.panel ?? ""}
              state={saved.state}
              update={saved.update}
              isNarrow={isNarrow}
              isReadOnly={client.status === "snapshot"}
            />
          )}
        </Boundary>
        {isHelping && <Help keys={keys} inserts={false} always={KEYS} close={() => setHelping(false)} />}
      </div>
    </KeysContext.Provider>
  );
}
