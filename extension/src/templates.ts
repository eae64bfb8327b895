import type { Chosen } from "./chosen";

/** What opens the picker. */
export const PICK = "import saescope\n\nsaescope.pick()";

/** The cells of a starter notebook. */
export type Cells = { kind: "markdown" | "code"; source: string }[];

/** A text as Python writes it: what JSON escapes, Python reads alike. */
function py(text: string): string {
  return JSON.stringify(text);
}

function notesLines({ notesFolder }: Chosen): string {
  return notesFolder.trim() === ""
    ? ""
    : `import os\n\nos.environ["SAESCOPE_NOTES_DIR"] = ${py(notesFolder.trim())}\n\n`;
}

/** The bundled demo. */
export function demoCells(chosen: Chosen): Cells {
  return [
    {
      kind: "markdown",
      source:
        "# saescope: the demo\nA small model, its SAE and an index, bundled with saescope; no network. Run the cells from the top.",
    },
    {
      kind: "code",
      source: `${notesLines(chosen)}import saescope\n\nscope = saescope.demo()\nscope.browse()`,
    },
    {
      kind: "markdown",
      source:
        "Choose a feature in the table: the page shows the text on which it fires. `?` in the panel lists its keys. The same, as polars:",
    },
    { kind: "code", source: 'scope.features.sort("max", descending=True).head(10)' },
  ];
}

/** The picker of a model and an SAE. */
export function pickCells(chosen: Chosen): Cells {
  return [
    {
      kind: "markdown",
      source:
        "# saescope: pick an SAE\nSearch what is on this machine and in the registry, see what fits together, load it. Run the cell.",
    },
    { kind: "code", source: `${notesLines(chosen)}${PICK}` },
  ];
}

/** One's own model and SAE, with those of the settings filled in. */
export function modelCells(chosen: Chosen): Cells {
  const model = chosen.model.trim() || "path/or/hub-id";
  const sae = chosen.sae.trim() || "release/sae_id or path";
  return [
    {
      kind: "markdown",
      source:
        "# saescope: your own model\n`model` is a hub id, a folder or a GGUF file; `sae` a `release/sae_id` of sae-lens or a folder. Fill in both and run the cells.",
    },
    {
      kind: "code",
      source: `${notesLines(chosen)}import saescope\n\nscope = saescope.load(${py(model)}, sae=${py(sae)}, device="auto")\nscope.browse()`,
    },
    {
      kind: "markdown",
      source:
        "The index is read from text of your own: JSON lines with a `text`, plain text, Parquet, or a folder of these. The panel above fills in while it is built; stop it when you like, the same call goes on.",
    },
    { kind: "code", source: 'scope.build_index("corpus.jsonl.gz", out="my-index")' },
    {
      kind: "markdown",
      source: `Next time: \`saescope.load(${py(model)}, sae=${py(sae)}, index="my-index")\`.`,
    },
  ];
}

/** A notebook, format 4.5, of such cells; nothing in it has run. */
export function notebookOf(cells: Cells, kernel: string, language: string): Record<string, unknown> {
  return {
    nbformat: 4,
    nbformat_minor: 5,
    metadata: {
      kernelspec: { name: kernel, display_name: kernel, language },
      language_info: { name: language },
    },
    cells: cells.map(({ kind, source }, i) => ({
      id: `saescope-${i + 1}`,
      cell_type: kind,
      metadata: {},
      source,
      ...(kind === "code" && { outputs: [], execution_count: null }),
    })),
  };
}
