import { useState } from "preact/hooks";
import { count } from "../../data/format.js";
import type { ViewProps } from "../../panels/panel.js";
import { asRequestError, isQuiet, type RequestError } from "../../protocol/client.js";
import type { LayerList, LayerPreview } from "../../protocol/generated.js";
import { useSlow } from "../shell/hooks.js";
import { useAnswer } from "../shell/useAnswer.js";
import { Clipped } from "./Clipped.js";
import { ago, PathField } from "./PathField.js";
import type { ShareState } from "./state.js";
import { visible } from "./unseen.js";
import { useNews } from "./useNews.js";

interface Props extends ViewProps<ShareState> {
  folder: string;
}

const ENDINGS = [".csv", ".tsv", ".jsonl", ".ndjson", ".parquet"].flatMap((e) => [e, `${e}.gz`]);

/** Labels from elsewhere: shown, added as a layer under a person's own, and taken away. */
export function ImportLabels({ client, info, state, update, choose, folder }: Props) {
  const [typed, setTyped] = useState(state.labelsPath);
  const [error, setError] = useState<RequestError>();
  const [isBusy, setBusy] = useState(false);
  const [turn, setTurn] = useState(0);
  const news = useNews(client, info.id);
  const path = state.labelsPath.trim();
  const params = { scope: info.id, path, name: state.labelsName, source: state.labelsSource };
  const found = useAnswer<LayerPreview>(
    path ? `${JSON.stringify(params)}${turn}` : undefined,
    String(news),
    async ({ signal }) => (await client.request("layers.preview", params, { signal, slot: "layers" })).data,
  );
  const layers = useAnswer<LayerList>(
    info.id,
    `${news}/${turn}`,
    async ({ signal }) => (await client.request("layers.get", { scope: info.id }, { signal })).data,
  );
  const isSlow = useSlow(found.isWaiting);
  const preview = found.error || !path ? undefined : found.shown;
  const change = async (task: () => Promise<unknown>, isAdded = false) => {
    setBusy(true);
    setError(undefined);
    try {
      await task();
      if (isAdded) {
        update({ labelsPath: "", labelsName: "", labelsSource: "" });
        setTyped("");
      }
    } catch (failed) {
      if (!isQuiet(failed)) setError(asRequestError(failed));
    }
    setBusy(false);
    setTurn((n) => n + 1);
  };
  const add = (replaces: boolean) =>
    change(() => client.request("layers.add", { ...params, replaces }, { isLong: true }), true);
  return (
    <div class="ss-share-form">
      <p class="ss-share-about">
        Show labels from Neuronpedia, CSV or Parquet under your own, as a layer with its source. Your own are
        never changed.
      </p>
      <PathField
        client={client}
        scope={info.id}
        label="from"
        folder={folder}
        value={typed}
        set={setTyped}
        submit={(next) => next.trim() !== path && update({ labelsPath: next.trim() })}
        endings={ENDINGS}
      />
      {isSlow && !preview && <p class="ss-share-hint ss-quiet">Reading …</p>}
      {found.error && (
        <div class="ss-share-failed" role="alert">
          <span>
            {found.error.message.charAt(0).toUpperCase() + found.error.message.slice(1)} {found.error.hint}
          </span>
          <button type="button" class="ss-button" onClick={found.retry}>
            Read again
          </button>
        </div>
      )}
      {preview && (
        <Preview preview={preview} state={state} update={update} isBusy={isBusy} add={add} choose={choose} />
      )}
      {error && (
        <p class="ss-share-failed" role="alert">
          {error.message} {error.hint}
        </p>
      )}
      {layers.shown && (
        <LayerTable
          found={layers.shown}
          isBusy={isBusy}
          remove={(name) => void change(() => client.request("layers.remove", { scope: info.id, name }))}
          undo={() => void change(() => client.request("layers.undo", { scope: info.id }))}
        />
      )}
    </div>
  );
}

interface PreviewProps {
  preview: LayerPreview;
  state: ShareState;
  update: (part: Partial<ShareState>) => void;
  isBusy: boolean;
  add: (replaces: boolean) => Promise<void>;
  choose: (feature: number) => void;
}

/** What a file of labels holds, what to call it, and the button. */
function Preview({ preview, state, update, isBusy, add, choose }: PreviewProps) {
  const { name, source, n_labels, n_own, n_replaced, rows } = preview;
  const labels = `${count(n_labels)} ${n_labels === 1 ? "label" : "labels"}`;
  return (
    <>
      <label class="ss-share-row">
        <span class="ss-share-head">name</span>
        <input
          type="text"
          placeholder={name}
          dir="auto"
          value={state.labelsName}
          onInput={(e) => update({ labelsName: e.currentTarget.value })}
        />
      </label>
      <label class="ss-share-row">
        <span class="ss-share-head">source</span>
        <input
          type="text"
          placeholder={source}
          dir="auto"
          value={state.labelsSource}
          onInput={(e) => update({ labelsSource: e.currentTarget.value })}
        />
      </label>
      <div class="ss-share-row">
        <span class="ss-share-head" />
        <span class="ss-share-go">
          <button
            type="button"
            class={`ss-button${n_replaced === 0 ? " ss-share-main" : ""}`}
            disabled={isBusy}
            onClick={() => void add(n_replaced > 0)}
          >
            {n_replaced > 0 ? `Replace “${name}” (${count(n_replaced)})` : `Add ${labels}`}
          </button>
          <span role="status" class="ss-quiet">
            {n_replaced > 0 && `There is a layer of this name: replace it with ${labels}, or type another. `}
            {n_own > 0 &&
              `${count(n_own)} of these features ${n_own === 1 ? "has" : "have"} a label of yours, which stays above.`}
          </span>
        </span>
      </div>
      <table class="ss-share-changes" aria-label="The first labels">
        <thead>
          <tr>
            <th scope="col">of</th>
            <th scope="col">label</th>
            <th scope="col">your own</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.feature}>
              <th scope="row">
                <button
                  type="button"
                  class="ss-share-number-button"
                  title="Open the feature."
                  onClick={() => choose(row.feature)}
                >
                  #{row.feature}
                </button>
              </th>
              <td>
                <Clipped text={row.label} />
              </td>
              <td>{row.own && <Clipped text={row.own} />}</td>
            </tr>
          ))}
        </tbody>
        {n_labels > rows.length && (
          <tfoot>
            <tr>
              <td colSpan={3}>and {count(n_labels - rows.length)} more</td>
            </tr>
          </tfoot>
        )}
      </table>
    </>
  );
}

interface LayerTableProps {
  found: LayerList;
  isBusy: boolean;
  remove: (name: string) => void;
  undo: () => void;
}

/** The layers that there are. */
export function LayerTable({ found, isBusy, remove, undo }: LayerTableProps) {
  const { layers, undo: told } = found;
  if (layers.length === 0 && !told) return null;
  return (
    <section class="ss-share-layers" aria-label="Layers">
      <h3>Layers</h3>
      {layers.length === 0 && <p class="ss-quiet">none</p>}
      <ul>
        {layers.map(({ name, source, n_labels, author, saved_ms }) => (
          <li key={name}>
            <bdi>{visible(name)}</bdi>
            <span class="ss-quiet">
              {count(n_labels)} · <bdi>{visible(source)}</bdi> · <bdi>{author}</bdi>, {ago(saved_ms)}
            </span>
            <button
              type="button"
              class="ss-quiet-button"
              aria-label={`Remove the layer ${name}`}
              disabled={isBusy}
              onClick={() => remove(name)}
            >
              remove
            </button>
          </li>
        ))}
      </ul>
      {told && (
        <p role="status">
          <span class="ss-quiet">{told.charAt(0).toUpperCase() + told.slice(1)}.</span>{" "}
          <button type="button" class="ss-button" disabled={isBusy} onClick={undo}>
            Undo
          </button>
        </p>
      )}
    </section>
  );
}
