import type { Keys } from "./keys.js";

const ALWAYS: [string, string][] = [
  ["/", "search"],
  ["g", "go to a feature's number"],
  ["b  f", "back, forward"],
  ["?", "these keys"],
  ["Esc", "close, leave a field"],
];

const INSERTS: [string, string][] = [["i", "insert a cell that shows the feature"]];

interface HelpProps {
  keys: Keys;
  inserts: boolean;
  close: () => void;
  /** Keys of the frame. */
  always?: readonly [string, string][];
}

/** The keys that do something in this panel now. */
export function Help({ keys, inserts, close, always = ALWAYS }: HelpProps) {
  const own = Object.entries(keys.all()).filter(([, [name]]) => name !== "");
  const rows: [string, string][] = [...own.map(([key, [name]]): [string, string] => [labelOf(key), name])];
  return (
    <div class="ss-help" role="dialog" aria-label="Keys">
      <dl>
        {[...rows, ...(inserts ? INSERTS : []), ...always].map(([key, what]) => (
          <div key={key}>
            <dt>{key}</dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <button type="button" class="ss-button" onClick={close}>
        Close
      </button>
    </div>
  );
}

function labelOf(key: string): string {
  return { Enter: "↵", ArrowLeft: "←", ArrowRight: "→", " ": "space" }[key] ?? key;
}
