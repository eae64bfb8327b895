import { count } from "../../data/format.js";
import type { NotesChange, NotesPreview } from "../../protocol/generated.js";
import { Clipped } from "./Clipped.js";
import { visible } from "./unseen.js";

interface Props {
  preview: NotesPreview;
  choose: (feature: number) => void;
}

const WORDS: Record<NotesChange["change"], string> = {
  add: "+ new",
  change: "~ changed",
  remove: "− gone",
  merge: "± joined",
  conflict: "! conflict",
};

/** What taking a file in would change: for each field old and new. */
export function Changes({ preview, choose }: Props) {
  const { changes, n_changes } = preview;
  return (
    <table class="ss-share-changes" aria-label="What would change">
      <thead>
        <tr>
          <th scope="col">of</th>
          <th scope="col">change</th>
          <th scope="col">now</th>
          <th scope="col">then</th>
        </tr>
      </thead>
      <tbody>
        {changes.map((row) => (
          <tr key={`${row.what}/${row.feature}/${row.name}/${row.field}`} data-change={row.change}>
            <th scope="row">
              {row.feature !== null ? (
                <button
                  type="button"
                  class="ss-share-number-button"
                  title="Open the feature."
                  onClick={() => row.feature !== null && choose(row.feature)}
                >
                  #{row.feature}
                </button>
              ) : (
                <bdi>{visible(row.name)}</bdi>
              )}{" "}
              <small>{row.feature === null ? "list" : row.field}</small>
            </th>
            <td class="ss-share-change">{WORDS[row.change]}</td>
            <td>
              <Clipped text={row.old} />
            </td>
            <td>
              <Clipped text={row.new} />
            </td>
          </tr>
        ))}
      </tbody>
      {n_changes > changes.length && (
        <tfoot>
          <tr>
            <td colSpan={4}>and {count(n_changes - changes.length)} more</td>
          </tr>
        </tfoot>
      )}
    </table>
  );
}
