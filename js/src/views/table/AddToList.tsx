import { useEffect, useRef, useState } from "preact/hooks";
import { count } from "../../data/format.js";
import { asRequestError, type Client } from "../../protocol/client.js";
import { useLists } from "./useLists.js";

interface Props {
  client: Client;
  scope: string;
  features: readonly number[];
  tell: (text: string) => void;
}

/** Puts the marked features into a list, an old or a new one. */
export function AddToList({ client, scope, features, tell }: Props) {
  const [isOpen, setOpen] = useState(false);
  const [name, setName] = useState("");
  const box = useRef<HTMLInputElement>(null);
  const lists = useLists(client, scope, isOpen);
  useEffect(() => {
    if (isOpen) box.current?.focus();
  }, [isOpen]);
  const submit = (event: Event) => {
    event.preventDefault();
    const list = name.trim();
    if (!list) return;
    client.request("lists.change", { scope, name: list, add: [...features] }).then(
      () => tell(`${count(features.length)} added to “${list}”`),
      (error) => tell(asRequestError(error).message),
    );
    setOpen(false);
  };
  if (!isOpen)
    return (
      <button
        type="button"
        class="ss-quiet-button"
        title="Put the marked features into a list."
        onClick={() => setOpen(true)}
      >
        add to list
      </button>
    );
  return (
    <form
      class="ss-add"
      onSubmit={submit}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        setOpen(false);
      }}
    >
      <input
        ref={box}
        list="ss-add-lists"
        aria-label="Name of the list"
        placeholder="list"
        value={name}
        onInput={(e) => setName(e.currentTarget.value)}
      />
      <datalist id="ss-add-lists">
        {lists.map((list) => (
          <option key={list.name} value={list.name} />
        ))}
      </datalist>
      <button type="submit" class="ss-quiet-button" disabled={!name.trim()}>
        add
      </button>
    </form>
  );
}
