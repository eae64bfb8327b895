import { isBytes } from "../../data/script.js";
import { shade } from "../../data/shade.js";
import { memo } from "../shell/memo.js";

const NEWLINE = "⏎";

interface Props {
  i: number;
  text: string;
  token: number;
  activation: number;
  /** The feature's largest activation: the strongest shade. */
  max: number;
  isPeak: boolean;
  isFocused?: boolean;
  /** Break the line where the text does. */
  hasBreaks?: boolean;
  /** A context of the model begins here. */
  isBreak?: boolean;
}

/** One token of a text, shaded by its activation. */
export const Token = memo(function Token(props: Props) {
  const { i, text: whole, token, activation, max, isPeak, isFocused, hasBreaks, isBreak } = props;
  const strength = shade(Math.abs(activation), max);
  const text = whole.replaceAll("\r", "").replaceAll("\n", hasBreaks ? `${NEWLINE}\n` : NEWLINE);
  const space = strength > 0 ? (/^ +(?=[^ ])/.exec(text)?.[0] ?? "") : "";
  const isByte = isBytes(whole);
  const isPart = whole === "";
  let kinds = "ss-token";
  if (isFocused) kinds += " ss-focused";
  if (isByte) kinds += " ss-bytes";
  if (isPart) kinds += " ss-part";
  if (isBreak) kinds += " ss-break";
  return (
    <span
      class={kinds}
      dir={isByte ? "ltr" : undefined}
      data-i={i}
      data-token={isPeak ? token : undefined}
      data-peak={isPeak || undefined}
    >
      {space}
      {strength > 0 ? (
        <span class={isPeak ? "ss-lit ss-peak" : "ss-lit"} style={{ "--ss-strength": strength.toFixed(3) }}>
          {drawn(text.slice(space.length))}
        </span>
      ) : (
        drawn(text)
      )}
    </span>
  );
});

/** A token's text, with our marks for line breaks in a softer color. */
function drawn(text: string) {
  if (!text.includes(NEWLINE)) return text;
  return text.split(NEWLINE).flatMap((part, i) =>
    i === 0
      ? [part]
      : [
          <span key={i} class="ss-newline">
            {NEWLINE}
          </span>,
          part,
        ],
  );
}

/** The place of the token that an event came from. */
export function tokenAt(target: EventTarget | null): number | undefined {
  const node = target instanceof Element ? target.closest("[data-i]") : null;
  return node ? Number(node.getAttribute("data-i")) : undefined;
}

/** Copying gives the text without our marks for line breaks. */
export function copyPlain(event: ClipboardEvent): void {
  const text = document.getSelection()?.toString();
  if (!text || !event.clipboardData) return;
  event.clipboardData.setData("text/plain", text.replaceAll(`${NEWLINE}\n`, "\n").replaceAll(NEWLINE, "\n"));
  event.preventDefault();
}
