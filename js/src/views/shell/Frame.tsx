import { useEffect, useMemo, useReducer, useRef, useState } from "preact/hooks";
import { showCall, startDrag } from "../../data/drag.js";
import { Shared } from "../../data/shared.js";
import type { MountOptions } from "../../draw.js";
import { useHost } from "../../host.js";
import type { AnyPanel, PanelSpec } from "../../panels/panel.js";
import { atOf, setAt } from "../../plugins/at.js";
import type { Client } from "../../protocol/client.js";
import { KeepButton } from "../kept/KeepButton.js";
import { Boundary } from "./Boundary.js";
import { BuildBar, isBuilding } from "./BuildBar.js";
import { Header } from "./Header.js";
import { Help } from "./Help.js";
import { useClient, useNarrow, useScope, useSeen, useSlow } from "./hooks.js";
import { Hover, HoverContext } from "./hover.js";
import { Keys, KeysContext, onPanelKey, usePlainKeys } from "./keys.js";
import { Failure, FirstShard, NoIndex, Skeleton } from "./Notice.js";
import { Tooltip } from "./Tooltip.js";
import { useDefaults } from "./useDefaults.js";
import { usePanelState } from "./usePanelState.js";

export interface FrameProps {
  client: Client;
  spec: PanelSpec;
  /** The panel's name. */
  name: string;
  panel: AnyPanel;
  initial: object;
  layout: "auto" | "narrow";
  onState: MountOptions["onState"];
  onHandle: MountOptions["onHandle"];
}

/** What every panel has: header, states, keys, tooltip, selection and saved state; the view is inside. */
export function Frame({ client, spec, name, panel, initial, layout, onState, onHandle }: FrameProps) {
  const root = useRef<HTMLDivElement>(null);
  const hover = useMemo(() => new Hover(), []);
  const keys = useMemo(() => new Keys(), []);
  const host = useHost();
  useClient(client);
  usePlainKeys(root);
  const isNarrow = useNarrow(root, layout);
  const { info, error, retry } = useScope(client, spec.scope);
  const isSlow = useSlow(!info && !error);
  const [isHelping, setHelping] = useState(false);
  const saved = usePanelState(client, spec, initial);
  useDefaults(host, name, initial, saved);
  const shared = useShared(client, spec, saved.isLoaded ? saved.state.feature : undefined, saved.isLoaded);
  useEffect(() => {
    if (shared?.feature !== undefined) saved.keep({ feature: shared.feature });
  }, [shared?.feature]);
  useEffect(() => onHandle?.({ update: saved.update }), [saved.update]);
  useEffect(() => {
    if (shared) onState?.({ ...saved.state, feature: shared.feature });
  }, [saved.state, shared, shared?.feature]);
  useEffect(() => {
    const node = root.current;
    setAt(node, info && atOf(client, () => info));
    return () => setAt(node, undefined);
  }, [client, info]);
  const isSeen = useSeen(root);
  const followed = useRef(shared?.feature);
  if (isSeen || followed.current === undefined) followed.current = shared?.feature;
  const own = {
    g: () => focusBox(root.current, "number"),
    "/": () => focusBox(root.current, "search"),
    b: () => shared?.back(),
    f: () => shared?.forward(),
    i: () => {
      if (root.current && shared?.feature !== undefined)
        host.insertCell?.(showCall(shared.feature, root.current), root.current);
    },
    "?": () => setHelping((is) => !is),
    Escape: () => {
      setHelping(false);
      hover.set(undefined);
      root.current?.focus();
    },
  };
  const canShow = info && (info.has_index || panel.worksWithoutIndex);
  return (
    <HoverContext.Provider value={hover}>
      <KeysContext.Provider value={keys}>
        <div
          ref={root}
          class={`saescope ${isNarrow ? "ss-narrow" : "ss-wide"}`}
          style={{ "--ss-height": `${panel.height_px}px` }}
          data-status={client.status}
          data-variable={info?.variable || undefined}
          data-lm-suppress-shortcuts
          role="region"
          aria-label={`saescope: ${panel.title}`}
          tabIndex={0}
          onDragStart={startDrag}
          onKeyDown={(event) => onPanelKey(event, { ...own, ...keys.actions() })}
        >
          {info && (
            <Header
              info={info}
              client={client}
              panel={panel}
              shared={shared}
              locked={saved.state.locked}
              setLocked={(locked) => saved.update({ locked })}
              code={() => shared && panel.code(saved.state, saved.state.locked ?? shared.feature, shared)}
              keep={
                panel.calls &&
                shared && (
                  <KeepButton
                    client={client}
                    info={info}
                    name={name}
                    calls={() => panel.calls?.(saved.state, saved.state.locked ?? shared.feature, shared)}
                    state={saved.state}
                    text={shared.text}
                    feature={saved.state.locked ?? shared.feature}
                  />
                )
              }
            >
              {panel.Badge && (
                <Boundary isQuiet>
                  <panel.Badge client={client} info={info} update={saved.update} />
                </Boundary>
              )}
            </Header>
          )}
          {info && <BuildBar info={info} client={client} />}
          {error && !info && <Failure error={error} retry={retry} />}
          {isSlow && <Skeleton lines={16} />}
          {info && !canShow && (isBuilding(info) ? <FirstShard /> : <NoIndex />)}
          {canShow && shared && (
            <Boundary>
              <panel.View
                client={client}
                info={info}
                shared={shared}
                feature={saved.state.locked ?? followed.current}
                choose={(feature) => shared.choose(feature)}
                state={saved.state}
                update={saved.update}
                isNarrow={isNarrow}
                isReadOnly={client.status === "snapshot"}
                isSideBar={layout === "narrow"}
              />
            </Boundary>
          )}
          {isHelping && (
            <Help keys={keys} inserts={host.insertCell !== undefined} close={() => setHelping(false)} />
          )}
          <Tooltip />
        </div>
      </KeysContext.Provider>
    </HoverContext.Provider>
  );
}

/** The selection, made when it is known what was open before; draws anew when it changes. */
function useShared(client: Client, spec: PanelSpec, feature: number | undefined, isReady: boolean) {
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  const [shared, setShared] = useState<Shared>();
  useEffect(() => {
    if (!isReady) return;
    const made = new Shared(client, spec.scope, feature ?? spec.feature);
    made.listen(() => redraw(0));
    setShared(made);
    return () => made.close();
  }, [client, spec.scope, isReady]);
  return shared;
}

function focusBox(root: HTMLElement | null, name: string): void {
  root?.querySelector<HTMLInputElement>(`[data-box="${name}"]`)?.focus();
}
