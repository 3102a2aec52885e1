// A sheet to draw on: `strokes` are the finished ones, `live` is the one being drawn, each
// {pen, points: [[x, y], ...], erase?}; x and y in [0, 1] from the left and from the top, the pen's width in pixels of
// the sketch, which is `size` wide and shown `width` wide; `ground` is a PNG below the strokes, or empty,
// and `guide` one that lies pale on the sheet where there is no ground. A stroke's end and Ctrl+Z are messages: those
// reach the kernel in their order, while changed values wait for it; `heard` numbers the last stroke that reached it.

const STYLE = `
.dlim-draw { position: relative; touch-action: none; cursor: crosshair; user-select: none; background: #fff;
  box-sizing: content-box; border: 1px solid #8a8a8a; max-width: 100%; aspect-ratio: 1; }
.dlim-draw > canvas { display: block; width: 100%; height: 100%; pointer-events: none; }
.dlim-draw > i { position: absolute; box-sizing: border-box; transform: translate(-50%, -50%); border-radius: 50%;
  pointer-events: none; border: 2px solid #0072b2; width: 14px; height: 14px; display: none; }
.dlim-draw:focus-visible { outline: 3px solid #0072b2; outline-offset: 2px; }
.dlim-draw-told { font: 13px/1.6 var(--jp-ui-font-family, sans-serif); }
`;
const HELP = "drawing pad: draw with mouse or finger; with keys, the arrows move the pen (with Shift farther), " +
  "the space bar sets it down and lifts it, Ctrl+Z takes back";

function render({ model, el }) {
  const [style, box, canvas, cursor, told] = ["style", "div", "canvas", "i", "div"].map((tag) =>
    document.createElement(tag));
  style.textContent = STYLE;
  box.className = "dlim-draw";
  told.className = "dlim-draw-told";
  told.setAttribute("role", "status");
  box.append(canvas, cursor);
  el.append(style, box, told);
  // one tab stop; the attributes keep JupyterLab from reading the keys as its own
  const says = { tabindex: 0, role: "application", "aria-label": HELP };
  Object.assign(says, { "data-lm-suppress-shortcuts": "true", "data-p-suppress-shortcuts": "true" });
  for (const [name, value] of Object.entries(says)) box.setAttribute(name, value);

  const side = model.get("width"), sharp = window.devicePixelRatio || 1, brush = canvas.getContext("2d");
  box.style.width = `${side}px`;
  canvas.width = canvas.height = Math.round(side * sharp);
  let live = null, sent = [], ground = null, guide = null, pending = false, at = [0.5, 0.5];
  const underway = () => (sent = sent.filter(({ nth }) => nth > model.get("heard")));
  const strokes = () => [...model.get("strokes"), ...underway()];
  const clamp = (t) => Math.round(1e4 * Math.min(1, Math.max(0, t))) / 1e4;

  function paint() {
    pending = false;
    const whole = canvas.width;
    brush.fillStyle = "#fff";
    brush.fillRect(0, 0, whole, whole);
    brush.imageSmoothingEnabled = false;
    if (ground) brush.drawImage(ground, 0, 0, whole, whole);
    else if (guide) {
      brush.globalAlpha = 0.25;
      brush.drawImage(guide, 0, 0, whole, whole);
      brush.globalAlpha = 1;
    }
    brush.lineCap = brush.lineJoin = "round";
    for (const { pen, points, erase } of [...strokes(), ...(live ? [live] : [])]) {
      brush.strokeStyle = erase ? "#fff" : "#000";
      brush.lineWidth = (pen * whole) / model.get("size");
      brush.beginPath();
      brush.moveTo(points[0][0] * whole, points[0][1] * whole);
      for (const [x, y] of points.length > 1 ? points.slice(1) : points) brush.lineTo(x * whole, y * whole);
      brush.stroke();
    }
  }
  function repaint() {
    if (!pending) requestAnimationFrame(paint);
    pending = true;
  }
  function tell() {
    const n = strokes().length;
    const pen = live && !box.dataset.pointer ? `, pen down at ${at.map((t) => t.toFixed(2)).join(", ")}` : "";
    told.textContent = `${n} stroke${n === 1 ? "" : "s"}${pen}`;
  }
  const picture = (png) => png && png.byteLength
    ? createImageBitmap(new Blob([png], { type: "image/png" })) : null;
  async function lay() {
    [ground, guide] = await Promise.all(["ground", "guide"].map((name) => picture(model.get(name))));
    repaint();
  }

  function begin(x, y) {
    live = { pen: model.get("pen"), points: [[clamp(x), clamp(y)]] };
    if (model.get("erase")) live.erase = true;
    send();
  }
  function extend(x, y) {
    const [px, py] = live.points[live.points.length - 1], apart = 0.4 / model.get("size");
    if (Math.hypot(x - px, y - py) < apart) return;
    live.points.push([clamp(x), clamp(y)]);
    send();
  }
  function send() {
    model.set("live", { ...live, points: [...live.points] });
    model.save_changes(); // waits by itself while the kernel still draws, and then sends the newest line
    repaint();
    tell();
  }
  function end() {
    if (!live) return;
    const nth = model.get("heard") + underway().length + 1;
    sent.push({ ...live, nth });
    model.send({ stroke: live, nth });
    live = null;
    model.set("live", {});
    model.save_changes();
    repaint();
    tell();
  }
  function undo() {
    if (live) end();
    model.send("undo");
  }

  const place = (event) => {
    const frame = canvas.getBoundingClientRect();
    return [(event.clientX - frame.left) / frame.width, (event.clientY - frame.top) / frame.height];
  };
  box.addEventListener("pointerdown", (event) => {
    if (event.button || !event.isPrimary) return;
    event.preventDefault();
    event.stopPropagation();
    end();
    box.focus({ preventScroll: true });
    box.setPointerCapture(event.pointerId);
    box.dataset.pointer = event.pointerId;
    cursor.style.display = "none";
    begin(...place(event));
  });
  box.addEventListener("pointermove", (event) => {
    if (!live || box.dataset.pointer !== String(event.pointerId)) return;
    const all = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
    for (const each of all.length ? all : [event]) extend(...place(each));
  });
  for (const kind of ["pointerup", "pointercancel"]) {
    box.addEventListener(kind, (event) => {
      if (box.dataset.pointer !== String(event.pointerId)) return;
      delete box.dataset.pointer;
      end();
    });
  }
  box.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if ((event.ctrlKey || event.metaKey) && event.key === "z") undo();
    else if (event.ctrlKey || event.altKey || event.metaKey) return;
    else if (event.key === " ") live ? end() : begin(...at);
    else if (event.key === "Escape") end();
    else if (step) {
      const far = (event.shiftKey ? 4 : 1) / model.get("size");
      at = at.map((t, i) => clamp(t + far * step[i]));
      if (live) extend(...at);
      tell();
    } else return;
    event.preventDefault();
    event.stopPropagation();
    cursor.style.display = "block";
    [cursor.style.left, cursor.style.top] = at.map((t) => `${100 * t}%`);
  });
  box.addEventListener("blur", () => {
    delete box.dataset.pointer;
    end();
    cursor.style.display = "none";
  });

  const redraw = () => (repaint(), tell());
  const receive = (message, buffers) => {
    if (!message.save) return;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([buffers[0]], { type: "image/png" }));
    link.download = message.save;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };
  const heard = [["change:strokes", redraw], ["change:ground", lay], ["msg:custom", receive]];
  for (const [name, action] of heard) model.on(name, action);
  lay(), redraw();
  return () => {
    for (const [name, action] of heard) model.off(name, action);
  };
}

export default { render };
