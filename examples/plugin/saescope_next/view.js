/** The view of the panel: which tokens come next where the feature fires. */

const CHOICES = [20, 50, 200];
const SLOW_MS = 300;
const HEADS = [
  ["token", ""],
  ["share", "next-number"],
  ["examples", "next-number"],
  ["promoted", "next-number"],
];

const css = `
.saescope .next-tokens { padding: 8px 16px 16px; }
.saescope .next-tokens p { margin: 0; min-height: 28px; color: var(--ss-soft); }
.saescope .next-tokens label { float: right; }
.saescope .next-tokens select { margin-left: 6px; color: inherit; background: var(--ss-back); border: 1px solid var(--ss-line); font: inherit; }
.saescope .next-tokens table { width: 100%; border-collapse: collapse; }
.saescope .next-tokens th { color: var(--ss-soft); font-weight: inherit; text-align: left; }
.saescope .next-tokens tr > * { height: 24px; padding: 0 16px 0 0; white-space: nowrap; }
.saescope .next-tokens td:first-child { width: 1%; min-width: 8ch; font-family: var(--ss-code); white-space: pre; }
.saescope .next-tokens .next-number { width: 1%; text-align: right; }
.saescope .next-tokens .next-bar { height: 8px; background: color-mix(in srgb, var(--ss-ui) 22%, transparent); }
.saescope .next-tokens .is-promoted .next-bar { background: color-mix(in srgb, var(--ss-hue) 75%, var(--ss-soft)); }
.saescope .next-tokens .is-never { color: var(--ss-soft); }
`;

/** An element with a class and what is in it: text, or other elements. */
function make(name, className, ...inside) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...inside);
  return made;
}

const readable = (token) => token.replaceAll("\n", "⏎").replaceAll("\t", "⇥") || "‹empty›";
const percent = (share) => `${Number((100 * share).toPrecision(2))} %`;

function rowOf({ token, n, share, promoted }) {
  const bar = make("div", "next-bar");
  bar.style.width = `${100 * share}%`;
  const row = make(
    "tr",
    promoted === null ? "" : n > 0 ? "is-promoted" : "is-never",
    make("td", "", readable(token)),
    make("td", "next-number", n > 0 ? percent(share) : "never"),
    make("td", "next-number", String(n)),
    make("td", "next-number", promoted === null ? "" : `no. ${promoted}`),
    make("td", "", bar),
  );
  return row;
}

function render({ el, now, answer, onChange, update, signal }) {
  const said = document.createElement("span");
  const select = make("select", "", ...CHOICES.map((n) => new Option(String(n), String(n))));
  const label = make("label", "", "of the strongest", select);
  const head = make(
    "tr",
    "",
    ...HEADS.map(([name, className]) => make("th", className, name)),
    make("td", ""),
  );
  const body = document.createElement("tbody");
  el.append(
    make("div", "next-tokens", make("p", "", label, said), make("table", "", make("thead", "", head), body)),
  );
  select.addEventListener("change", () => update({ n_examples: Number(select.value) }));

  let asked = "";
  async function show({ feature, state, scope, isReadOnly }) {
    const n_examples = state.n_examples ?? CHOICES[1];
    const key = `${feature}/${n_examples}/${scope.n_tokens}`;
    select.value = String(n_examples);
    if (feature === undefined || key === asked || isReadOnly) return;
    asked = key;
    const slow = setTimeout(() => {
      said.textContent = "counting …";
    }, SLOW_MS);
    const { rows, n } = await answer("next_tokens", "table", { feature, n_examples }, { signal }).finally(
      () => clearTimeout(slow),
    );
    if (key !== asked) return;
    const hits = rows.filter((row) => row.promoted !== null).reduce((sum, row) => sum + row.share, 0);
    said.textContent =
      n === 0
        ? `Nothing follows the examples of feature ${feature}.`
        : `${percent(hits)} of ${n} examples of feature ${feature} go on with a token it promotes.`;
    body.replaceChildren(...rows.map(rowOf));
  }
  onChange(show);
  return show(now);
}

export default { render, css };
