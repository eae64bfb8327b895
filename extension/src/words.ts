import type { TranslationBundle } from "@jupyterlab/translation";

/** Why nothing live is shown. */
export type Trouble =
  | "none"
  | "no-kernel"
  | "closed"
  | "waiting"
  | "restarting"
  | "restarted"
  | "dead"
  | "not-loaded"
  | "no-scope";

/** What one can do about it. */
export type Remedy = "starter" | "open" | "restart";

export interface Note {
  lines: string[];
  remedy?: Remedy;
  label?: string;
}

/** What is said in place of a view, or above one that has lost its kernel. */
export function noteOf(trouble: Trouble, trans: TranslationBundle): Note {
  switch (trouble) {
    case "none":
      return { lines: [trans.__("Open a notebook: its scopes show here.")] };
    case "no-kernel":
      return { lines: [trans.__("This notebook has no kernel. Choose one, and its scopes show here.")] };
    case "closed":
      return {
        lines: [trans.__("The notebook is closed and its kernel does not run: open it and run its cells.")],
        remedy: "open",
        label: trans.__("Open the notebook"),
      };
    case "waiting":
      return {
        lines: [
          trans.__("Waiting for the kernel. If it is running a cell, this goes on when the cell ends."),
        ],
      };
    case "restarting":
      return { lines: [trans.__("The kernel is restarting.")] };
    case "restarted":
      return {
        lines: [
          trans.__("The kernel was restarted. Run the cell that makes the scope: this goes on by itself."),
        ],
        remedy: "open",
        label: trans.__("Go to the notebook"),
      };
    case "dead":
      return {
        lines: [trans.__("The kernel is dead. Restart it, then run the cell that makes the scope.")],
        remedy: "restart",
        label: trans.__("Restart the kernel"),
      };
    case "not-loaded":
      return {
        lines: [
          trans.__("This notebook's kernel has not imported saescope yet."),
          trans.__("A starter cell opens the bundled demo; nothing runs until you run it."),
        ],
        remedy: "starter",
        label: trans.__("Insert a starter cell"),
      };
    case "no-scope":
      return {
        lines: [
          trans.__("saescope is imported, and there is no scope yet."),
          trans.__("Load a model and an SAE, or open an index, and its features show here."),
        ],
        remedy: "starter",
        label: trans.__("Insert a starter cell"),
      };
  }
}
