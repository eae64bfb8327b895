import type { Client } from "../../protocol/client.js";
import type { ScopeInfo } from "../../protocol/generated.js";
import type { Aim, ChosenToken, GivenText } from "./aim.js";
import { TokenField } from "./TokenField.js";

interface Props {
  client: Client;
  info: ScopeInfo;
  text: GivenText;
  aim: Aim;
  change: (aim: Aim) => void;
  /** What is looked at while nothing is chosen, such as the token the model expects. */
  expected?: string | undefined;
}

/** The next token that is looked at, and maybe another to contrast it with. */
export function TargetPicker({ client, info, text, aim, change, expected }: Props) {
  const set = (part: Aim) => {
    const { target, contrast } = { ...aim, ...part };
    const isSame = contrast !== undefined && contrast.token === target?.token;
    change({ target, contrast: target && !isSame ? contrast : undefined });
  };
  const common = { client, info, text };
  return (
    <div class="ss-target" role="group" aria-label="Next token">
      <TokenField
        {...common}
        label="next token"
        hint={expected === undefined ? "what follows" : expected}
        value={aim.target}
        set={(target: ChosenToken | undefined) => set({ target })}
      />
      {aim.target && (
        <TokenField
          {...common}
          label="against"
          hint="none"
          value={aim.contrast}
          set={(contrast: ChosenToken | undefined) => set({ contrast })}
        />
      )}
    </div>
  );
}
