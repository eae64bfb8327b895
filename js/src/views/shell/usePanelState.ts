import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { PanelSpec } from "../../panels/panel.js";
import type { Client } from "../../protocol/client.js";

const SAVE_AFTER_MS = 400;

/** What every panel's state holds beside its own: the feature it last showed, and the one it is locked to. */
export interface CommonState {
  feature?: number;
  locked?: number | undefined;
}

export interface Saved {
  state: Record<string, unknown> & CommonState;
  update: (part: Record<string, unknown>) => void;
  /** The same for what nothing is drawn from. */
  keep: (part: Record<string, unknown>) => void;
  /** Whether it is known what was saved before. */
  isLoaded: boolean;
}

/** A panel's state: what was saved in the kernel, else in its spec, else the beginning; saved a moment after a change. */
export function usePanelState(client: Client, spec: PanelSpec, initial: object): Saved {
  const [state, setState] = useState<Saved["state"]>({ ...initial, ...spec.state });
  const [isLoaded, setLoaded] = useState(spec.panel === undefined);
  const latest = useRef(state);
  const isDirty = useRef(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const save = useCallback(() => {
    clearTimeout(timer.current);
    const { panel, scope } = spec;
    if (!panel || !isDirty.current || client.status === "closed" || client.status === "snapshot") return;
    isDirty.current = false;
    client.request("panel.save", { scope, panel, state: latest.current }).catch(() => {});
  }, [client, spec]);
  useEffect(() => {
    const { panel, scope } = spec;
    if (!panel) return;
    client
      .request("panel.load", { scope, panel })
      .then(({ data }) => {
        if (isDirty.current) return;
        latest.current = { ...latest.current, ...data.state };
        setState(latest.current);
      })
      .catch(() => {})
      .finally(() => setLoaded(true));
  }, [client, spec]);
  // an effect's end would come after the client is closed
  useLayoutEffect(() => save, [save]);
  const keep = useCallback(
    (part: Record<string, unknown>) => {
      const isSame = Object.entries(part).every(([name, value]) => latest.current[name] === value);
      if (isSame) return false;
      latest.current = { ...latest.current, ...part };
      isDirty.current = true;
      clearTimeout(timer.current);
      timer.current = setTimeout(save, SAVE_AFTER_MS);
      return true;
    },
    [save],
  );
  const update = useCallback(
    (part: Record<string, unknown>) => void (keep(part) && setState(latest.current)),
    [keep],
  );
  return { state, update, keep, isLoaded };
}
