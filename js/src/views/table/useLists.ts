import { useEffect, useState } from "preact/hooks";
import { numbersOf } from "../../data/rows.js";
import type { Client } from "../../protocol/client.js";
import type { FeatureList, TagCount } from "../../protocol/generated.js";

/** All lists of features, renewed when one changes; asked for while they are wanted. */
export function useLists(client: Client, scope: string, isWanted: boolean): FeatureList[] {
  const [lists, setLists] = useState<FeatureList[]>([]);
  useEffect(() => {
    if (!isWanted) return;
    const life = new AbortController();
    const ask = () =>
      void client.request("lists.get", { scope }, { slot: "table-lists", signal: life.signal }).then(
        ({ data }) => setLists(data.lists ?? []),
        () => {},
      );
    ask();
    const off = client.onNotify("notes", (data) => data["scope"] === scope && ask());
    return () => {
      off();
      life.abort();
    };
  }, [client, scope, isWanted]);
  return lists;
}

/** The tags there are, the most used first; renewed when notes change. */
export function useTags(client: Client, scope: string): TagCount[] {
  const [tags, setTags] = useState<TagCount[]>([]);
  useEffect(() => {
    const life = new AbortController();
    const ask = () =>
      void client.request("tags.get", { scope }, { slot: "table-tags", signal: life.signal }).then(
        ({ data }) => setTags(data.tags ?? []),
        () => {},
      );
    ask();
    const off = client.onNotify("notes", (data) => data["scope"] === scope && ask());
    return () => {
      off();
      life.abort();
    };
  }, [client, scope]);
  return tags;
}

/** The features of a list, renewed when it changes; nothing without one. */
export function useList(client: Client, scope: string, name: string | undefined): number[] | undefined {
  const [found, setFound] = useState<{ name: string; features: number[] }>();
  useEffect(() => {
    if (name === undefined) return setFound(undefined);
    const life = new AbortController();
    const ask = () =>
      void client.request("list.get", { scope, name }, { slot: "table-list", signal: life.signal }).then(
        ({ buffers }) => setFound({ name, features: numbersOf(buffers[0]) }),
        () => setFound({ name, features: [] }),
      );
    ask();
    const off = client.onNotify("notes", (data) => {
      const lists = (data["lists"] ?? []) as string[];
      if (data["scope"] === scope && (data["is_all"] || lists.includes(name))) ask();
    });
    return () => {
      off();
      life.abort();
    };
  }, [client, scope, name]);
  return found && found.name === name ? found.features : undefined;
}
