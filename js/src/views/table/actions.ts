import { named } from "../../data/call.js";
import type { TableProps } from "./state.js";
import type { Picks } from "./usePicks.js";

export interface Action {
  name: string;
  title: string;
  run: () => void | Promise<void>;
  isOff?: boolean;
}

const MOST_COMPARED = 4;

/** What can be done with the marked features. */
export function actionsOf({ info, shared, state, update, openTab }: TableProps, picks: Picks): Action[] {
  const { picked } = shared;
  const { isOnlyPicked = false } = state;
  const compare: Action = {
    name: "compare",
    title: "Put two to four marked features side by side.",
    isOff: picked.length < 2 || picked.length > MOST_COMPARED,
    run: () => openTab?.("compare"),
  };
  const exports: Action = {
    name: "export…",
    title: "Write the marked features to a notebook, a report, a table or files of other tools.",
    run: () => openTab?.("share", { by: "picked" }),
  };
  return [
    {
      name: isOnlyPicked ? "show all" : "show only these",
      title: isOnlyPicked ? "Show the other features too." : "Show the marked features and no others.",
      run: () => update({ isOnlyPicked: !isOnlyPicked, list: undefined }),
    },
    ...(openTab ? [compare] : []),
    {
      name: "copy numbers",
      title: "Copy the marked features' numbers.",
      run: () => copy(picked.join(", "), picks.tell),
    },
    {
      name: "copy as Python",
      title: "Copy the call that gives the marked features as polars.",
      run: () => copy(named(`scope.find_features(only=[${picked.join(", ")}])`, info.variable), picks.tell),
    },
    {
      name: "save CSV",
      title: "Save the marked features, with the columns shown, as a CSV file.",
      run: () => picks.save(true),
    },
    ...(openTab ? [exports] : []),
    {
      name: "unmark",
      title: "Take all marks away.",
      run: () => {
        shared.pick([]);
        update({ isOnlyPicked: false });
      },
    },
  ];
}

function copy(text: string, tell: (text: string) => void): void {
  void navigator.clipboard?.writeText(text).then(
    () => tell("copied"),
    () => tell("the browser does not let it be copied"),
  );
}
