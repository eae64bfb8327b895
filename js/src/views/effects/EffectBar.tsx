import { number } from "../../data/format.js";
import { change, signClass } from "./signed.js";

export type Method = "exact" | "estimate";

interface Props {
  value: number | null;
  /** The magnitude that fills a side. */
  top: number;
  /** `nats`, `logits`; told to those who do not see the column's head. */
  unit?: string;
  method?: Method;
  /** Of an estimate: what it was estimated by. */
  by?: string;
  /** A matched control's value: a tick on the bar. */
  control?: number | null | undefined;
  /** A confidence interval, drawn as a whisker. */
  interval?: readonly [number, number] | undefined;
  /** A size, such as a KL: the bar begins at the left, and has no color of a sign. */
  isSize?: boolean;
  /** Without the number: it stands elsewhere. */
  isBare?: boolean;
  title?: string;
}

/** A signed number with a bar from the middle: to the left falls, to the right rises. */
export function EffectBar(props: Props) {
  const { value, top, unit = "", method, by, control, interval, isSize, isBare, title } = props;
  const share = (x: number) => (top > 0 ? Math.max(-1, Math.min(1, x / top)) : 0);
  const at = (x: number) => (isSize ? 100 * share(x) : 50 + 50 * share(x));
  const size = value === null || !Number.isFinite(value) ? 0 : share(value);
  return (
    <span class="ss-effect" title={title}>
      {!isBare && (
        <span class="ss-effect-value">
          {isSize && value !== null ? number(value) : change(value)}
          {unit && <span class="ss-unseen"> {unit}</span>}
        </span>
      )}
      <span class={isSize ? "ss-effect-bar ss-effect-plain" : "ss-effect-bar"} aria-hidden="true">
        <span
          class={`ss-effect-fill ${isSize ? "" : signClass(value)}`}
          style={{
            left: `${Math.min(at(0), at(size * top))}%`,
            width: `${Math.abs(at(size * top) - at(0))}%`,
          }}
        />
        {interval && (
          <span
            class="ss-effect-whisker"
            style={{ left: `${at(interval[0])}%`, width: `${at(interval[1]) - at(interval[0])}%` }}
          />
        )}
        {control != null && Number.isFinite(control) && (
          <span class="ss-effect-control" style={{ left: `${at(control)}%` }} />
        )}
      </span>
      {method && <MethodTag method={method} {...(by ? { by } : {})} />}
    </span>
  );
}

const MEANING: Record<Method, string> = {
  exact: "The model was run again with the change.",
  estimate: "Estimated from gradients or weights; the model was not run again with the change.",
};

/** How a number was had. */
export function MethodTag({ method, by }: { method: Method; by?: string }) {
  return (
    <span class={`ss-method ss-method-${method}`} title={MEANING[method]}>
      {method}
      {by && <span class="ss-method-by"> ({by})</span>}
    </span>
  );
}
