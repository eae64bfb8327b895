import { useEffect, useMemo, useRef } from "preact/hooks";
import { hasText } from "../../data/drag.js";
import { useHost } from "../../host.js";
import type { AnyPanel, PanelView, ViewProps } from "../../panels/panel.js";
import { TAB_KEYS, TABS } from "../../panels/tabs.js";
import { type Tab, usePlugged } from "../../plugins/usePlugins.js";
import { HealthBadge } from "../health/HealthBadge.js";
import { KeepButton } from "../kept/KeepButton.js";
import { page } from "../page/FeaturePage.js";
import { Boundary } from "../shell/Boundary.js";
import { Divider } from "../shell/Divider.js";
import { PanelButtons } from "../shell/Header.js";
import { isTextField, type KeyMap, useKeys } from "../shell/keys.js";
import { table } from "../table/FeatureTable.js";
import { TabStrip } from "./TabStrip.js";

type PanelState = Record<string, unknown> & { locked?: number | undefined };

/** What a person did in the browser: a state for each panel in it, and how they are laid out. */
type State = Record<string, unknown> & {
  panels: Record<string, PanelState>;
  tab: string | undefined;
  /** The tab has all of the page's room. */
  isWhole: boolean;
  /** Share of the width that is the table's, and of the height that is the page's. */
  left: number;
  above: number;
  /** When narrow: whether the table is open. */
  isListOpen: boolean;
};

function ownTabs(): Record<string, Tab> {
  return Object.fromEntries(
    Object.entries(TABS).map(([name, panel]) => [name, { panel, key: TAB_KEYS[name] }]),
  );
}

/** The table of features beside the open feature's page, and the other panels under it. */
function Browser(props: ViewProps<State>) {
  const { state, update, shared, isNarrow, isSideBar, isReadOnly } = props;
  const { panels, isWhole, left, above, isListOpen } = state;
  const host = useHost();
  const pane = useRef<HTMLDivElement>(null);
  const hasTabs = !isSideBar && !isReadOnly;
  const plugged = usePlugged(props.client, !hasTabs);
  const tabs = useMemo(() => ({ ...ownTabs(), ...plugged }), [plugged]);
  const tab = hasTabs && state.tab !== undefined && state.tab in tabs ? state.tab : undefined;
  const asked = useRef<string | undefined>(undefined);
  const openTab = (name: string, change?: Record<string, unknown>) => {
    if (!(name in tabs)) return;
    asked.current = name;
    update({
      tab: name,
      ...(change ? { panels: { ...panels, [name]: { ...panels[name], ...change } as PanelState } } : {}),
    });
  };
  const toggleTab = (name: string) => (tab === name ? close() : openTab(name));
  const close = () => {
    update({ tab: undefined, isWhole: false });
    pane.current?.closest<HTMLElement>(".saescope")?.focus();
  };
  useEffect(() => {
    if (tab === undefined || asked.current !== tab) return;
    asked.current = undefined;
    const first = pane.current?.querySelector<HTMLElement>("[data-first-focus]");
    (first ?? pane.current)?.focus({ preventScroll: true });
  }, [tab]);
  const keys: KeyMap = {};
  if (hasTabs)
    for (const [name, { panel, key }] of Object.entries(tabs)) {
      if (key) keys[key] = [panel.title.toLowerCase(), () => openTab(name)];
    }
  useKeys(keys);
  const draw = (name: string, panel: AnyPanel) => {
    const own = { ...panel.initial, ...host.defaults?.[name], ...panels[name] } as PanelState;
    return (
      <Boundary key={name}>
        <panel.View
          {...props}
          feature={panel.hasFeature ? (own.locked ?? props.feature) : props.feature}
          state={own}
          update={(change: object) =>
            update({ panels: { ...panels, [name]: { ...panels[name], ...change } as PanelState } })
          }
          openTab={isSideBar ? undefined : openTab}
        />
      </Boundary>
    );
  };
  const takeText = (event: DragEvent) => {
    const text = event.dataTransfer?.getData("text/plain") ?? "";
    if (!takesText(event) || text.trim() === "") return;
    event.preventDefault();
    shared.setText(text);
    openTab("try_it");
  };
  const buttons = (name: string, panel: AnyPanel) => {
    const own = { ...panel.initial, ...host.defaults?.[name], ...panels[name] } as PanelState;
    return (
      <PanelButtons
        panel={panel}
        shared={shared}
        locked={own.locked}
        setLocked={(locked) => update({ panels: { ...panels, [name]: { ...panels[name], locked } } })}
        code={() => panel.code(own, own.locked ?? props.feature, shared)}
        keep={
          panel.calls && (
            <KeepButton
              key={name}
              client={props.client}
              info={props.info}
              name={name}
              calls={() => panel.calls?.(own, own.locked ?? props.feature, shared)}
              state={own}
              text={shared.text}
              feature={own.locked ?? props.feature}
            />
          )
        }
      />
    );
  };
  const shown = tab === undefined ? undefined : tabs[tab]?.panel;
  const isPageShown = shown === undefined || !(isWhole || isNarrow);
  const isTableShown = !isNarrow || isSideBar || isListOpen;
  return (
    <div
      class="ss-body"
      style={isNarrow ? undefined : { gridTemplateColumns: `${left * 100}% 0 minmax(0, 1fr)` }}
      data-list={isTableShown || undefined}
      onDragOver={hasTabs ? (event) => takesText(event) && event.preventDefault() : undefined}
      onDrop={hasTabs ? takeText : undefined}
    >
      {isNarrow && !isSideBar && (
        <button
          type="button"
          class="ss-list-toggle"
          aria-expanded={isListOpen}
          onClick={() => update({ isListOpen: !isListOpen })}
        >
          {isListOpen ? "▾" : "▸"} Features
        </button>
      )}
      {draw("features", table)}
      {!isNarrow && (
        <Divider
          label="Width of the table"
          orientation="vertical"
          share={left}
          low={0.15}
          high={0.7}
          change={(share) => update({ left: share })}
        />
      )}
      <div class="ss-right">
        <div
          class="ss-split"
          style={shown && isPageShown ? { gridTemplateRows: `${above * 100}% 0 minmax(0, 1fr)` } : undefined}
        >
          {isPageShown && draw("feature", page)}
          {shown && isPageShown && (
            <Divider
              label="Height of the page"
              orientation="horizontal"
              share={above}
              low={0.2}
              high={0.8}
              change={(share) => update({ above: share })}
            />
          )}
          {tab !== undefined && shown && (
            <div class="ss-pane" ref={pane} tabIndex={-1} role="tabpanel" aria-label={shown.title}>
              {draw(tab, shown)}
            </div>
          )}
        </div>
        {hasTabs && (
          <TabStrip tabs={tabs} tab={tab} toggle={toggleTab}>
            {tab !== undefined && shown ? buttons(tab, shown) : buttons("feature", page)}
            {shown && !isNarrow && (
              <button type="button" class="ss-quiet-button" onClick={() => update({ isWhole: !isWhole })}>
                {isWhole ? "with the page" : "larger"}
              </button>
            )}
            {shown && (
              <button
                type="button"
                class="ss-quiet-button"
                aria-label={`Close ${shown.title}`}
                onClick={close}
              >
                ✕
              </button>
            )}
          </TabStrip>
        )}
      </div>
    </div>
  );
}

/** A text that is dropped on the browser is tried; a field takes it as any field does. */
function takesText(event: DragEvent): boolean {
  return !event.defaultPrevented && hasText(event) && !isTextField(event.target);
}

type BadgeProps = Pick<ViewProps<State>, "client" | "info" | "update">;

/** The health of the pairing, in a word. */
function Badge({ client, info, update }: BadgeProps) {
  return <HealthBadge client={client} info={info} open={() => update({ tab: "health" })} />;
}

export const browser: PanelView<State> = {
  title: "Browser",
  about: "The feature table, the open feature's page, and all other panels.",
  View: Browser,
  initial: { panels: {}, tab: undefined, isWhole: false, left: 0.34, above: 0.52, isListOpen: false },
  height_px: 720,
  hasFeature: false,
  Badge,
  code: ({ panels }, feature, shared) =>
    table.code({ ...table.initial, ...(panels["features"] as object) }, feature, shared),
};
