import type { RefObject } from "preact";
import { useEffect, useReducer, useRef, useState } from "preact/hooks";
import { asRequestError, type Client, isQuiet, type RequestError } from "../../protocol/client.js";
import type { ScopeInfo, ScopeList } from "../../protocol/generated.js";

const NARROW_PX = 700;
const SEEN_MARGIN = "600px";

/** Draw again when the state of the line changes, or, while it is busy, what waits. */
export function useClient(client: Client): void {
  const [, setState] = useState("");
  useEffect(() => {
    const tell = () =>
      setState(`${client.status} ${client.status === "busy" ? client.nWaiting : ""} ${client.nBefore}`);
    tell();
    return client.subscribe(tell);
  }, [client]);
}

export interface ScopeAnswer {
  info: ScopeInfo | undefined;
  error: RequestError | undefined;
  retry: () => void;
}

/** What the kernel says of a scope; its news take the place of what it said before. */
export function useScope(client: Client, scope: string): ScopeAnswer {
  const [turn, retry] = useReducer((n: number) => n + 1, 0);
  const [info, setInfo] = useState<ScopeInfo>();
  const [error, setError] = useState<RequestError>();
  const nHeard = useRef(0);
  useEffect(
    () =>
      client.onNotify("scopes", (data) => {
        const found = (data as unknown as ScopeList).scopes.find((s) => s.id === scope);
        if (!found) return;
        nHeard.current++;
        setInfo(found);
      }),
    [client, scope],
  );
  useEffect(() => {
    const life = new AbortController();
    const n = nHeard.current;
    client.request("scope.info", { scope }, { signal: life.signal }).then(
      ({ data }) => {
        if (n === nHeard.current) setInfo(data);
        setError(undefined);
      },
      (failed) => {
        if (!isQuiet(failed)) setError(asRequestError(failed));
      },
    );
    return () => life.abort();
  }, [client, scope, turn]);
  return { info, error, retry: () => retry(0) };
}

/** What the numbers of an index rest on: it changes when a shard is finished, and at the end. */
export function versionOf(info: ScopeInfo): string {
  return `${info.n_tokens}/${info.is_complete}`;
}

/** Whether an element is too narrow for table and page side by side. */
export function useNarrow(element: RefObject<HTMLElement | null>, layout: "auto" | "narrow"): boolean {
  const [isNarrow, setNarrow] = useState(layout === "narrow");
  useEffect(() => {
    const node = element.current;
    if (!node || layout === "narrow" || typeof ResizeObserver === "undefined") return;
    const observer = new ResizeObserver(([entry]) => {
      if (entry && entry.contentRect.width > 0) setNarrow(entry.contentRect.width < NARROW_PX);
    });
    observer.observe(node);
    return () => observer.disconnect();
  }, [element, layout]);
  return isNarrow;
}

/** Whether an element is in sight, or nearly; a panel that is not has no need to keep up. */
export function useSeen(element: RefObject<HTMLElement | null>): boolean {
  const [isSeen, setSeen] = useState(true);
  useEffect(() => {
    const node = element.current;
    if (!node || typeof IntersectionObserver === "undefined") return;
    const observer = new IntersectionObserver((news) => setSeen(news.at(-1)?.isIntersecting ?? true), {
      rootMargin: SEEN_MARGIN,
    });
    observer.observe(node);
    return () => observer.disconnect();
  }, [element]);
  return isSeen;
}

/** A number that changes when JupyterLab's theme does; for what is painted on a canvas. */
export function useTheme(): number {
  const [turn, next] = useReducer((n: number) => n + 1, 0);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const observer = new MutationObserver(() => {
      clearTimeout(timer);
      timer = setTimeout(() => next(0), 100);
    });
    observer.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-name"] });
    return () => {
      clearTimeout(timer);
      observer.disconnect();
    };
  }, []);
  return turn;
}

/** True once `isWaiting` has held for 300 ms. */
export function useSlow(isWaiting: boolean): boolean {
  const [isSlow, setSlow] = useState(false);
  useEffect(() => {
    if (!isWaiting) return setSlow(false);
    const timer = setTimeout(() => setSlow(true), 300);
    return () => clearTimeout(timer);
  }, [isWaiting]);
  return isSlow && isWaiting;
}
