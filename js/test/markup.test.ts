/// <reference types="vite/client" />
import { expect, test } from "vitest";

const FORBIDDEN = /innerHTML|dangerouslySetInnerHTML|insertAdjacentHTML|outerHTML|document\.write|DOMParser/;
const FILES = import.meta.glob<string>(["../src/**/*.ts", "../src/**/*.tsx", "../../extension/src/**/*.ts"], {
  query: "?raw",
  import: "default",
  eager: true,
});

test("no source makes markup from text", () => {
  const files = Object.entries(FILES);
  expect(files.length).toBeGreaterThan(20);
  expect(files.filter(([, text]) => FORBIDDEN.test(text)).map(([name]) => name)).toEqual([]);
});
