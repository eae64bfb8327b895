/** Where one looks: the place in the middle, and how much larger than the whole; 1 shows all. */
export interface Camera {
  x: number;
  y: number;
  zoom: number;
}

export type Rgba = readonly [number, number, number, number];
export type Point = readonly [x: number, y: number];

/** All features: places (NaN for none), and whether each fires. */
export interface MapPlaces {
  x: Float32Array;
  y: Float32Array;
  fires: Uint8Array;
}

/** A color for each feature, as a place in the palette. */
export interface MapCodes {
  /** 0 to 254; 255 for a feature that has no value. */
  codes: Uint8Array;
  /** Codes are categories: each has a shape of its own, and none is between two others. */
  isCategory: boolean;
  hasShapes: boolean;
}

/** Colors of the theme; the palette holds 256 of them, four bytes each. */
export interface MapStyle {
  palette: Uint8Array;
  ring: Rgba;
  shade: Rgba;
}

export interface ChartEvents {
  /** The camera or the size has changed: called before each frame that shows it. */
  onView: () => void;
  /** The camera has come to rest. */
  onRest: (camera: Camera) => void;
  onHover: (feature: number | undefined) => void;
  onOpen: (feature: number) => void;
  onLasso: (features: number[]) => void;
  onLost: () => void;
}

/** The drawing of a map, in an element. Pixels are those of style sheets, from the element's corner. */
export interface Chart {
  setPlaces(places: MapPlaces, camera: Camera | undefined): void;
  setCodes(codes: MapCodes): void;
  setStyle(style: MapStyle): void;
  setPicked(features: readonly number[]): void;
  setHidesDead(hides: boolean): void;
  setLasso(isOn: boolean): void;
  readonly size: Point;
  readonly camera: Camera;
  /** Look somewhere else; in one go, or over a quarter of a second. */
  look(camera: Partial<Camera>, isSmooth?: boolean): void;
  zoomBy(factor: number, at?: Point): void;
  panBy(dx_px: number, dy_px: number): void;
  screenOf(x: number, y: number): Point;
  placeOf(feature: number): Point | undefined;
  nearest(at: Point, radius_px: number): number | undefined;
  /** How many features are in sight, and the first of them up to a limit; where they are many more, about how many and none. */
  inView(limit: number): { n: number; features: number[] };
  destroy(): void;
}

/** The browser gives no WebGL. */
export class NoWebGl extends Error {
  override name = "NoWebGl";
}
