import { useEffect, useId, useRef, useState } from "preact/hooks";
import { duration } from "../../data/format.js";
import { asRequestError, type Client, isQuiet } from "../../protocol/client.js";
import type { FolderEntries, FolderEntry } from "../../protocol/generated.js";
import { size } from "./size.js";

interface Props {
  client: Client;
  scope: string;
  label: string;
  /** The kernel's folder, from which a path goes. */
  folder: string;
  value: string;
  /** What is typed, as it is typed. */
  set: (path: string) => void;
  /** A file was chosen from the list, or Enter pressed. */
  submit?: (path: string) => void;
  endings: string[];
  wantsFiles?: boolean;
}

/** A path below the kernel's folder or home, with what is there to choose from. */
export function PathField(props: Props) {
  const { client, scope, label, folder, value, set, submit, endings, wantsFiles = true } = props;
  const id = useId();
  const [isOpen, setOpen] = useState(false);
  const [at, setAt] = useState(-1);
  const box = useRef<HTMLInputElement>(null);
  const { entries, told } = useEntries(client, scope, isOpen ? value : undefined, endings, wantsFiles);
  const take = (entry: FolderEntry) => {
    set(entry.path);
    setAt(-1);
    if (entry.is_folder) return box.current?.focus();
    setOpen(false);
    submit?.(entry.path);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const n = entries.length;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const chosen = entries[at];
    if (step !== undefined) {
      setOpen(true);
      if (n > 0) setAt((before) => (before < 0 && step < 0 ? n - 1 : (before + step + n) % n));
    } else if (event.key === "Enter" && isOpen && chosen) take(chosen);
    else if (event.key === "Enter") {
      setOpen(false);
      submit?.(value);
    } else if (event.key === "Escape" && isOpen) setOpen(false);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  useEffect(() => {
    box.current?.parentElement?.querySelector("[aria-selected=true]")?.scrollIntoView?.({ block: "nearest" });
  }, [at]);
  const isElsewhere = value.startsWith("/") || value.startsWith("~");
  return (
    <label class="ss-share-row">
      <span class="ss-share-head">{label}</span>
      <span class="ss-share-path">
        {!isElsewhere && (
          <span class="ss-share-folder" title={`The kernel's folder: ${folder}`}>
            <bdi>{folder.endsWith("/") ? folder : `${folder}/`}</bdi>
          </span>
        )}
        <input
          ref={box}
          role="combobox"
          aria-expanded={isOpen}
          aria-controls={id}
          aria-autocomplete="list"
          aria-activedescendant={isOpen && entries[at] ? `${id}-${at}` : undefined}
          aria-label={`${label}: a path from ${folder}`}
          autocomplete="off"
          spellcheck={false}
          value={value}
          onInput={(e) => {
            set(e.currentTarget.value);
            setAt(-1);
            setOpen(true);
          }}
          onClick={() => setOpen(true)}
          onBlur={() => {
            setOpen(false);
            if (value.trim()) submit?.(value);
          }}
          onKeyDown={onKeyDown}
        />
        <span id={id} class="ss-share-files" role="listbox" aria-label="What is there" hidden={!isOpen}>
          {isOpen &&
            entries.map((entry, i) => (
              <span
                key={entry.path}
                id={`${id}-${i}`}
                role="option"
                aria-selected={i === at}
                onMouseDown={(e) => {
                  e.preventDefault();
                  take(entry);
                }}
              >
                <span>{entry.is_folder ? `${entry.name}/` : entry.name}</span>
                {!entry.is_folder && (
                  <small>
                    {size(entry.n_bytes)} · {ago(entry.changed_ms)}
                  </small>
                )}
              </span>
            ))}
          {isOpen && told && (
            <span role="option" aria-disabled="true" aria-selected={false} class="ss-quiet">
              {told}
            </span>
          )}
        </span>
      </span>
    </label>
  );
}

export function ago(changed_ms: number): string {
  const seconds = (Date.now() - changed_ms) / 1000;
  return seconds < 10 ? "now" : `${duration(seconds)} ago`;
}

const NONE: FolderEntry[] = [];

/** What lies at the beginning of a path; the last answer stays until the next one is here. */
function useEntries(
  client: Client,
  scope: string,
  path: string | undefined,
  endings: string[],
  wants_files: boolean,
): { entries: FolderEntry[]; told: string } {
  const [found, setFound] = useState<Partial<FolderEntries> & { problem?: string }>();
  useEffect(() => {
    if (path === undefined) return setFound(undefined);
    const life = new AbortController();
    const params = { scope, path, endings, wants_files };
    client.request("share.files", params, { slot: "share-files", signal: life.signal }).then(
      ({ data }) => setFound(data),
      (failed: unknown) => {
        if (!isQuiet(failed)) setFound({ problem: asRequestError(failed).message });
      },
    );
    return () => life.abort();
  }, [client, scope, path, endings.join(), wants_files]);
  const entries = found?.entries ?? NONE;
  const { n_more = 0, problem } = found ?? {};
  const none = found?.entries && entries.length === 0 && wants_files ? "nothing there" : "";
  return { entries, told: problem ?? (n_more > 0 ? `and ${n_more} more: type on` : none) };
}
