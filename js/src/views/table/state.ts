import type { TableQuery } from "../../data/query.js";
import type { ViewProps } from "../../panels/panel.js";

/** What a person did in the table. */
export interface TableState {
  query?: Partial<TableQuery> | undefined;
  /** The columns chosen; without a choice those that suit the width. */
  columns?: string[] | undefined;
  isFiresOn?: boolean;
  /** The box looks for words in notes. */
  isWords?: boolean;
  isOnlyPicked?: boolean;
  /** Only the features of this list are shown. */
  list?: string | undefined;
  showsFilters?: boolean;
}

export type TableProps = ViewProps<TableState>;
