import { useEffect, useRef, useState } from "preact/hooks";
import type { Client } from "../../protocol/client.js";
import type { ScopeInfo } from "../../protocol/generated.js";
import { PairingCard } from "./PairingCard.js";
import { shown } from "./words.js";

interface Props {
  client: Client;
  info: ScopeInfo;
}

/** Whether SAE and model fit, in every panel's header: a shape and words; what was measured in a box below. */
export function PairingBadge({ client, info }: Props) {
  const { pairing, id: scope } = info;
  const [isOpen, setOpen] = useState(false);
  const place = useRef<HTMLSpanElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const wants = pairing?.state === "none" && pairing.can_start && client.status !== "snapshot";
  useEffect(() => {
    if (wants) void client.request("pairing.start", { scope }).catch(() => undefined);
  }, [client, scope, wants]);
  useEffect(() => {
    if (!isOpen) return;
    const life = new AbortController();
    const leave = (event: Event) => {
      if (place.current && !event.composedPath().includes(place.current)) setOpen(false);
    };
    document.addEventListener("pointerdown", leave, { signal: life.signal });
    return () => life.abort();
  }, [isOpen]);
  if (!pairing) return null;
  const { shape, word, kind } = shown(pairing);
  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  return (
    <span
      class="ss-pairing"
      ref={place}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !isOpen) return;
        event.stopPropagation();
        close();
      }}
    >
      <button
        ref={button}
        type="button"
        class={`ss-pairing-badge ss-pairing-${kind}`}
        aria-expanded={isOpen}
        aria-haspopup="dialog"
        title={title(pairing.figure)}
        onClick={() => setOpen(!isOpen)}
      >
        <span class="ss-pairing-shape" aria-hidden="true">
          {shape}
        </span>
        <span class="ss-pairing-word">{word}</span>
      </button>
      {isOpen && <PairingCard client={client} info={info} pairing={pairing} close={close} />}
    </span>
  );
}

function title(figure: string): string {
  const about = "Whether this SAE fits this model and site, measured on a short text.";
  return figure ? `${about} ${figure.charAt(0).toUpperCase()}${figure.slice(1)}.` : about;
}
