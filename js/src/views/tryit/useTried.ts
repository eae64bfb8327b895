import { useEffect, useLayoutEffect, useReducer, useRef, useState } from "preact/hooks";
import type { ViewProps } from "../../panels/panel.js";
import { type Client, isQuiet } from "../../protocol/client.js";
import type { FeatureBrief, ScopeInfo } from "../../protocol/generated.js";
import { TextReader } from "./reader.js";
import type { Tried } from "./tried.js";

const TELL_AFTER_MS = 300;
const MOST_BRIEFS = 200;

/** A text that is read as it changes, in this place and by nobody twice. */
export function useReader(client: Client, info: ScopeInfo, text: string, isOn: boolean): TextReader {
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  const [reader, setReader] = useState(() => new TextReader(client, info.id, () => redraw(0)));
  const state = `${info.index}/${info.is_complete}/${info.has_model}`;
  const latest = useRef(reader);
  latest.current = reader;
  useLayoutEffect(() => () => latest.current.stop(), []);
  useEffect(() => {
    const made = new TextReader(client, info.id, () => redraw(0));
    made.tried = reader.tried;
    setReader(made);
    return () => made.stop();
  }, [client, info.id, state]);
  useEffect(() => {
    if (isOn) reader.want(text);
  }, [reader, text, isOn]);
  return reader;
}

/** The text of this panel: typed here, or set by another panel or from Python; told on a moment after a key. */
export function useText({
  shared,
  state,
  update,
}: Pick<ViewProps<{ text: string }>, "shared" | "state" | "update">) {
  const [text, setText] = useState(shared.text || state.text);
  const known = useRef(shared.text);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const latest = useRef(text);
  const tell = () => {
    clearTimeout(timer.current);
    timer.current = undefined;
    known.current = latest.current;
    shared.setText(latest.current);
    update({ text: latest.current });
  };
  const change = (next: string) => {
    latest.current = next;
    setText(next);
    clearTimeout(timer.current);
    timer.current = setTimeout(tell, TELL_AFTER_MS);
  };
  useEffect(() => {
    if (shared.text === known.current) return;
    known.current = shared.text;
    clearTimeout(timer.current);
    timer.current = undefined;
    latest.current = shared.text;
    setText(shared.text);
    update({ text: shared.text });
  }, [shared.text]);
  useLayoutEffect(() => () => void (timer.current !== undefined && tell()), []);
  return { text, change };
}

/** The names of features: those that came with the text, and those asked for since. */
export function useBriefs(client: Client, info: ScopeInfo, tried: Tried | undefined) {
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  const held = useRef(new Map<number, FeatureBrief>());
  const asked = useRef(new Set<number>());
  const life = useRef(new AbortController());
  useEffect(() => () => life.current.abort(), []);
  const forget = () => {
    held.current = new Map();
    asked.current = new Set();
  };
  const ask = (features: readonly number[]) => {
    const missing = features.filter((f) => !asked.current.has(f)).slice(0, MOST_BRIEFS);
    if (!info.has_index || missing.length === 0) return;
    for (const feature of missing) asked.current.add(feature);
    client
      .request("features.brief", { scope: info.id, features: missing }, { signal: life.current.signal })
      .then(
        ({ data }) => {
          for (const brief of data.briefs) held.current.set(brief.feature, brief);
          redraw(0);
        },
        (failed) => {
          if (!isQuiet(failed)) for (const feature of missing) asked.current.delete(feature);
        },
      );
  };
  const seen = useRef<Tried>(undefined);
  if (tried && tried !== seen.current) {
    seen.current = tried;
    for (const [feature, brief] of tried.briefs) {
      held.current.set(feature, brief);
      asked.current.add(feature);
    }
  }
  useEffect(
    () =>
      client.onNotify("notes", () => {
        const features = [...held.current.keys()];
        const before = held.current;
        forget();
        held.current = before;
        ask(features);
      }),
    [client, info.id],
  );
  return { briefs: held.current as ReadonlyMap<number, FeatureBrief>, ask };
}
