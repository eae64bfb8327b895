import { useContext, useEffect, useReducer, useState } from "preact/hooks";
import type { AnyPanel, PanelView, ViewProps } from "../panels/panel.js";
import { asRequestError, isQuiet, type RequestError } from "../protocol/client.js";
import { useSlow } from "../views/shell/hooks.js";
import { Failure, Skeleton } from "../views/shell/Notice.js";
import { LaterContext } from "./views.js";

const SKELETON_LINES = 8;

/** A panel whose view comes in a bundle of its own when it is first drawn; what is told of it is here. */
export function later<S extends object>(name: string, told: Omit<PanelView<S>, "View">): PanelView<S> {
  const View = (props: ViewProps<S>) => {
    const views = useContext(LaterContext);
    const [panel, setPanel] = useState<AnyPanel | undefined>(() => views.get(name));
    const [error, setError] = useState<RequestError>();
    const [turn, retry] = useReducer((n: number) => n + 1, 0);
    const isSlow = useSlow(!panel && !error);
    useEffect(() => {
      if (panel) return;
      let isGone = false;
      setError(undefined);
      views.fetch(name, props.client).then(
        (found) => !isGone && setPanel(found),
        (failed) => !isGone && !isQuiet(failed) && setError(asRequestError(failed)),
      );
      return () => {
        isGone = true;
      };
    }, [views, props.client, turn]);
    if (panel) return <panel.View {...props} />;
    if (error) return <Failure error={error} retry={() => retry(0)} />;
    return isSlow ? <Skeleton lines={SKELETON_LINES} /> : null;
  };
  return { ...told, View };
}
