import { useEffect, useReducer, useRef } from "preact/hooks";
import type { Host } from "../../host.js";
import type { Saved } from "./usePanelState.js";

/** Follow the settings of the application: what a person has not chosen in the panel becomes what is set now. */
export function useDefaults(host: Host, name: string, initial: object, saved: Saved): void {
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  const known = useRef<Record<string, unknown>>({ ...initial });
  const latest = useRef(saved);
  latest.current = saved;
  useEffect(
    () =>
      host.onDefaults?.(() => {
        const now = host.defaults?.[name] ?? {};
        const { state, update } = latest.current;
        const isAsBefore = ([key]: [string, unknown]) => state[key] === known.current[key];
        update(Object.fromEntries(Object.entries(now).filter(isAsBefore)));
        known.current = { ...known.current, ...now };
        redraw(0);
      }),
    [host, name],
  );
}
