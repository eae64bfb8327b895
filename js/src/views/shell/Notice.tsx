import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { RequestError } from "../../protocol/client.js";

/** A state that fills a place: what is so, and what to do. */
export function Notice({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="ss-notice" role="status">
      <p class="ss-notice-title">{title}</p>
      {children}
    </div>
  );
}

export function Failure({ error, retry }: { error: RequestError; retry: () => void }) {
  return (
    <Notice title={error.message}>
      {error.hint && <p>{error.hint}</p>}
      <button type="button" class="ss-button" onClick={retry}>
        Retry
      </button>
    </Notice>
  );
}

/** What is shown could not be read anew. */
export function Stale({ error, retry }: { error: RequestError; retry: () => void }) {
  return (
    <div class="ss-stale" role="status">
      <span>Shown as before: {error.message}</span>
      <button type="button" class="ss-button" onClick={retry}>
        Retry
      </button>
    </div>
  );
}

const BUILD = 'scope.build_index(texts, out="my-index")';

/** There is no index: the call that makes one. */
export function NoIndex() {
  const [isCopied, setCopied] = useState(false);
  const copy = () => navigator.clipboard?.writeText(BUILD).then(() => setCopied(true));
  return (
    <Notice title="No index yet.">
      <p>Build one from a list of texts:</p>
      <p class="ss-call">
        <code>{BUILD}</code>
        <button type="button" class="ss-button" onClick={copy}>
          {isCopied ? "Copied" : "Copy"}
        </button>
      </p>
    </Notice>
  );
}

/** A build has begun, and nothing of it can be shown yet. */
export function FirstShard() {
  return <Notice title="The first features show when the first shard is read." />;
}

/** The shape of text that is still to come. */
export function Skeleton({ lines }: { lines: number }) {
  return (
    <div class="ss-skeleton" aria-hidden="true">
      {Array.from({ length: lines }, (_, i) => (
        <div key={i} style={{ width: `${92 - ((i * 37) % 41)}%` }} />
      ))}
    </div>
  );
}
