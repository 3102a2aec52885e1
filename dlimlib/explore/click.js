// A picture with a marker that clicks, drags and arrow keys move; `at` is [x, y, gesture], x and y in [0, 1]
// from the left and from the top of `area`, the part of the picture that counts: [left, top, width, height].

const STYLE = `
.dlim-click { position: relative; max-width: 100%; touch-action: none; cursor: crosshair; user-select: none; }
.dlim-click > img { display: block; width: 100%; height: auto; pointer-events: none; }
.dlim-click > i { position: absolute; box-sizing: border-box; transform: translate(-50%, -50%);
  pointer-events: none; border: 3px solid #fff; outline: 2px solid #000; box-shadow: inset 0 0 0 2px #000; }
.dlim-click:focus-visible { outline: 3px solid #0072b2; outline-offset: 2px; }
.dlim-click-place { font: 13px/1.6 var(--jp-ui-font-family, sans-serif); }
`;

function render({ model, el }) {
  const style = document.createElement("style"), box = document.createElement("div");
  const picture = document.createElement("img"), marker = document.createElement("i");
  const place = document.createElement("div");
  style.textContent = STYLE;
  box.className = "dlim-click";
  place.className = "dlim-click-place";
  box.append(picture, marker);
  el.append(style, box, place);

  // one tab stop; the attributes keep JupyterLab from reading the arrow keys as its own
  const says = { tabindex: 0, role: "slider", "aria-roledescription": "map", "aria-orientation": "horizontal" };
  says["aria-label"] = "map: click, drag or use the arrow keys (with Shift in larger steps)";
  Object.assign(says, { "data-lm-suppress-shortcuts": "true", "data-p-suppress-shortcuts": "true" });
  for (const [name, value] of Object.entries(says)) box.setAttribute(name, value);
  picture.alt = "";

  let address = null;
  const clamp = (t) => Math.min(1, Math.max(0, t));
  // with cells, a place is the middle of one
  const snap = (t, n) => (n ? (Math.min(n - 1, Math.floor(clamp(t) * n)) + 0.5) / n : clamp(t));

  function draw() {
    const [left, top, width, height] = model.get("area"), [x, y] = model.get("at");
    const cells = model.get("cells");
    marker.style.left = `${100 * (left + width * x)}%`;
    marker.style.top = `${100 * (top + height * y)}%`;
    marker.style.width = cells[0] ? `max(10px, ${(100 * width) / cells[0]}%)` : "16px";
    marker.style.height = cells[1] ? `max(10px, ${(100 * height) / cells[1]}%)` : "16px";
    marker.style.borderRadius = cells[0] ? "0" : "50%";
  }
  function load() {
    const old = address;
    address = URL.createObjectURL(new Blob([model.get("picture")], { type: "image/png" }));
    picture.src = address;
    if (old) URL.revokeObjectURL(old);
    box.style.width = `${model.get("width")}px`;
  }
  function tell() {
    place.textContent = model.get("label");
    box.setAttribute("aria-valuenow", model.get("at")[0]);
    box.setAttribute("aria-valuetext", model.get("label"));
  }
  function go(x, y, anew) {
    const [columns, rows] = model.get("cells"), gesture = model.get("at")[2] + (anew ? 1 : 0);
    model.set("at", [snap(x, columns), snap(y, rows), gesture]);
    model.save_changes(); // waits by itself while the kernel still draws, and then sends the newest place
  }
  function point(event, anew) {
    const frame = box.getBoundingClientRect(), [left, top, width, height] = model.get("area");
    go(((event.clientX - frame.left) / frame.width - left) / width,
       ((event.clientY - frame.top) / frame.height - top) / height, anew);
  }

  box.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    event.preventDefault();
    event.stopPropagation();
    box.focus({ preventScroll: true });
    box.setPointerCapture(event.pointerId);
    point(event, true);
  });
  box.addEventListener("pointermove", (event) => box.hasPointerCapture(event.pointerId) && point(event, false));
  box.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!step || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    const [x, y] = model.get("at"), [columns, rows] = model.get("cells"), far = event.shiftKey ? 5 : 1;
    go(x + (step[0] * far) / (columns || 50), y + (step[1] * far) / (rows || 50), !event.repeat);
  });

  const heard = [["change:at", draw], ["change:cells", draw], ["change:area", draw],
                 ["change:picture", load], ["change:label", tell]];
  for (const [name, action] of heard) model.on(name, action);
  draw(), load(), tell();
  return () => {
    for (const [name, action] of heard) model.off(name, action);
    URL.revokeObjectURL(address);
  };
}

export default { render };
