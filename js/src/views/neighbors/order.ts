/** How alike two of some things are, by their places. */
export type Likeness = (i: number, j: number) => number;

const N_STEPS = 80;
const N_PASSES = 12;

/** The upper triangle of a symmetric matrix of `n` rows, read by row and column. */
export function triangle(values: readonly number[], n: number): Likeness {
  return (i, j) => {
    if (i === j) return 1;
    const [low, high] = i < j ? [i, j] : [j, i];
    return values[low * n - (low * (low + 1)) / 2 + high - low - 1] ?? 0;
  };
}

/**
 * An order of `n` things round a circle in which alike ones stand together, the first thing first.
 * They begin in the order of their angles in the plane of the two leading eigenvectors of the centered
 * matrix (classical scaling); then stretches are turned round as long as that brings alike ones together.
 */
export function circleOrder(n: number, like: Likeness): number[] {
  if (n < 4) return Array.from({ length: n }, (_, i) => i);
  const matrix = centered(n, like);
  const first = leading(matrix, []);
  const second = leading(matrix, [first]);
  const angle = (i: number) => Math.atan2(second[i] ?? 0, first[i] ?? 0);
  const order = Array.from({ length: n }, (_, i) => i).sort((a, b) => angle(a) - angle(b) || a - b);
  untangle(order, like);
  const start = order.indexOf(0);
  const turned = [...order.slice(start), ...order.slice(0, start)];
  const isBackwards = (turned[1] ?? 0) > (turned.at(-1) ?? 0);
  return isBackwards ? [0, ...turned.slice(1).reverse()] : turned;
}

function centered(n: number, like: Likeness): number[][] {
  const rows = Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => like(i, j)));
  const means = rows.map((row) => row.reduce((a, b) => a + b, 0) / n);
  const mean = means.reduce((a, b) => a + b, 0) / n;
  return rows.map((row, i) => row.map((x, j) => x - (means[i] ?? 0) - (means[j] ?? 0) + mean));
}

/** The leading eigenvector that is orthogonal to others, by power iteration from a fixed start. */
function leading(matrix: number[][], others: number[][]): number[] {
  let vector = matrix.map((_, i) => Math.sin(1 + 12.9898 * i));
  for (let step = 0; step < N_STEPS; step++) {
    let next = matrix.map((row, i) => dot(row, vector) + (vector[i] ?? 0));
    for (const other of others) {
      const share = dot(next, other);
      next = next.map((x, i) => x - share * (other[i] ?? 0));
    }
    const length = Math.sqrt(dot(next, next)) || 1;
    vector = next.map((x) => x / length);
  }
  return vector;
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, x, i) => sum + x * (b[i] ?? 0), 0);
}

/** Turn stretches of a circle round while the likeness of those who stand side by side grows. */
function untangle(order: number[], like: Likeness): void {
  const n = order.length;
  const at = (i: number) => order[(i + n) % n] ?? 0;
  for (let pass = 0; pass < N_PASSES; pass++) {
    let isBetter = false;
    for (let i = 0; i < n - 1; i++)
      for (let j = i + 1; j < n; j++) {
        if (i === 0 && j === n - 1) continue;
        const now = like(at(i - 1), at(i)) + like(at(j), at(j + 1));
        const then = like(at(i - 1), at(j)) + like(at(i), at(j + 1));
        if (then <= now + 1e-9) continue;
        order.splice(i, j - i + 1, ...order.slice(i, j + 1).reverse());
        isBetter = true;
      }
    if (!isBetter) return;
  }
}
