import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { TableQuery } from "../data/table.js";
import type { PanelProps } from "../panels/index.js";
import type { ScopeInfo, Selection } from "../protocol/generated.js";
import { BuildBar, isBuilding } from "./BuildBar.js";
import { CONTEXTS } from "./Examples.js";
import { FeaturePage } from "./FeaturePage.js";
import { FeatureTable } from "./FeatureTable.js";
import { Header } from "./Header.js";
import { Help } from "./Help.js";
import { useClient, useNarrow, useScope, useSlow, useTable } from "./hooks.js";
import { Hover, HoverContext } from "./hover.js";
import { onPanelKey, usePlainKeys } from "./keys.js";
import { Failure, FirstShard, NoIndex, Skeleton } from "./Notice.js";
import { Tooltip } from "./Tooltip.js";
import { useFeature } from "./useFeature.js";
import { usePlace } from "./usePlace.js";

/** What a person did in the panel, as JSON. */
export interface BrowserState {
  feature: number | undefined;
  query: TableQuery;
  group: string;
  context: number;
}

const QUERY: TableQuery = { sort: "max", descending: true, search: "", has_fired: false };

/** The table of features beside the open feature's page. */
export function Browser({ client, spec, layout = "auto" }: PanelProps) {
  const root = useRef<HTMLDivElement>(null);
  const hover = useMemo(() => new Hover(), []);
  useClient(client);
  usePlainKeys(root);
  const isNarrow = useNarrow(root, layout);
  const { info, error, retry } = useScope(client, spec.scope);
  const isSlow = useSlow(!info && !error);
  const [isHelping, setHelping] = useState(false);
  const actions = useRef<Record<string, () => void>>({});
  const keys = {
    ...actions.current,
    "/": () => focusBox(root.current, "search"),
    g: () => focusBox(root.current, "number"),
    Enter: () => root.current?.querySelector<HTMLElement>(".ss-text")?.focus(),
    "?": () => setHelping((is) => !is),
    Escape: () => {
      setHelping(false);
      hover.set(undefined);
      root.current?.focus();
    },
  };
  return (
    <HoverContext.Provider value={hover}>
      <div
        ref={root}
        class={`saescope ${isNarrow ? "ss-narrow" : "ss-wide"}`}
        data-status={client.status}
        data-lm-suppress-shortcuts
        tabIndex={0}
        onKeyDown={(event) => onPanelKey(event, { ...keys, ...actions.current })}
      >
        {info && <Header info={info} client={client} />}
        {info && <BuildBar info={info} client={client} />}
        {error && !info && <Failure error={error} retry={retry} />}
        {isSlow && <Skeleton lines={16} />}
        {info && !info.has_index && (isBuilding(info) ? <FirstShard /> : <NoIndex />)}
        {info?.has_index && (
          <Body client={client} spec={spec} info={info} isNarrow={isNarrow} actions={actions} />
        )}
        {isHelping && <Help close={() => setHelping(false)} />}
        <Tooltip />
      </div>
    </HoverContext.Provider>
  );
}

interface BodyProps extends PanelProps {
  info: ScopeInfo;
  isNarrow: boolean;
  actions: { current: Record<string, () => void> };
}

function Body({ client, spec, info, isNarrow, actions }: BodyProps) {
  const { scope } = spec;
  const [state, setState] = useState<BrowserState>({
    feature: spec.feature,
    query: QUERY,
    group: "top",
    context: 16,
  });
  const { feature, query, group, context } = state;
  const table = useTable(client, info, query);
  const { place, target, move } = usePlace(client, scope, feature, table);
  const answer = useFeature(client, info, feature, group, context);
  const isSlow = useSlow(table.counts === undefined && table.error === undefined);
  const update = (part: Partial<BrowserState>) => setState((old) => ({ ...old, ...part }));
  const open = (next: number, at?: number) => {
    if (at !== undefined) move(at);
    update({ feature: next });
    client.request("scope.select", { scope, feature: next }).catch(() => {});
  };
  const step = (delta: 1 | -1) => {
    const nRows = table.counts?.n_match ?? 0;
    const from = target.current ?? (feature === undefined ? undefined : table.rowOf(feature)) ?? -1;
    const to = Math.max(0, Math.min(nRows - 1, from + delta));
    if (to === target.current || nRows === 0) return;
    target.current = to;
    void table.featureAt(to).then((next) => next !== undefined && target.current === to && open(next, to));
  };
  const setContext = (delta: 1 | -1) => {
    const next = CONTEXTS[CONTEXTS.indexOf(context) + delta];
    if (next !== undefined) update({ context: next });
  };
  actions.current = {
    j: () => step(1),
    k: () => step(-1),
    "[": () => setContext(-1),
    "]": () => setContext(1),
  };
  const first = table.row(0)?.feature;
  useEffect(() => {
    if (feature === undefined && first !== undefined) update({ feature: first });
  }, [feature, first]);
  useEffect(
    () =>
      client.onNotify("selection", (data) => {
        const selected = data as unknown as Selection;
        if (selected.scope === scope) update({ feature: selected.feature });
      }),
    [client, scope],
  );
  return (
    <div class="ss-body">
      <FeatureTable
        table={table}
        isSlow={isSlow}
        query={query}
        change={(part) => update({ query: { ...query, ...part } })}
        feature={feature}
        place={place}
        choose={open}
        isReadOnly={client.status === "snapshot"}
      />
      <FeaturePage
        info={info}
        feature={feature}
        answer={answer}
        group={group}
        context={context}
        isNarrow={isNarrow}
        go={(next) => open(next)}
        step={step}
        setGroup={(next) => update({ group: next })}
        setContext={(next) => update({ context: next })}
      />
    </div>
  );
}

function focusBox(root: HTMLElement | null, name: string): void {
  root?.querySelector<HTMLInputElement>(`[data-box="${name}"]`)?.focus();
}
