import { NoWebGl } from "./types.js";

type Gl = WebGLRenderingContext;

/** A context that composes with what is under the canvas. */
export function contextOf(canvas: HTMLCanvasElement): Gl {
  const options = { alpha: true, antialias: false, depth: false, premultipliedAlpha: true };
  const gl = canvas.getContext("webgl", options) as Gl | null;
  if (!gl) throw new NoWebGl("This browser gives no WebGL.");
  gl.enable(gl.BLEND);
  gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
  return gl;
}

/** A program with its uniforms and attributes by name. */
export class Program {
  readonly #gl: Gl;
  readonly #program: WebGLProgram;
  readonly #uniforms = new Map<string, WebGLUniformLocation | null>();

  constructor(gl: Gl, vertex: string, fragment: string) {
    this.#gl = gl;
    this.#program = gl.createProgram();
    for (const [kind, source] of [
      [gl.VERTEX_SHADER, vertex],
      [gl.FRAGMENT_SHADER, fragment],
    ] as const) {
      const shader = gl.createShader(kind);
      if (!shader) throw new NoWebGl("The WebGL context is lost.");
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(this.#program, shader);
    }
    gl.linkProgram(this.#program);
    if (!gl.getProgramParameter(this.#program, gl.LINK_STATUS) && !gl.isContextLost())
      throw new NoWebGl(`WebGL refuses to draw: ${gl.getProgramInfoLog(this.#program)}`);
  }

  use(values: Record<string, number | readonly number[]>): void {
    const gl = this.#gl;
    gl.useProgram(this.#program);
    for (const [name, value] of Object.entries(values)) {
      const at = this.#at(name);
      if (typeof value === "number") gl.uniform1f(at, value);
      else if (value.length === 2) gl.uniform2fv(at, value);
      else gl.uniform4fv(at, value);
    }
  }

  texture(name: string, unit: number, texture: WebGLTexture): void {
    const gl = this.#gl;
    gl.activeTexture(gl.TEXTURE0 + unit);
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.uniform1i(this.#at(name), unit);
  }

  attribute(name: string, buffer: WebGLBuffer, size: number, isBytes = false): void {
    const gl = this.#gl;
    const at = gl.getAttribLocation(this.#program, name);
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.enableVertexAttribArray(at);
    gl.vertexAttribPointer(at, size, isBytes ? gl.UNSIGNED_BYTE : gl.FLOAT, isBytes, 0, 0);
  }

  #at(name: string): WebGLUniformLocation | null {
    const known = this.#uniforms.get(name);
    if (known !== undefined) return known;
    const found = this.#gl.getUniformLocation(this.#program, name);
    this.#uniforms.set(name, found);
    return found;
  }
}

export function fill(
  gl: Gl,
  buffer: WebGLBuffer,
  data: Float32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>,
): void {
  gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
  gl.bufferData(gl.ARRAY_BUFFER, data, gl.STATIC_DRAW);
}

/** Put pixels into a texture: four bytes each, or two as luminance and alpha. */
export function paint(
  gl: Gl,
  texture: WebGLTexture,
  width: number,
  height: number,
  pixels: Uint8Array,
  isSmooth: boolean,
): void {
  const format = pixels.length === 4 * width * height ? gl.RGBA : gl.LUMINANCE_ALPHA;
  const filter = isSmooth ? gl.LINEAR : gl.NEAREST;
  gl.bindTexture(gl.TEXTURE_2D, texture);
  gl.texImage2D(gl.TEXTURE_2D, 0, format, width, height, 0, format, gl.UNSIGNED_BYTE, pixels);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, filter);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, filter);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
}
