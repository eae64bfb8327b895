import type { Camera } from "./plot/types.js";

/** What a person did on the map. */
export interface MapState {
  method: string;
  color: string;
  hides_dead: boolean;
  /** Where one looked, on the map of which method; nothing for the whole. */
  camera: (Camera & { method: string }) | null;
}
