import { useEffect, useRef } from "preact/hooks";
import type { PanelView, ViewProps } from "../../panels/panel.js";
import type { ExportKind, ExportKinds } from "../../protocol/generated.js";
import { useSlow } from "../shell/hooks.js";
import { focusedNear } from "../shell/inside.js";
import { useKeys } from "../shell/keys.js";
import { Failure, Notice, Skeleton } from "../shell/Notice.js";
import { useAnswer } from "../shell/useAnswer.js";
import { Export } from "./Export.js";
import { ImportLabels } from "./ImportLabels.js";
import { ImportNotes } from "./ImportNotes.js";
import { MakeLabels } from "./MakeLabels.js";
import { IMPORT_LABELS, IMPORT_NOTES, MAKE_LABELS, type ShareState, viewOf } from "./state.js";
import { told } from "./told.js";

const GROUPS: readonly [ExportKind["group"], string][] = [
  ["findings", "Findings"],
  ["tables", "Tables"],
  ["tools", "Other tools"],
  ["notes", "Notes"],
];
const IMPORTS: readonly [string, string][] = [
  [IMPORT_NOTES, "Notes"],
  [IMPORT_LABELS, "Labels"],
];

/** What was found goes out to files, and comes in from those of others. */
function ShareView(props: ViewProps<ShareState>) {
  const { client, info, state, update, isReadOnly, isNarrow } = props;
  const first = useRef<HTMLDivElement>(null);
  const focusFirst = () => first.current?.querySelector<HTMLElement>("[data-first-focus]")?.focus();
  useKeys({ d: ["export or import", focusFirst] });
  const { shown, error, isWaiting, retry } = useAnswer<ExportKinds>(
    isReadOnly ? undefined : info.id,
    "",
    async ({ signal }) => (await client.request("share.kinds", { scope: info.id }, { signal })).data,
  );
  useEffect(() => {
    const pane = first.current?.closest("[role=tabpanel]");
    if (pane && pane === focusedNear(pane)) focusFirst();
  }, [shown === undefined]);
  const isSlow = useSlow(isWaiting && !shown);
  if (isReadOnly)
    return (
      <Notice title="This is a snapshot: nothing can be exported from it.">
        <p>Run the cell to go live.</p>
      </Notice>
    );
  if (!shown) {
    if (error) return <Failure error={error} retry={retry} />;
    return isSlow ? <Skeleton lines={6} /> : null;
  }
  const { kinds, folder } = shown;
  const view = viewOf(state, kinds);
  const choose = (next: string) => update({ view: next });
  const kind = kinds.find((k) => k.kind === view);
  return (
    <section class="ss-share" aria-label="Share">
      <div ref={first} class="ss-share-side">
        {isNarrow ? (
          <NavSelect kinds={kinds} view={view} choose={choose} />
        ) : (
          <Nav kinds={kinds} view={view} choose={choose} />
        )}
      </div>
      <div class="ss-share-pane">
        {kind && <Export key={kind.kind} {...props} state={{ ...state, view }} kind={kind} folder={folder} />}
        {view === IMPORT_NOTES && <ImportNotes {...props} folder={folder} />}
        {view === IMPORT_LABELS && <ImportLabels {...props} folder={folder} />}
        {view === MAKE_LABELS && <MakeLabels {...props} />}
      </div>
    </section>
  );
}

export const share: PanelView<ShareState> = { ...told, View: ShareView };

interface NavProps {
  kinds: readonly ExportKind[];
  view: string;
  choose: (view: string) => void;
}

function Nav({ kinds, view, choose }: NavProps) {
  const item = (name: string, title: string, about: string) => (
    <li key={name}>
      <button
        type="button"
        title={about}
        aria-current={view === name ? "true" : undefined}
        {...(view === name ? { "data-first-focus": true } : {})}
        onClick={() => choose(name)}
      >
        {title}
      </button>
    </li>
  );
  return (
    <nav aria-label="What to export or import">
      <h3>Export</h3>
      {GROUPS.map(([group, title]) => {
        const own = kinds.filter((k) => k.group === group);
        return (
          own.length > 0 && (
            <div key={group} role="group" aria-label={title}>
              <ul>{own.map((k) => item(k.kind, navTitle(k), k.problem || k.meaning))}</ul>
            </div>
          )
        );
      })}
      <h3>Import</h3>
      <ul>
        {item(IMPORT_NOTES, "Notes", "Notes as text, changed by git or by others.")}
        {item(IMPORT_LABELS, "Labels", "Labels from elsewhere, under your own.")}
      </ul>
      <h3>Make</h3>
      <ul>{item(MAKE_LABELS, "Labels", "Labels from what features fire on, under your own.")}</ul>
    </nav>
  );
}

function NavSelect({ kinds, view, choose }: NavProps) {
  return (
    <select
      aria-label="What to export or import"
      data-first-focus
      value={view}
      onChange={(e) => choose(e.currentTarget.value)}
    >
      <optgroup label="Export">
        {GROUPS.flatMap(([group]) =>
          kinds
            .filter((k) => k.group === group)
            .map((k) => (
              <option key={k.kind} value={k.kind}>
                {navTitle(k)}
              </option>
            )),
        )}
      </optgroup>
      <optgroup label="Import">
        {IMPORTS.map(([name, title]) => (
          <option key={name} value={name}>
            {title}
          </option>
        ))}
      </optgroup>
      <optgroup label="Make">
        <option value={MAKE_LABELS}>Make labels</option>
      </optgroup>
    </select>
  );
}

function navTitle({ group, title }: ExportKind): string {
  return group === "notes" ? `Notes as ${title.toLowerCase()}` : title;
}
