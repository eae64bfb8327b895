import type { Point } from "./types.js";

const SVG = "http://www.w3.org/2000/svg";

/** The line of a lasso, over the canvas. */
export class Line {
  readonly #svg = document.createElementNS(SVG, "svg");
  readonly #path = document.createElementNS(SVG, "polygon");

  constructor(host: HTMLElement) {
    this.#svg.setAttribute("class", "ss-map-line");
    this.#svg.setAttribute("aria-hidden", "true");
    this.#svg.append(this.#path);
    host.append(this.#svg);
  }

  draw(points: readonly Point[]): void {
    this.#path.setAttribute("points", points.map(([x, y]) => `${x},${y}`).join(" "));
  }

  remove(): void {
    this.#svg.remove();
  }
}
