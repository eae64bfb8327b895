import { useEffect, useState } from "preact/hooks";
import type { Client } from "../../protocol/client.js";
import type { Example, ScopeInfo } from "../../protocol/generated.js";
import { Notice } from "../shell/Notice.js";

const LOAD = "saescope.load(model, sae=…, index=…)";
const SENTENCES = [
  "The Golden Gate Bridge is in the city of San Francisco.",
  "In 1867 the Emperor of Austria was crowned King of Hungary.",
  "def mean(xs):\n    return sum(xs) / len(xs)",
];
const SHOWN = 90;

/** Only an index is open: what is missing, and the call that brings it. */
export function NeedsModel() {
  const [isCopied, setCopied] = useState(false);
  const copy = () => void navigator.clipboard?.writeText(LOAD).then(() => setCopied(true));
  return (
    <Notice title="Reading a text needs the model, and only an index is open.">
      <p>Load all three:</p>
      <p class="ss-call">
        <code>{LOAD}</code>
        <button type="button" class="ss-button" onClick={copy}>
          {isCopied ? "Copied" : "Copy"}
        </button>
      </p>
    </Notice>
  );
}

interface Props {
  client: Client;
  info: ScopeInfo;
  feature: number | undefined;
  take: (text: string) => void;
  sentences?: readonly string[];
}

/** Texts to begin with: the shown feature's strongest example, and some sentences. */
export function Starters({ client, info, feature, take, sentences = SENTENCES }: Props) {
  const [own, setOwn] = useState<{ feature: number; text: string }>();
  useEffect(() => {
    if (feature === undefined || !info.has_index) return;
    const life = new AbortController();
    const found: Example[] = [];
    const onEvent = ({ examples }: { examples: Example[] }) => void found.push(...examples);
    client
      .request(
        "examples.list",
        { scope: info.id, feature, k: 1, context: 16 },
        { signal: life.signal, onEvent },
      )
      .then(
        () => found[0] && setOwn({ feature, text: plainText(found[0]) }),
        () => {},
      );
    return () => life.abort();
  }, [client, info.id, info.has_index, feature]);
  return (
    <ul class="ss-try-starters">
      {own && own.feature === feature && own.text && (
        <Starter key="own" label={`An example of #${feature}`} text={own.text} take={take} />
      )}
      {sentences.map((text) => (
        <Starter key={text} label="Try" text={text} take={take} />
      ))}
    </ul>
  );
}

function Starter({ label, text, take }: { label: string; text: string; take: (text: string) => void }) {
  const line = text.replaceAll("\n", " ⏎ ");
  return (
    <li>
      <button type="button" class="ss-try-starter" onClick={() => take(text)}>
        <span class="ss-quiet">{label}: </span>
        {line.length > SHOWN ? `${line.slice(0, SHOWN)}…` : line}
      </button>
    </li>
  );
}

/** The part of an example around its peak that holds no broken characters. */
export function plainText({ texts, peak }: Pick<Example, "texts" | "peak">): string {
  const isBroken = (i: number) => /^.*‹([0-9A-F]{2} ?)+›/s.test(texts[i] ?? "");
  let [low, high] = [peak, peak + 1];
  if (isBroken(peak)) return "";
  while (low > 0 && !isBroken(low - 1)) low--;
  while (high < texts.length && !isBroken(high)) high++;
  return texts.slice(low, high).join("").trim();
}
