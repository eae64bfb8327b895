"""A host of anywidgets with nothing of Jupyter's: a page that draws widgets, and the line to them."""

import asyncio
import json
import struct
import threading

import tornado.httpserver
import tornado.netutil
import tornado.web
import tornado.websocket

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>A bare host</title>
<style>html.dark { color-scheme: dark } body { background: Canvas; margin: 8px }</style>
<script type="module">
  const models = new Map(), widgets = new Map();
  document.documentElement.classList.toggle("dark", location.search.includes("dark"));

  class Model {
    #on = new Map();
    constructor(id, state) { this.id = id; this.state = state; }
    get(name) { return this.state[name]; }
    set(name, value) { this.state[name] = value; }
    save_changes() {}
    on(name, listener) { this.#on.set(name, [...(this.#on.get(name) ?? []), listener]); }
    off(name, listener) { this.#on.set(name, (this.#on.get(name) ?? []).filter((l) => l !== listener)); }
    take(name, ...given) { for (const listener of this.#on.get(name) ?? []) listener(...given); }
    send(content) {
      if (line.readyState !== WebSocket.OPEN) throw new Error("Cannot send");
      line.send(JSON.stringify({ id: this.id, content }));
    }
  }

  function widget(id) {
    if (!widgets.has(id)) widgets.set(id, begin(models.get(id)));
    return widgets.get(id);
  }

  async function begin(model) {
    const url = URL.createObjectURL(new Blob([model.get("_esm")], { type: "text/javascript" }));
    const made = (await import(url)).default;
    const { signal } = new AbortController();
    const exports = await made.initialize?.({ model, signal });
    return { exports, render: (el) => made.render({ model, el, host, signal, experimental: {} }) };
  }
  const host = { getWidget: (ref) => widget(ref.replace("anywidget:", "")) };

  function take({ data }) {
    const n = new DataView(data).getUint32(0, true);
    const head = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, n)));
    let at = 4 + n;
    const buffers = head.sizes.map((size) => new DataView(data, (at += size) - size, size));
    models.get(head.id).take("msg:custom", head.content, buffers);
  }

  for (const { id, state } of await (await fetch("widgets")).json()) models.set(id, new Model(id, state));
  const line = new WebSocket(location.origin.replace("http", "ws") + "/line");
  line.binaryType = "arraybuffer";
  line.onmessage = take;
  line.onclose = () => models.forEach((model) => model.take("comm_live_update"));
  await new Promise((done) => { line.onopen = done; });
  for (const [id, model] of models) {
    if (!model.get("spec")) continue;
    const place = document.body.appendChild(document.createElement("div"));
    place.className = "place";
    const isShadow = location.search.includes("shadow");
    void (await widget(id)).render(isShadow ? place.attachShadow({ mode: "open" }) : place);
  }
</script></html>"""


class _Comm:
    """What a widget takes for its line to a page."""

    def __init__(self, host, widget):
        self._host, self.comm_id = host, widget.model_id

    def send(self, data=None, metadata=None, buffers=None):
        if data and data.get("method") == "custom":
            self._host.deliver(self.comm_id, data["content"], buffers or [])

    def on_msg(self, _callback):
        """Messages come by the host's own line."""

    def close(self, *_given, **_named):
        pass


class BareHost:
    """Serves a page with panels; ``?shadow`` draws each in a shadow root, ``?dark`` in the dark."""

    def __init__(self, panels):
        self._widgets = {w.model_id: w for panel in panels for w in (panel.core, panel)}
        self._states = [{"id": id_, "state": _state(w)} for id_, w in self._widgets.items()]
        for panel in panels:
            panel.comm = _Comm(self, panel)
        self._lines = set()
        self._loop = asyncio.new_event_loop()
        begun = threading.Event()
        threading.Thread(target=self._serve, args=[begun], daemon=True).start()
        assert begun.wait(30)
        self.url = f"http://127.0.0.1:{self.port}"

    def deliver(self, model_id, content, buffers):
        """Send a message of a widget to every page; from any thread."""
        parts = [bytes(b) for b in buffers]
        head = json.dumps({"id": model_id, "content": content, "sizes": [len(b) for b in parts]}).encode()
        message = struct.pack("<I", len(head)) + head + b"".join(parts)
        self._loop.call_soon_threadsafe(lambda: [line.write_message(message, binary=True) for line in self._lines])

    def cut(self):
        """End the pages' lines, as a kernel does that dies."""
        self._loop.call_soon_threadsafe(lambda: [line.close() for line in self._lines])

    def stop(self):
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _serve(self, begun):
        asyncio.set_event_loop(self._loop)
        host = self

        class Line(tornado.websocket.WebSocketHandler):
            def open(self):
                host._lines.add(self)

            def on_message(self, message):
                sent = json.loads(message)
                host._widgets[sent["id"]]._handle_custom_msg(sent["content"], [])

            def on_close(self):
                host._lines.discard(self)

        class Page(tornado.web.RequestHandler):
            def get(self, what):
                self.finish(json.dumps(host._states) if what == "widgets" else PAGE)

        sockets = tornado.netutil.bind_sockets(0, "127.0.0.1")
        self.port = sockets[0].getsockname()[1]
        app = tornado.web.Application([("/line", Line), ("/(.*)", Page)])
        tornado.httpserver.HTTPServer(app).add_sockets(sockets)
        begun.set()
        self._loop.run_forever()


def _state(widget):
    """What of a widget's traits its JavaScript reads."""
    state = widget.get_state()
    return {name: state[name] for name in ("_esm", "panel", "core", "spec") if name in state}
