import { useRef, useState } from "preact/hooks";
import type { ScopeInfo } from "../../protocol/generated.js";
import { useLeaving } from "../page/useLeaving.js";

/** What of the SAE's configuration a person should know; nothing where there is nothing. */
export function Remarks({ info }: { info: ScopeInfo }) {
  const [isOpen, setOpen] = useState(false);
  const { remarks } = info;
  if (!remarks?.length) return null;
  return (
    <span class="ss-remarks">
      <button
        type="button"
        class="ss-quiet-button"
        aria-expanded={isOpen}
        aria-haspopup="dialog"
        title="Remarks on the SAE's configuration."
        onClick={() => setOpen(!isOpen)}
      >
        {remarks.length === 1 ? "1 remark" : `${remarks.length} remarks`}
      </button>
      {isOpen && <Box remarks={remarks} close={() => setOpen(false)} />}
    </span>
  );
}

function Box({ remarks, close }: { remarks: readonly string[]; close: () => void }) {
  const box = useRef<HTMLDivElement>(null);
  useLeaving(box, close, "parent");
  return (
    <div class="ss-remarks-box" role="dialog" aria-label="Remarks on the SAE" tabIndex={-1} ref={box}>
      {remarks.map((remark) => (
        <p key={remark}>{remark}</p>
      ))}
    </div>
  );
}
