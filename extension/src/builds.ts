import type { BuildInfo, ScopeInfo } from "@saescope/panels";
import type { KernelLine } from "./line";
import type { Lines } from "./lines";

/** An index that is being built, and the kernel that told of it. */
export interface Build {
  line: KernelLine;
  scope: ScopeInfo;
  building: BuildInfo;
}

/** The builds that run, that of the active notebook first; each index once. */
export function buildsOf(lines: Pick<Lines, "all">): Build[] {
  const found = lines.all.flatMap((line) =>
    line.scopes.flatMap((scope) =>
      scope.building && !scope.building.error ? [{ line, scope, building: scope.building }] : [],
    ),
  );
  const placeOf = ({ line, scope }: Build) =>
    line.state.kind === "open" ? `${line.state.kernel.id}/${scope.id}` : scope.id;
  return found.filter((build, i) => found.findIndex((other) => placeOf(other) === placeOf(build)) === i);
}
