const THIN = "\u2009";

const SEPARATED = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/** A count with separators: `4,096`. */
export function count(n: number): string {
  const whole = Math.round(n);
  return Math.abs(whole) < 1000 ? String(whole + 0) : SEPARATED.format(whole);
}

/** A large count in words of three digits: `2.0 M`, `299,000`. */
export function tokens(n: number): string {
  if (n >= 1e9) return `${(n / 1e9).toFixed(1)}${THIN}B`;
  if (n >= 1e6) return `${(n / 1e6).toFixed(1)}${THIN}M`;
  if (n >= 1e5) return count(Math.round(n / 1000) * 1000);
  return count(n);
}

/** Three significant digits, without an exponent in the common range. */
export function number(exact: number): string {
  const x = Number(exact.toPrecision(3));
  if (!Number.isFinite(x)) return "–";
  if (x === 0) return "0";
  const size = Math.abs(x);
  if (size >= 1e6 || size < 1e-4) return x.toExponential(2).replace("e+", "e").replace("-", "−");
  if (size >= 100) return minus(count(exact));
  return minus(x.toFixed(Math.max(0, 2 - Math.floor(Math.log10(size)))));
}

/** With its sign: `+0.21`, `−2.56`. */
export function signed(x: number): string {
  return x > 0 ? `+${number(x)}` : number(x);
}

/** A share as per cent down to 0.001 %, then as 1 in N. */
export function density(share: number): string {
  if (Number.isNaN(share)) return "–";
  if (share <= 0) return "never";
  const percent = share * 100;
  if (percent >= 0.001) {
    const digits = percent >= 10 ? 1 : percent >= 0.01 ? 2 : 3;
    return `${percent.toFixed(digits)}${THIN}%`;
  }
  return `1 in ${tokens(roundTo(1 / share, 2))}`;
}

/** A part of a whole as a whole per cent, rounded down: only what is done is 100 %. */
export function percent(part: number, whole: number): number {
  return whole > 0 ? Math.floor(Math.max(0, Math.min(1, part / whole)) * 100) : 0;
}

/** A span of time in its largest unit, `45 s`, `3 min`; from an hour on with minutes, `1 h 20 min`. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) return "–";
  if (seconds < 59.5) return `${Math.max(1, Math.round(seconds))}${THIN}s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes}${THIN}min`;
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  if (hours >= 10 || rest === 0) return `${count(minutes / 60)}${THIN}h`;
  return `${hours}${THIN}h ${rest}${THIN}min`;
}

function roundTo(x: number, digits: number): number {
  return Number(x.toPrecision(digits));
}

function minus(text: string): string {
  return text.replace("-", "−");
}
