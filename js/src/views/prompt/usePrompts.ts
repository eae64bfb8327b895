import { useEffect, useLayoutEffect, useReducer, useRef } from "preact/hooks";
import type { Client } from "../../protocol/client.js";
import type { ScopeInfo } from "../../protocol/generated.js";
import type { Wanted } from "./data.js";
import { PromptReader } from "./reader.js";

/** A reader for each text, kept while the text stays in its place; `remove` closes one and moves the later up. */
export function usePrompts(client: Client, info: ScopeInfo, wanted: readonly Wanted[], isOn: boolean) {
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  const held = useRef<PromptReader[]>([]);
  const source = useRef("");
  const state = `${info.id}/${info.index}/${info.is_complete}/${info.has_model}`;
  if (source.current !== state) {
    for (const reader of held.current) reader.close();
    held.current = [];
    source.current = state;
  }
  const readers = held.current;
  while (readers.length < wanted.length) readers.push(new PromptReader(client, info.id, () => redraw(0)));
  useEffect(() => {
    for (const reader of readers.splice(wanted.length)) reader.close();
    if (isOn) for (const [i, one] of wanted.entries()) readers[i]?.want(one);
  }, [readers, isOn, JSON.stringify(wanted)]);
  useLayoutEffect(
    () => () => {
      for (const reader of held.current) reader.close();
    },
    [],
  );
  const remove = (i: number) => {
    for (const reader of readers.splice(i, 1)) reader.close();
  };
  return { readers, remove };
}
