import type { RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { TextBox } from "../tryit/TextBox.js";
import type { SteerState } from "./state.js";

interface Props {
  box: RefObject<HTMLTextAreaElement | null>;
  text: string;
  change: (text: string) => void;
  state: SteerState;
  update: (part: Partial<SteerState>) => void;
  hasChat: boolean | undefined;
}

/** What the model goes on from: a text, or a conversation. */
export function Prompt({ box, text, change, state, update, hasChat }: Props) {
  const { isChat, system, turns } = state;
  const setTurn = (at: number, content: string) =>
    update({ turns: turns.map((turn, i) => (i === at ? content : turn)) });
  return (
    <section class="ss-steer-prompt" aria-label="Prompt" data-chat={isChat || undefined}>
      <div class="ss-steer-line">
        <span class="ss-choice" role="group" aria-label="The prompt is">
          <button type="button" aria-pressed={!isChat} onClick={() => update({ isChat: false })}>
            text
          </button>
          <button
            type="button"
            aria-pressed={isChat}
            disabled={hasChat === false && !isChat}
            title={
              hasChat === false
                ? "The model's tokenizer has no chat template: it was not trained on conversations."
                : "A conversation, written by the tokenizer's chat template."
            }
            onClick={() => update({ isChat: true })}
          >
            chat
          </button>
        </span>
        {isChat && (
          <button type="button" class="ss-quiet-button" onClick={() => update({ turns: [...turns, "", ""] })}>
            earlier turn
          </button>
        )}
        {isChat && turns.length > 0 && (
          <button
            type="button"
            class="ss-quiet-button"
            aria-label="Take the last earlier turn away"
            onClick={() => update({ turns: turns.slice(0, -2) })}
          >
            fewer
          </button>
        )}
      </div>
      {isChat && (
        <Turn
          who="system"
          content={system}
          set={(next) => update({ system: next })}
          placeholder="none: the template's own, if it has one"
        />
      )}
      {isChat &&
        turns.map((content, i) => (
          <Turn
            key={i}
            who={i % 2 ? "assistant" : "user"}
            content={content}
            set={(next) => setTurn(i, next)}
          />
        ))}
      <div class="ss-steer-turn">
        {isChat && <span class="ss-quiet ss-steer-who">user</span>}
        <TextBox
          box={box}
          text={text}
          change={change}
          label={isChat ? "What the user says" : "Text to go on from"}
          placeholder={isChat ? "What the user says (w)" : "Text that the model goes on from (w)"}
        />
      </div>
    </section>
  );
}

interface TurnProps {
  who: string;
  content: string;
  set: (content: string) => void;
  placeholder?: string;
}

function Turn({ who, content, set, placeholder }: TurnProps) {
  return (
    <div class="ss-steer-turn">
      <span class="ss-quiet ss-steer-who">{who}</span>
      <Lines content={content} set={set} label={`What the ${who} says`} placeholder={placeholder} />
    </div>
  );
}

interface LinesProps {
  content: string;
  set: (content: string) => void;
  label: string;
  placeholder?: string | undefined;
}

/** A box for text that is as high as it needs. */
export function Lines({ content, set, label, placeholder }: LinesProps) {
  const box = useRef<HTMLTextAreaElement>(null);
  useLayoutEffect(() => {
    const node = box.current;
    if (!node) return;
    node.style.height = "auto";
    if (node.scrollHeight > 0)
      node.style.height = `${node.scrollHeight + node.offsetHeight - node.clientHeight}px`;
  }, [content]);
  return (
    <textarea
      ref={box}
      class="ss-steer-lines"
      rows={1}
      dir="auto"
      spellcheck={false}
      aria-label={label}
      placeholder={placeholder}
      value={content}
      onInput={(e) => set(e.currentTarget.value)}
    />
  );
}
