import { useEffect, useLayoutEffect, useReducer, useRef, useState } from "preact/hooks";
import { useHost } from "../host.js";
import { importFromKernel } from "../later/importing.js";
import type { AnyPanel, PanelView, ViewProps } from "../panels/panel.js";
import { asRequestError, type Client, isQuiet, type RequestError } from "../protocol/client.js";
import { useSlow, useTheme } from "../views/shell/hooks.js";
import { Notice, Skeleton } from "../views/shell/Notice.js";
import { Drawn } from "./drawn.js";
import type { PluginPanel, PluginView } from "./surface.js";

/** What a kernel tells of a panel of another package. */
export interface Told {
  title: string;
  about: string;
  key: string;
  height_px: number;
  has_feature: boolean;
  works_without_index: boolean;
  /** The package that brings it. */
  package?: string;
  /** Why it cannot be shown. */
  error?: string;
}

const DEFAULT_HEIGHT_PX = 480;

/** A panel of another labextension: its view is there. */
export function panelOf(plugin: PluginPanel): AnyPanel {
  const { name, title, about = "", height_px = DEFAULT_HEIGHT_PX, hasFeature = true } = plugin;
  return {
    ...common(name, async () => plugin.view),
    title,
    about,
    height_px,
    hasFeature,
    worksWithoutIndex: plugin.worksWithoutIndex ?? false,
  };
}

/** A panel of a Python package: the kernel sends its view when it is first drawn. */
export function panelFromKernel(name: string, told: Told): AnyPanel {
  const { title, about, height_px, has_feature: hasFeature, works_without_index: worksWithoutIndex } = told;
  const shown = { title, about, height_px, hasFeature, worksWithoutIndex };
  if (!told.error) return { ...common(name, (client) => viewFromKernel(client, name)), ...shown };
  const View = () => (
    <Notice title={`${title} is not shown.`}>
      <p>{told.error}</p>
    </Notice>
  );
  return { ...common(name, () => new Promise(() => {})), ...shown, View };
}

function common(
  name: string,
  load: (client: Client) => Promise<PluginView>,
): Pick<PanelView, "View" | "initial" | "code"> {
  return {
    View: (props) => <Plugged {...props} name={name} load={load} />,
    initial: {},
    code: (_state, feature) =>
      `scope.show(${JSON.stringify(name)}${feature === undefined ? "" : `, ${feature}`}).frame()`,
  };
}

const held = new WeakMap<Client, Map<string, Promise<PluginView>>>();

function viewFromKernel(client: Client, name: string): Promise<PluginView> {
  const views = held.get(client) ?? new Map<string, Promise<PluginView>>();
  held.set(client, views);
  const coming = views.get(name) ?? importFromKernel(client, name).then((module) => viewIn(module, name));
  views.set(name, coming);
  coming.catch(() => views.delete(name));
  return coming;
}

function viewIn(module: unknown, name: string): PluginView {
  const view = (module as { default?: Partial<PluginView> }).default;
  if (typeof view?.render === "function") return view as PluginView;
  throw new Error(`The view of ${name} has no default export with a function render.`);
}

interface Props extends ViewProps {
  name: string;
  load: (client: Client) => Promise<PluginView>;
}

/** The view of a plug-in, in an element of its own; its faults stay here. */
function Plugged({ name, load, ...props }: Props) {
  const { client } = props;
  const host = useHost();
  const box = useRef<HTMLDivElement>(null);
  const drawn = useRef<Drawn>(undefined);
  const [view, setView] = useState<PluginView>();
  const [error, setError] = useState<RequestError>();
  const [turn, again] = useReducer((n: number) => n + 1, 0);
  const isSlow = useSlow(!view && !error);
  useTheme();
  useEffect(() => {
    let isGone = false;
    setError(undefined);
    load(client).then(
      (found) => !isGone && setView(found),
      (failed) => !isGone && !isQuiet(failed) && setError(asRequestError(failed)),
    );
    return () => {
      isGone = true;
    };
  }, [client, name, turn]);
  const isFailed = error !== undefined;
  useLayoutEffect(() => {
    if (!view || isFailed || !box.current) return;
    const made = new Drawn(box.current, view, props, host, (failed) => {
      if (!isQuiet(failed)) setError(asRequestError(failed));
    });
    drawn.current = made;
    return () => {
      drawn.current = undefined;
      made.end();
    };
  }, [view, isFailed]);
  useLayoutEffect(() => drawn.current?.next(props, host));
  if (error)
    return (
      <Notice
        title={props.isReadOnly && !view ? "This panel is not part of the snapshot." : `${name} failed.`}
      >
        <p>{error.message}</p>
        {error.hint && <p>{error.hint}</p>}
        <button type="button" class="ss-button" onClick={() => again(0)}>
          Draw it again
        </button>
      </Notice>
    );
  return (
    <div class="ss-plugged" data-plugin={name}>
      {view?.css && <style>{view.css}</style>}
      {isSlow && <Skeleton lines={8} />}
      <div class="ss-plugged-view" ref={box} key={turn} />
    </div>
  );
}
