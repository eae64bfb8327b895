import { useEffect, useLayoutEffect, useReducer } from "preact/hooks";
import type { Client, RequestError } from "../../protocol/client.js";
import type { FeatureNote, Noted } from "../../protocol/generated.js";
import { Desk } from "./desk.js";

const desks = new WeakMap<Client, Map<string, Desk>>();

/** The desk of a scope on a line; all views on that line share it. */
export function deskOf(client: Client, scope: string, key?: string): Desk {
  const found = desks.get(client) ?? new Map<string, Desk>();
  desks.set(client, found);
  const desk =
    found.get(scope) ??
    new Desk(client, scope, key || client.scopes.find((s) => s.id === scope)?.key || scope);
  found.set(scope, desk);
  return desk;
}

export interface NoteAnswer {
  /** As it is on disk; undefined until it is known. */
  note: FeatureNote | undefined;
  error: RequestError | undefined;
  desk: Desk;
}

/** A feature's note, kept up to date whoever changes it; `key` is the scope's, if it is at hand. */
export function useNote(
  client: Client,
  scope: string,
  feature: number | undefined,
  key?: string,
): NoteAnswer {
  const desk = deskOf(client, scope, key);
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  useLayoutEffect(() => desk.listen(() => redraw(0)), [desk]);
  // with the requests for the feature's page, which leave before the frame
  useLayoutEffect(() => (feature === undefined ? undefined : desk.watch(feature)), [desk, feature]);
  const note = feature === undefined ? undefined : desk.note(feature);
  return { note, error: feature === undefined ? undefined : desk.error(feature), desk };
}

/** A number that changes when notes of a scope do: of these features, or of any. */
export function useNotesNews(client: Client, scope: string, features?: readonly number[]): number {
  const [turn, next] = useReducer((n: number) => n + 1, 0);
  useEffect(
    () =>
      client.onNotify("notes", (data) => {
        const news = data as unknown as Noted;
        if (news.scope !== scope) return;
        if (!features || news.is_all || news.features.some((f) => features.includes(f))) next(0);
      }),
    [client, scope, features],
  );
  return turn;
}
