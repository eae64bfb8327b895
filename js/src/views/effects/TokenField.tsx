import { useEffect, useId, useRef, useState } from "preact/hooks";
import { asRequestError, type Client, isQuiet } from "../../protocol/client.js";
import type { NextTokens, ScopeInfo } from "../../protocol/generated.js";
import { askNext, type ChosenToken, type GivenText, type Offer, offersOf, textParams } from "./aim.js";
import { probability, visible } from "./signed.js";

const ASK_AFTER_MS = 90;

interface Props {
  client: Client;
  info: ScopeInfo;
  text: GivenText;
  label: string;
  /** What stands in it while nothing is chosen. */
  hint: string;
  value: ChosenToken | undefined;
  set: (token: ChosenToken | undefined) => void;
}

/** A field for one token of the vocabulary, with those that the model expects after the text. */
export function TokenField({ client, info, text, label, hint, value, set }: Props) {
  const id = useId();
  const field = useRef<HTMLInputElement>(null);
  const [typed, setTyped] = useState<string>();
  const [at, setAt] = useState(0);
  const { found, problem } = useNext(client, info, text, typed);
  const isOpen = typed !== undefined;
  const offers = isOpen && found ? offersOf(found, typed) : [];
  const close = () => {
    setTyped(undefined);
    setAt(0);
  };
  const take = ({ token }: Offer) => {
    set({ token: token.token, text: token.text });
    close();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (!isOpen) setTyped("");
      else if (offers.length > 0) {
        const step = event.key === "ArrowDown" ? 1 : -1;
        setAt((at + step + offers.length) % offers.length);
      }
    } else if (event.key === "Enter") {
      const offer = offers[at];
      if (typed === "" && at === 0 && value) {
        set(undefined);
        close();
      } else if (offer) take(offer);
    } else if (event.key === "Escape" && isOpen) close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <span class="ss-token-field">
      <label for={`${id}-box`}>{label}</label>
      <input
        ref={field}
        id={`${id}-box`}
        class={value ? "ss-token-box ss-token-set" : "ss-token-box"}
        role="combobox"
        aria-expanded={isOpen && offers.length > 0}
        aria-controls={`${id}-list`}
        aria-autocomplete="list"
        {...(offers[at] ? { "aria-activedescendant": `${id}-${at}` } : {})}
        autocomplete="off"
        spellcheck={false}
        placeholder={value ? visible(value.text) : visible(hint)}
        value={typed ?? (value ? visible(value.text) : "")}
        onFocus={() => setTyped((was) => was ?? "")}
        onClick={() => setTyped((was) => was ?? "")}
        onBlur={close}
        onInput={(e) => {
          setTyped(e.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={onKeyDown}
      />
      {value && !isOpen && (
        <button
          type="button"
          class="ss-token-clear"
          aria-label={`${label}: none`}
          onClick={() => set(undefined)}
        >
          ×
        </button>
      )}
      {isOpen && (
        <div class="ss-token-offers" id={`${id}-list`} role="listbox" aria-label={`Tokens for ${label}`}>
          {offers.map((offer, i) => (
            <div
              key={offer.token.token}
              id={`${id}-${i}`}
              role="option"
              aria-selected={i === at}
              class="ss-token-offer"
              onMouseDown={(e) => {
                e.preventDefault();
                take(offer);
                field.current?.blur();
              }}
              onMouseMove={() => setAt(i)}
            >
              <bdi>{visible(offer.token.text)}</bdi>
              <span class="ss-quiet">p {probability(offer.token.probability)}</span>
              {offer.about && <small>{offer.about}</small>}
            </div>
          ))}
          {problem && <p class="ss-problem">{problem}</p>}
          {found && offers.length === 0 && <p class="ss-quiet">no token</p>}
        </div>
      )}
    </span>
  );
}

/** What could follow the text, asked a moment after the last key; nothing while the field is shut. */
function useNext(client: Client, info: ScopeInfo, text: GivenText, typed: string | undefined) {
  const [found, setFound] = useState<NextTokens>();
  const [problem, setProblem] = useState("");
  const key = typed === undefined ? undefined : JSON.stringify([textParams(text), typed]);
  useEffect(() => {
    if (typed === undefined) {
      setFound(undefined);
      return setProblem("");
    }
    const life = new AbortController();
    const ask = () =>
      askNext(client, info.id, text, typed, life.signal).then(
        (next) => {
          setFound(next);
          setProblem("");
        },
        (failed) => {
          if (!life.signal.aborted && !isQuiet(failed)) setProblem(asRequestError(failed).message);
        },
      );
    const timer = setTimeout(ask, typed === "" ? 0 : ASK_AFTER_MS);
    return () => {
      clearTimeout(timer);
      life.abort();
    };
  }, [client, info.id, key]);
  return { found, problem };
}
