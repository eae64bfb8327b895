import { useEffect, useState } from "preact/hooks";
import type { Client } from "../../protocol/client.js";

/** A number that grows when notes change, at most twice a second; for what is asked anew then. */
export function useNews(client: Client, scope: string): number {
  const [n, setNumber] = useState(0);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const off = client.onNotify("notes", (data) => {
      if (data["scope"] !== scope) return;
      timer ??= setTimeout(() => {
        timer = undefined;
        setNumber((before) => before + 1);
      }, 500);
    });
    return () => {
      off();
      clearTimeout(timer);
    };
  }, [client, scope]);
  return n;
}
