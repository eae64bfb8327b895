/** The modules of the core that bundles of panels use too, so that there is one of each; `build.mjs` fills it. */
export const KIT: Record<string, unknown> = {};
