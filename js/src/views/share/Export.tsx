import { useEffect, useRef, useState } from "preact/hooks";
import type { ViewProps } from "../../panels/panel.js";
import type { ExportKind, ExportPlan } from "../../protocol/generated.js";
import { versionOf } from "../shell/hooks.js";
import { useAnswer } from "../shell/useAnswer.js";
import { OptionForm } from "./OptionForm.js";
import { PathField } from "./PathField.js";
import { canWrite, Ready } from "./Ready.js";
import { Results, RunLine } from "./Results.js";
import { useRun } from "./run.js";
import { byOf, IMPORT_NOTES, optionsKey, pathOf, type ShareState, valuesOf, whichOf } from "./state.js";
import { useEstimate } from "./useEstimate.js";
import { useNews } from "./useNews.js";
import { Which } from "./Which.js";

interface Props extends ViewProps<ShareState> {
  kind: ExportKind;
  folder: string;
}

const MOST_RESULTS = 4;

/** One way to take features out: which, with what, to where; then the writing. */
export function Export(props: Props) {
  const { client, info, shared, feature, state, update, kind, folder } = props;
  const run = useRun(client);
  const news = useNews(client, info.id);
  const by = byOf(state, kind.kind, shared);
  const which = whichOf(state, kind.kind, shared, feature);
  const values = valuesOf(state, kind.kind);
  const typed = state.paths[kind.kind];
  const path = typed ?? kind.name ?? pathOf(state, kind.kind);
  const params = { scope: info.id, kind: kind.kind, path, which };
  const key = JSON.stringify(params);
  const [turn, setTurn] = useState(0);
  const plan = useAnswer<ExportPlan>(key, `${versionOf(info)}/${news}/${turn}`, async ({ signal }) => {
    const { data } = await client.request("share.plan", params, { signal, slot: "share-plan" });
    return data;
  });
  const known = plan.key === key ? plan.shown : undefined;
  const isRunning = run.state?.isRunning === true;
  const estimate = useEstimate(props, isRunning ? undefined : known, values);
  const lacking = kind.options.filter(
    ({ name, is_needed }) => is_needed && !(values[name] ?? kind.defaults[name]),
  );
  // two fields may change between two drawings
  const latest = useRef(state.options);
  latest.current = state.options;
  const set = (name: string, value: unknown) => {
    const own = optionsKey(kind.kind);
    const { [name]: _, ...others } = latest.current[own] ?? {};
    const isUsual = JSON.stringify(value) === JSON.stringify(kind.defaults[name]);
    latest.current = { ...latest.current, [own]: isUsual ? others : { ...others, [name]: value } };
    update({ options: latest.current });
  };
  const write = async (overwrite: boolean, to = path) => {
    if (to !== path) update({ paths: { ...state.paths, [kind.kind]: to } });
    const given = { ...params, path: to, options: latest.current[optionsKey(kind.kind)] ?? {}, overwrite };
    await run.start(kind.kind, (options) => client.request("share.export", given, options));
    setTurn((n) => n + 1);
  };
  const done = run.state?.done;
  // also when the writing ended while something else was shown
  useEffect(() => {
    if (!done || state.results.includes(done)) return;
    const others = state.results.filter((r) => r.path !== done.path);
    update({ results: [done, ...others].slice(0, MOST_RESULTS) });
  }, [done]);
  return (
    <form
      class="ss-share-form"
      aria-label={`Export: ${kind.title}`}
      onSubmit={(e) => {
        e.preventDefault();
        if (known && !isRunning && lacking.length === 0 && canWrite(known)) void write(known.there === "own");
      }}
    >
      <p class="ss-share-about">{kind.problem || kind.meaning}</p>
      {!kind.problem && kind.takes_features && (
        <Which
          client={client}
          scope={info.id}
          by={by}
          setBy={(next) => update({ by: next })}
          list={state.list}
          setList={(list) => update({ list })}
          nPicked={shared.picked.length}
          nLabelled={plan.shown?.n_labelled}
          nFeatures={info.n_features}
          hasTable={shared.table !== undefined}
          feature={feature}
          n={known?.n_features}
        />
      )}
      {!kind.problem && (
        <>
          <OptionForm
            kind={kind}
            values={values}
            set={set}
            showsMore={state.showsMore}
            setShowsMore={(showsMore) => update({ showsMore })}
          />
          <PathField
            client={client}
            scope={info.id}
            label="to"
            folder={folder}
            value={path}
            set={(to) => update({ paths: { ...state.paths, [kind.kind]: to } })}
            endings={kind.name.includes(".") ? [kind.name.slice(kind.name.lastIndexOf("."))] : []}
            wantsFiles={!kind.is_folder}
          />
          <div class="ss-share-foot">
            <Ready
              plan={known}
              error={plan.error?.message}
              kind={kind}
              lacking={lacking.map(({ name }) => name.replaceAll("_", " "))}
              estimate={estimate}
              isRunning={isRunning}
              isOurs={done !== undefined && done.path === known?.path}
              write={write}
              look={() => update({ view: IMPORT_NOTES, notesPath: path })}
            />
            <RunLine run={run} scope={info.id} client={client} />
          </div>
        </>
      )}
      <Results run={run} scope={info.id} client={client} results={state.results} />
    </form>
  );
}
