import { type ISessionContext, showErrorMessage } from "@jupyterlab/apputils";
import type { TranslationBundle } from "@jupyterlab/translation";

/** Start a kernel where one has died for good: the server has forgotten that one, and cannot restart it. */
export async function revive(context: ISessionContext, trans: TranslationBundle): Promise<void> {
  const name = context.session?.kernel?.name || context.prevKernelName;
  try {
    await context.shutdown().catch(() => {});
    await context.changeKernel({ name });
  } catch (reason) {
    await showErrorMessage(trans.__("The kernel did not start"), String(reason));
  }
}
