/** The folders of `src/views` whose panel comes in a bundle of its own, when it is first opened. */
export const LATER = ["circuit", "compare", "map", "prompt", "share", "steer"];
