const KEYS: [string, string][] = [
  ["j  k", "next, previous feature"],
  ["↵", "to the open feature's examples"],
  ["←  →", "token by token, in an example"],
  ["/", "search"],
  ["g", "go to a feature's number"],
  ["[  ]", "less, more context"],
  ["?", "these keys"],
  ["Esc", "close, leave a field"],
];

export function Help({ close }: { close: () => void }) {
  return (
    <div class="ss-help" role="dialog" aria-label="Keys">
      <dl>
        {KEYS.map(([key, what]) => (
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
