import { useEffect } from "preact/hooks";
import type { PanelView, ViewProps } from "../../panels/panel.js";
import type { Comparison } from "../../protocol/generated.js";
import { useSlow } from "../shell/hooks.js";
import { Failure, Skeleton, Stale } from "../shell/Notice.js";
import { AddFeature } from "./AddFeature.js";
import { Column } from "./Column.js";
import { ContrastSection } from "./ContrastSection.js";
import { Pairs } from "./Pairs.js";
import { type CompareState, chosenFeatures, contrastOf, LETTERS, MOST, onlyRole } from "./roles.js";
import { told } from "./told.js";
import { useCompare, useContrast, useSuggestions } from "./useCompare.js";

/** Two to four features side by side, how alike they are, and where one fires and another does not. */
function CompareView(props: ViewProps<CompareState>) {
  const { client, info, shared, feature, choose, state, update, isNarrow, isReadOnly } = props;
  const features = chosenFeatures(state, shared.picked, feature, info.n_features);
  const answer = useCompare(client, info, features);
  const asked = contrastOf(state, features);
  const contrast = useContrast(client, info, asked, state.within, state.context);
  useEffect(() => {
    if (feature === undefined && !shared.stepper) shared.open(0);
  }, [feature]);
  const isSlow = useSlow(answer.isWaiting);
  const { shown, error, staleError, retry } = answer;
  const isSame = shown !== undefined && shown.features.map((f) => f.brief.feature).join() === features.join();
  return (
    <section class="ss-compare" aria-label="Compare">
      {!isReadOnly && <CompareBar {...props} features={features} />}
      {error ? (
        <Failure error={error} retry={retry} />
      ) : !shown || (isSlow && !isSame) ? (
        isSlow && <Skeleton lines={12} />
      ) : (
        <>
          {staleError && <Stale error={staleError} retry={retry} />}
          <Columns
            comparison={shown}
            selected={shared.feature}
            choose={choose}
            remove={
              isReadOnly || features.length < 2
                ? undefined
                : (gone) => update({ features: features.filter((f) => f !== gone) })
            }
          />
          <Pairs
            comparison={shown}
            info={info}
            isNarrow={isNarrow}
            show={
              isReadOnly
                ? undefined
                : (one, other, role) =>
                    update({ one, roles: { ...state.roles, ...onlyRole(features, other, role) } })
            }
          />
          {shown.features.length > 1 && asked && isSame && (
            <ContrastSection
              comparison={shown}
              info={info}
              asked={asked}
              answer={contrast}
              state={state}
              update={update}
              isReadOnly={isReadOnly}
            />
          )}
        </>
      )}
    </section>
  );
}

/** Which features: add one, or take those that are picked elsewhere. */
function CompareBar(props: ViewProps<CompareState> & { features: number[] }) {
  const { client, info, shared, state, update, features } = props;
  const suggestions = useSuggestions(client, info, shared, features);
  const { picked } = shared;
  const isOwn = state.features.length > 0;
  const isFollowingMany = !isOwn && picked.length > MOST;
  return (
    <div class="ss-compare-bar">
      {features.length < MOST && (
        <AddFeature
          features={features}
          n_features={info.n_features}
          suggestions={suggestions}
          add={(more) => update({ features: [...features, more] })}
        />
      )}
      {features.length === 1 && <p class="ss-quiet">Add one to three features to compare with this one.</p>}
      {isFollowingMany && (
        <p class="ss-quiet">The first four of {picked.length} picked features are shown.</p>
      )}
      {isOwn && (
        <button
          type="button"
          class="ss-quiet-button"
          onClick={() => update({ features: [], one: null, roles: {} })}
        >
          {picked.length > 1 ? `take the ${picked.length} picked` : "start again"}
        </button>
      )}
    </div>
  );
}

interface ColumnsProps {
  comparison: Comparison;
  selected: number | undefined;
  choose: (feature: number) => void;
  remove: ((feature: number) => void) | undefined;
}

function Columns({ comparison: { features }, selected, choose, remove }: ColumnsProps) {
  const promoted = features.map(({ page }) => new Set(page.promoted.map((t) => t.token)));
  const also = (place: number, token: number) =>
    LETTERS.filter((_, other) => other !== place && promoted[other]?.has(token));
  return (
    <div class="ss-cols" style={{ "--ss-n": features.length }}>
      {features.map((compared, place) => (
        <Column
          key={compared.brief.feature}
          compared={compared}
          place={place}
          alsoPromoted={(token) => also(place, token)}
          selected={selected}
          choose={choose}
          remove={remove && (() => remove(compared.brief.feature))}
        />
      ))}
    </div>
  );
}

export const compare: PanelView<CompareState> = { ...told, View: CompareView };
