import { useEffect, useRef, useState } from "preact/hooks";
import { count, number, signed } from "../../data/format.js";
import { asRequestError, type Client, isQuiet, type RequestError } from "../../protocol/client.js";
import type { Direction, FeatureBrief } from "../../protocol/generated.js";
import { EffectBar } from "../effects/EffectBar.js";
import { Failure } from "../shell/Notice.js";
import { Named } from "./Features.js";
import { Lines } from "./Prompt.js";
import { NumberField } from "./Strength.js";
import { contrastOf, linesOf, type Plan, type SteerState } from "./state.js";

interface Props {
  state: SteerState;
  update: (part: Partial<SteerState>) => void;
}

/** Two lists of prompts whose difference is the direction, and how much of it is added. */
export function ContrastPrompts({ state, update }: Props) {
  const { positive, negative, at, coefficient } = state;
  return (
    <section class="ss-steer-contrast" aria-label="Contrast of prompts">
      <Side name="towards" content={positive} set={(next) => update({ positive: next })} />
      <Side name="away from" content={negative} set={(next) => update({ negative: next })} />
      <div class="ss-steer-line">
        <span>
          <span class="ss-quiet">look at</span>
          <select
            aria-label="Where to look"
            value={at}
            onChange={(e) => update({ at: e.currentTarget.value as "last" | "mean" })}
          >
            <option value="last">the last token</option>
            <option value="mean">the mean over tokens</option>
          </select>
        </span>
        <span title="How many times the direction is added on every steered token.">
          <span class="ss-quiet">add</span>
          <NumberField
            value={coefficient}
            set={(next) => update({ coefficient: next })}
            label="Coefficient"
            width={3}
          />
          <span class="ss-quiet">times</span>
        </span>
      </div>
    </section>
  );
}

function Side({ name, content, set }: { name: string; content: string; set: (content: string) => void }) {
  const n = linesOf(content).length;
  return (
    <div class="ss-steer-side">
      <span class="ss-quiet">
        {name}
        {n > 0 && ` · ${n}`}
      </span>
      <Lines
        content={content}
        set={set}
        label={`Prompts ${name}, one a line`}
        placeholder="one prompt a line"
      />
    </div>
  );
}

interface DirectionProps {
  client: Client;
  scope: string;
  plan: Plan;
  feature: number | undefined;
  choose: (feature: number) => void;
  steer: (feature: number) => void;
}

/** The direction of a contrast in terms of the features that it moves. */
export function DirectionTable({ client, scope, plan, feature, choose, steer }: DirectionProps) {
  const { found, key, error, isWaiting, ask } = useDirection(client, scope, plan);
  const isOld = found !== undefined && key !== keyOf(plan);
  const { positive, negative } = contrastOf(plan);
  const canAsk = positive.length > 0 && negative.length > 0;
  const briefs = new Map<number, FeatureBrief>(found?.briefs.map((brief) => [brief.feature, brief]));
  const top = Math.max(0, ...(found?.rows.map((row) => Math.abs(row.share)) ?? []));
  return (
    <section class="ss-direction" aria-label="The direction in terms of features">
      <div class="ss-direction-bar">
        <h3>The direction in features</h3>
        {(!found || isOld || isWaiting) && (
          <button type="button" class="ss-button" disabled={!canAsk || isWaiting} onClick={ask}>
            {isWaiting ? "Reading the prompts…" : found ? "Find it again" : "Find it"}
          </button>
        )}
      </div>
      {error && <Failure error={error} retry={ask} />}
      {!found && !error && (
        <p class="ss-quiet ss-direction-note">
          The mean activation on the prompts towards, less that on those away, and which features make it up.
        </p>
      )}
      {found && (
        <div class={isOld ? "ss-old" : ""}>
          <p class="ss-quiet ss-direction-note">{facts(found)}</p>
          <table>
            <thead>
              <tr>
                <th scope="col">feature</th>
                <th
                  scope="col"
                  title="Left: it fires less on the prompts towards than on those away from; right: more. Its length is the share."
                >
                  less · more
                </th>
                <th
                  scope="col"
                  title="The feature's part, along the direction, as a share of the direction's length. All parts and the SAE's error add up to 100 %. Exact."
                >
                  share
                </th>
                <th
                  scope="col"
                  title="Share of the direction's squared length that this feature and all above it make up together. Exact."
                >
                  explained
                </th>
                <th scope="col" title="Cosine of the feature's decoder direction with this one.">
                  cosine
                </th>
                <th scope="col" title="Mean activation on the prompts away from, then on those towards.">
                  away → towards
                </th>
                <th scope="col">
                  <span class="ss-unseen">steer</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {found.rows.map((row) => (
                <tr key={row.feature} data-feature={row.feature}>
                  <td>
                    <Named
                      feature={row.feature}
                      brief={briefs.get(row.feature)}
                      choose={choose}
                      isOpen={row.feature === feature}
                    />
                  </td>
                  <td>
                    <EffectBar
                      value={Math.sign(row.positive - row.negative) * Math.abs(row.share)}
                      top={top}
                      isBare
                    />
                  </td>
                  <td class="ss-number-cell">{`${number(Number((100 * row.share).toPrecision(2)))}\u2009%`}</td>
                  <td class="ss-number-cell">{`${Math.round(100 * row.explained)}\u2009%`}</td>
                  <td class="ss-number-cell">{signed(row.cosine)}</td>
                  <td class="ss-number-cell">
                    {number(row.negative)} → {number(row.positive)}
                  </td>
                  <td>
                    <button
                      type="button"
                      class="ss-quiet-button"
                      aria-label={`Steer feature ${row.feature} alone`}
                      onClick={() => steer(row.feature)}
                    >
                      steer
                    </button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function facts(d: Direction): string {
  const length = `length ${number(d.norm)}, ${number((100 * d.norm) / d.typical)}\u2009% of an activation's`;
  const agree =
    d.agreement === null ? "" : ` · pairs agree ${number(d.agreement)} (mean cosine with the others)`;
  const error = `${Math.round(100 * d.share_of_error)}\u2009% is the SAE's error`;
  return `n ${d.n_positive} − ${d.n_negative} prompts · ${length}${agree} · ${error} · ${count(d.n_moved)} features differ`;
}

function keyOf(plan: Plan): string {
  return JSON.stringify(contrastOf(plan));
}

function useDirection(client: Client, scope: string, plan: Plan) {
  const [answer, setAnswer] = useState<{ found: Direction; key: string }>();
  const [error, setError] = useState<RequestError>();
  const [isWaiting, setWaiting] = useState(false);
  const life = useRef<AbortController>(undefined);
  useEffect(() => () => life.current?.abort(), [client, scope]);
  const ask = () => {
    life.current?.abort();
    const own = new AbortController();
    life.current = own;
    const key = keyOf(plan);
    setError(undefined);
    setWaiting(true);
    client
      .request("steer.direction", { scope, contrast: contrastOf(plan) }, { signal: own.signal, isLong: true })
      .then(
        ({ data }) => setAnswer({ found: data, key }),
        (failed) => !isQuiet(failed) && setError(asRequestError(failed)),
      )
      .finally(() => life.current === own && setWaiting(false));
  };
  return { found: answer?.found, key: answer?.key, error, isWaiting, ask };
}
