// Put into a page of JupyterLab by `benchmarks.panels`: acts as a person would, and measures by the page's clock.
const panel = (n) => document.querySelectorAll(".jp-OutputArea-output .saescope")[n];
const painted = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
const rows = (of) => [...of.querySelectorAll("[role=row][data-feature]")];
const order = (of) =>
  rows(of)
    .map((row) => row.dataset.feature)
    .join();

function until(test, root = document.body, limit_ms = 60000) {
  return new Promise((done, fail) => {
    if (test()) return done();
    const watch = new MutationObserver(() => {
      if (!test()) return;
      watch.disconnect();
      clearTimeout(timer);
      done();
    });
    const timer = setTimeout(() => {
      watch.disconnect();
      fail(new Error(`not within a minute: ${test}`));
    }, limit_ms);
    watch.observe(root, { subtree: true, childList: true, attributes: true, characterData: true });
  });
}

async function timed(act, test, root) {
  const start = performance.now();
  act();
  await until(test, root);
  await painted();
  return performance.now() - start;
}

async function frames(step, ms = 3000) {
  return new Promise((done) => {
    let n = 0;
    const start = performance.now();
    const next = () => {
      step(++n);
      const spent = performance.now() - start;
      if (spent < ms) requestAnimationFrame(next);
      else done((1000 * n) / spent);
    };
    requestAnimationFrame(next);
  });
}

/** Scroll the table to a share of its height, and find a row that is not open. */
async function aim(share) {
  panel(0).scrollIntoView({ block: "nearest" });
  const scroller = panel(0).querySelector(".ss-scroll");
  scroller.scrollTop = share * (scroller.scrollHeight - scroller.clientHeight);
  await painted();
  const box = scroller.getBoundingClientRect();
  const inSight = () =>
    rows(panel(0)).filter((row) => {
      const { top, bottom } = row.getBoundingClientRect();
      const isFree = row.getAttribute("aria-selected") !== "true";
      return top > box.top + 30 && bottom < box.bottom && isFree;
    });
  await until(() => inSight().length > 3, panel(0));
  return inSight()[2];
}

/** Whether a feature's page is in the panel; one that never fires has no examples to wait for. */
const opened = (feature) => () =>
  panel(0).querySelector(`[data-page-feature="${feature}"] :is([data-example], .ss-notice)`);

window.probe = {
  /** Run a cell that shows panel `n`, until its first rows are painted. */
  async firstPaint(cell, n) {
    const lab = window.jupyterapp;
    const notebook = lab.shell.currentWidget.content;
    notebook.activeCellIndex = cell;
    const isThere = () => panel(n) && rows(panel(n)).length > 3;
    return timed(() => lab.commands.execute("notebook:run-cell"), isThere);
  },

  /** Scroll the table to a share of its height, and click a row that is not open, until its page is painted. */
  async click(share) {
    const row = await aim(share);
    const isOpen = opened(row.dataset.feature);
    return timed(() => row.click(), isOpen, panel(0));
  },

  /** The same up to the click: where on the screen the row is that a mouse is to click. */
  async aim(share) {
    const row = await aim(share);
    const { left, top, height } = row.getBoundingClientRect();
    const start = new Promise((heard) =>
      panel(0).addEventListener("click", () => heard(performance.now()), { once: true, capture: true }),
    );
    const isOpen = opened(row.dataset.feature);
    const [x, y] = [left + 90, top + height / 2];
    if (!row.contains(document.elementFromPoint(x, y))) throw new Error(`the row at ${x}, ${y} is covered`);
    window.probe.clicked = start.then(async (began) => {
      await until(isOpen, panel(0));
      await painted();
      return performance.now() - began;
    });
    return [x, y];
  },

  /** Click a column's head until the first rows of the new order are painted. */
  async sort(label) {
    const before = order(panel(0));
    const heads = [...panel(0).querySelectorAll("[role=columnheader] button")];
    const head = heads.find((button) => button.textContent.trim().startsWith(label));
    return timed(
      () => head.click(),
      () => rows(panel(0)).length > 3 && order(panel(0)) !== before,
      panel(0),
    );
  },

  /** Type into the search until the first rows that match are painted: the foot tells how many do. */
  async search(text) {
    const told = () =>
      panel(0)
        .querySelector(".ss-table .ss-foot [role=status]")
        .textContent.match(/[\d,]+/g)
        ?.join();
    const before = told();
    const box = panel(0).querySelector("[data-box=search]");
    const type = () => {
      box.value = text;
      box.dispatchEvent(new Event("input", { bubbles: true }));
    };
    return timed(type, () => told() !== before, panel(0));
  },

  /** Frames a second while the table is scrolled by small steps. */
  async scroll() {
    const scroller = panel(0).querySelector(".ss-scroll");
    return frames(() => {
      scroller.scrollTop += 40;
    });
  },

  /** Frames a second while the map in panel `n` is dragged about. */
  async pan(n) {
    const canvas = panel(n).querySelector("canvas");
    const box = canvas.getBoundingClientRect();
    const x = box.left + box.width / 2;
    const y = box.top + box.height / 2;
    const event = (kind, clientX, clientY) =>
      new MouseEvent(kind, { bubbles: true, clientX, clientY, buttons: 1, view: window });
    canvas.dispatchEvent(event("mousedown", x, y));
    const fps = await frames((i) => {
      window.dispatchEvent(event("mousemove", x + 60 * Math.sin(i / 8), y + 40 * Math.cos(i / 8)));
    });
    window.dispatchEvent(event("mouseup", x, y));
    return fps;
  },
};
