// JupyterLab shares this package at run time; nothing of it is bundled, and of its types this is what is used.
declare module "@jupyterlab/launcher" {
  import type { ReadonlyJSONObject, Token } from "@lumino/coreutils";
  import type { IDisposable } from "@lumino/disposable";

  export interface ILauncher {
    add(options: {
      command: string;
      args?: ReadonlyJSONObject;
      category?: string;
      rank?: number;
    }): IDisposable;
  }
  export const ILauncher: Token<ILauncher>;
}
