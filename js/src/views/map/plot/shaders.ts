export const POINT_VERTEX = `
attribute vec2 place;
attribute vec4 mark;
uniform vec2 scale;
uniform vec2 offset;
uniform float size;
uniform float growth;
uniform float hidesDead;
varying float code;
varying float isDead;
varying float shape;
void main() {
  code = mark.x * 255.0;
  isDead = step(0.5, mark.y);
  shape = mark.z * 255.0;
  gl_Position = vec4(place * scale + offset, 0.0, 1.0);
  if (isDead * hidesDead > 0.5) gl_Position = vec4(2.0, 2.0, 2.0, 1.0);
  gl_PointSize = size * mix(1.0 + growth * (min(code, 254.0) / 254.0 - 0.5), 0.7, isDead);
}`;

export const POINT_FRAGMENT = `
precision highp float;
uniform sampler2D palette;
uniform float opacity;
uniform float size;
varying float code;
varying float isDead;
varying float shape;
void main() {
  vec2 at = abs(gl_PointCoord * 2.0 - 1.0);
  float edge = 2.0 / size;
  float far = length(at);
  if (shape > 2.5) far = max(min(at.x, at.y) * 3.2, max(at.x, at.y));
  else if (shape > 1.5) far = at.x + at.y;
  else if (shape > 0.5) far = max(at.x, at.y) * 1.1;
  float inside = 1.0 - smoothstep(1.0 - edge, 1.0, far);
  vec4 color = texture2D(palette, vec2((code + 0.5) / 256.0, 0.5));
  float alpha = color.a * inside * mix(opacity, opacity * 0.6, isDead);
  gl_FragColor = vec4(color.rgb * alpha, alpha);
}`;

export const RING_VERTEX = `
attribute vec2 place;
uniform vec2 scale;
uniform vec2 offset;
uniform float size;
void main() {
  gl_Position = vec4(place * scale + offset, 0.0, 1.0);
  gl_PointSize = size;
}`;

export const RING_FRAGMENT = `
precision highp float;
uniform vec4 ink;
uniform float size;
uniform float width;
void main() {
  float far = length(gl_PointCoord - 0.5) * size;
  float middle = size * 0.5 - width;
  float alpha = ink.a * (1.0 - smoothstep(width * 0.5, width, abs(far - middle)));
  gl_FragColor = vec4(ink.rgb * alpha, alpha);
}`;

export const SHADE_VERTEX = `
attribute vec2 corner;
uniform vec2 scale;
uniform vec2 offset;
uniform vec4 box;
varying vec2 at;
void main() {
  at = corner;
  gl_Position = vec4(mix(box.xy, box.zw, corner) * scale + offset, 0.0, 1.0);
}`;

export const SHADE_FRAGMENT = `
precision highp float;
uniform sampler2D density;
uniform sampler2D palette;
uniform vec4 ink;
uniform float side;
uniform float points;
uniform float nearness;
varying vec2 at;
void main() {
  float dense = texture2D(density, at).r;
  vec2 cell = (floor(at * side) + 0.5) / side;
  float code = texture2D(density, cell).a * 255.0;
  vec4 color = texture2D(palette, vec2((code + 0.5) / 256.0, 0.5));
  float shade = smoothstep(0.0, 0.04, dense) * (0.12 + 0.88 * dense);
  float under = 0.17 * smoothstep(0.4, 1.0, dense) * nearness;
  float alpha = mix(shade, under, points);
  vec3 paint = mix(color.rgb, ink.rgb, points);
  gl_FragColor = vec4(paint * alpha, alpha);
}`;
