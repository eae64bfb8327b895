import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { called } from "../../data/call.js";
import { hasText } from "../../data/drag.js";
import { count, number } from "../../data/format.js";
import type { PanelView, ViewProps } from "../../panels/panel.js";
import type { RequestError } from "../../protocol/client.js";
import { useSlow } from "../shell/hooks.js";
import { isTextField, useKeys } from "../shell/keys.js";
import { Failure, Notice } from "../shell/Notice.js";
import { NeedsModel, Starters } from "./Empty.js";
import { Ranking, readableToken } from "./RankedList.js";
import { type By, rank } from "./ranking.js";
import type { TextReader } from "./reader.js";
import { TextBox } from "./TextBox.js";
import { TriedText } from "./TriedText.js";
import type { Shading, Tried } from "./tried.js";
import { useBriefs, useReader, useText } from "./useTried.js";

const POINT_AFTER_MS = 80;

/** What a person did here. */
export interface TryState {
  text: string;
  by: By;
  hidesDense: boolean;
}

/** A text, shaded by the shown feature as one types, and the features that fire on it most. */
function TryItView(props: ViewProps<TryState>) {
  const { client, info, shared, feature, choose, state, update, isReadOnly } = props;
  const { text, change } = useText(props);
  const isOn = info.has_model || isReadOnly;
  const reader = useReader(client, info, text, isOn);
  const { tried } = reader;
  const box = useRef<HTMLTextAreaElement>(null);
  useKeys({ t: ["try a text", () => box.current?.focus()] });
  const { pos, pinned, pin, point } = useToken(tried);
  const by =
    tried && !tried.hasIndex && (state.by === "relative" || state.by === "surprise") ? "max" : state.by;
  const ranked = useMemo(() => (tried ? rank(tried, by, pos) : []), [tried, by, pos]);
  const dense = useMemo(
    () => new Set(tried ? [...tried.unique].filter((_, place) => tried.isDense(place)) : []),
    [tried],
  );
  const sparse = useMemo(() => ranked.filter((row) => !dense.has(row.feature)), [ranked, dense]);
  const shading = useMemo(() => tried?.shading(feature), [tried, feature]);
  const { briefs, ask } = useBriefs(client, info, tried);
  const first = (sparse[0] ?? ranked[0])?.feature;
  useEffect(() => {
    if (feature === undefined && first !== undefined) shared.open(first);
  }, [feature, first]);
  const isOld = useSlow(reader.isWaiting) || reader.error !== undefined;
  if (!isOn) return <NeedsModel />;
  const isEmpty = text === "";
  const takes = (event: DragEvent) => !isReadOnly && hasText(event) && !isTextField(event.target);
  const takeText = (event: DragEvent) => {
    const dropped = event.dataTransfer?.getData("text/plain") ?? "";
    if (!takes(event) || dropped.trim() === "") return;
    event.preventDefault();
    change(dropped);
  };
  return (
    <div
      class="ss-try"
      data-has-text={!isEmpty || undefined}
      onDragOver={(event) => takes(event) && event.preventDefault()}
      onDrop={takeText}
    >
      <section class="ss-try-left" aria-label="Text">
        {!isReadOnly && <TextBox box={box} text={text} change={change} />}
        {isEmpty && !isReadOnly ? (
          <Starters client={client} info={info} feature={feature} take={change} />
        ) : (
          <>
            <Said tried={tried} shading={shading} feature={feature} reader={reader} />
            <Problem reader={reader} retry={(cuts) => reader.want(text, cuts)} />
            {tried && shading && (
              <TriedText
                tried={tried}
                shading={shading}
                feature={feature}
                pinned={pinned}
                pin={pin}
                point={point}
                isOld={isOld}
              />
            )}
          </>
        )}
      </section>
      {tried && !isEmpty && (
        <Ranking
          tried={tried}
          rows={state.hidesDense ? sparse : ranked}
          by={by}
          setBy={(next) => update({ by: next })}
          hidesDense={state.hidesDense}
          setHidesDense={(hidesDense) => update({ hidesDense })}
          nDense={ranked.length - sparse.length}
          feature={feature}
          choose={choose}
          briefs={briefs}
          onRows={ask}
          pos={pos}
          unpin={pinned === undefined ? undefined : () => pin(undefined)}
        />
      )}
    </div>
  );
}

export const tryIt: PanelView<TryState> = {
  title: "Try it",
  about: "Type or paste a text and see what fires on it.",
  View: TryItView,
  initial: { text: "", by: "max", hidesDense: true },
  height_px: 420,
  hasFeature: true,
  worksWithoutIndex: true,
  ...called(({ text, by, hidesDense }: TryState, _feature, shared) => [
    {
      method: "top_features",
      args: { text: shared.text || text, by, ...(hidesDense ? { max_density: 0.1 } : {}) },
    },
  ]),
};

/** The token whose features are listed: the one that was chosen, else the one under the pointer for a moment. */
function useToken(tried: Tried | undefined) {
  const [pinned, pin] = useState<number>();
  const [pointed, setPointed] = useState<number>();
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const point = (next: number | undefined) => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setPointed(next), POINT_AFTER_MS);
  };
  const nTokens = tried?.nTokens ?? 0;
  const token = pinned === undefined ? "" : `${pinned} ${tried?.data.tokens[pinned]}`;
  const before = useRef(token);
  useEffect(() => {
    const [place, id] = before.current.split(" ");
    const isOther =
      place !== "" && place === String(pinned) && id !== String(tried?.data.tokens[Number(place)]);
    if (isOther) pin(undefined);
    before.current = isOther ? "" : token;
  }, [tried, token]);
  const inText = (pos: number | undefined) => (pos !== undefined && pos < nTokens ? pos : undefined);
  return { pos: inText(pinned) ?? inText(pointed), pinned: inText(pinned), pin, point };
}

interface SaidProps {
  tried: Tried | undefined;
  shading: Shading | undefined;
  feature: number | undefined;
  reader: TextReader;
}

/** How the shown feature fires on the text, and what is being waited for. */
function Said({ tried, shading, feature, reader }: SaidProps) {
  const [isLong, setLong] = useState(false);
  const { isWaiting } = reader;
  useEffect(() => {
    if (!isWaiting) return setLong(false);
    const timer = setTimeout(() => setLong(true), 1000);
    return () => clearTimeout(timer);
  }, [isWaiting]);
  const wait =
    reader.stage?.stage === "reading"
      ? `Reading ${count(reader.stage.n_tokens)} tokens.`
      : "Waiting for the model: it is in use.";
  return (
    <p class="ss-try-said">
      <span class="ss-try-fact">
        {tried && shading && feature !== undefined && sentence(tried, shading, feature)}
      </span>
      <span class="ss-quiet" role="status">
        {isLong ? wait : tried ? size(tried) : ""}
      </span>
    </p>
  );
}

function sentence(tried: Tried, { max, peak, n_tokens }: Shading, feature: number) {
  if (peak === undefined) return <>#{feature} does not fire on this text.</>;
  return (
    <>
      #{feature} fires on {count(n_tokens)} of {count(tried.nCounted)}, max {number(max)} at{" "}
      <code>{readableToken(tried.data.texts[peak] ?? "")}</code>
    </>
  );
}

function size(tried: Tried): string {
  const { n_all } = tried.data;
  const all =
    n_all > tried.nTokens ? `the first ${count(tried.nTokens)} of ${count(n_all)}` : count(tried.nTokens);
  return `${all} ${tried.nTokens === 1 && n_all === 1 ? "token" : "tokens"}`;
}

/** Why the text could not be read; of one that is too long the beginning can be. */
function Problem({ reader, retry }: { reader: TextReader; retry: (cuts: boolean) => void }) {
  const error: RequestError | undefined = reader.error;
  if (!error) return null;
  const nFit = error.data["n_fit"];
  if (typeof nFit !== "number") return <Failure error={error} retry={() => retry(false)} />;
  return (
    <Notice title={error.message}>
      <button type="button" class="ss-button" onClick={() => retry(true)}>
        Read the first {count(nFit)}
      </button>
    </Notice>
  );
}
