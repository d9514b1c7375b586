// Pictures in a window of their own: zoom, move, switch the layers, go to the next one.

const KINDS = ["prediction", "truth", "overlap"];
const MOST = 32;
const STEP = 60;
const HINT = "+ \u2212 0 zoom \u00b7 arrows move \u00b7 T P O layers \u00b7 [ ] previous and next \u00b7 Esc closes";

const buildViewer = () => {
  const button = (text, label, action) => {
    const element = make("button", { type: "button", "aria-label": label, title: label }, text);
    element.addEventListener("click", action);
    return element;
  };
  const sheet = make("div", { class: "sheet" });
  const stage = make("div", { class: "stage", tabindex: "0", role: "group" }, sheet);
  const title = make("p", { class: "title", id: "viewer-title" });
  const layers = make("div", { class: "layers" });
  const place = make("span", { class: "place", role: "status" });
  const dialog = make("dialog", { class: "viewer", "aria-labelledby": "viewer-title" });
  let figures = [];
  let index = 0;
  let view = { scale: 1, x: 0, y: 0 };

  /** Size of the picture at scale 1: as large as the stage allows. */
  const fitted = () => {
    const image = sheet.querySelector("img");
    const ratio = image.getAttribute("width") / image.getAttribute("height");
    const width = Math.min(stage.clientWidth, stage.clientHeight * ratio);
    return { width, height: width / ratio };
  };
  const draw = () => {
    const { width, height } = fitted();
    const room = (size, most) => Math.max(0, (size * view.scale - most) / 2);
    const limit = (value, most) => Math.max(-most, Math.min(most, value));
    view.x = limit(view.x, room(width, stage.clientWidth));
    view.y = limit(view.y, room(height, stage.clientHeight));
    sheet.style.width = `${width}px`;
    sheet.style.height = `${height}px`;
    sheet.style.transform = `translate(${view.x}px, ${view.y}px) scale(${view.scale})`;
    sheet.classList.toggle("near", view.scale > 3);
    dialog.dataset.scale = view.scale.toFixed(3);
  };
  /** Zoom by a factor about a point given from the middle of the stage. */
  const zoom = (factor, x = 0, y = 0) => {
    const scale = Math.max(1, Math.min(MOST, view.scale * factor));
    const by = scale / view.scale;
    view = { scale, x: x - (x - view.x) * by, y: y - (y - view.y) * by };
    draw();
  };
  const move = (x, y) => {
    view = { ...view, x: view.x + x, y: view.y + y };
    draw();
  };
  const reset = () => {
    view = { scale: 1, x: 0, y: 0 };
    draw();
  };

  /** Check boxes for the layers of the figure; they are those of its section. */
  const showLayers = (figure) => {
    layers.replaceChildren();
    for (const kind of KINDS) {
      const source = figure.closest("section").querySelector(`.show-${kind}`);
      const drawn = sheet.querySelectorAll(`.layer.${kind}`);
      if (!source || !drawn.length) continue;
      const box = make("input", { type: "checkbox", "data-kind": kind });
      const apply = () => {
        source.checked = box.checked;
        for (const layer of drawn) layer.hidden = !box.checked;
      };
      box.checked = source.checked;
      box.addEventListener("change", apply);
      apply();
      const swatch = make("span", { class: `swatch ${kind}`, "aria-hidden": "true" });
      const name = source.closest("label").textContent.trim();
      layers.append(make("label", {}, box, swatch, name));
    }
  };
  const show = (number) => {
    index = (number + figures.length) % figures.length;
    const figure = figures[index];
    sheet.replaceChildren(...[...figure.querySelectorAll(".frame img")].map((i) => i.cloneNode()));
    title.replaceChildren(...figure.querySelector("figcaption").cloneNode(true).childNodes);
    stage.setAttribute("aria-label", `${sheet.querySelector("img").alt}. ${HINT}`);
    place.textContent = `${index + 1} of ${figures.length}`;
    showLayers(figure);
    reset();
  };
  const open = (figure) => {
    figures = [...figure.closest("section").querySelectorAll("figure:has(> .frame)")];
    dialog.showModal();
    show(figures.indexOf(figure));
    stage.focus();
  };
  const press = (kind) => layers.querySelector(`[data-kind=${kind}]`)?.click();

  const actions = {
    "+": () => zoom(1.5), "=": () => zoom(1.5), "-": () => zoom(1 / 1.5), 0: reset,
    ArrowLeft: () => move(STEP, 0), ArrowRight: () => move(-STEP, 0),
    ArrowUp: () => move(0, STEP), ArrowDown: () => move(0, -STEP),
    t: () => press("truth"), p: () => press("prediction"), o: () => press("overlap"),
    "[": () => show(index - 1), PageUp: () => show(index - 1),
    "]": () => show(index + 1), PageDown: () => show(index + 1),
  };
  dialog.addEventListener("keydown", (event) => {
    const typed = event.getModifierState("AltGraph");
    if ((event.ctrlKey || event.metaKey || event.altKey) && !typed) return;
    const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });

  const fromMiddle = (event) => {
    const box = stage.getBoundingClientRect();
    return [event.clientX - box.left - box.width / 2, event.clientY - box.top - box.height / 2];
  };
  stage.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(2 ** (-event.deltaY / 300), ...fromMiddle(event));
  }, { passive: false });
  stage.addEventListener("dblclick", (event) => {
    if (view.scale > 1) reset();
    else zoom(3, ...fromMiddle(event));
  });
  const fingers = new Map();
  stage.addEventListener("pointerdown", (event) => {
    stage.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, fromMiddle(event));
  });
  stage.addEventListener("pointermove", (event) => {
    if (!fingers.has(event.pointerId)) return;
    const before = [...fingers.values()];
    fingers.set(event.pointerId, fromMiddle(event));
    const after = [...fingers.values()];
    const middle = (points) => [0, 1].map((k) => points.reduce((sum, p) => sum + p[k], 0) / points.length);
    const [from, to] = [middle(before), middle(after)];
    move(to[0] - from[0], to[1] - from[1]);
    if (after.length === 2) {
      const spread = ([[x0, y0], [x1, y1]]) => Math.hypot(x1 - x0, y1 - y0) || 1;
      zoom(spread(after) / spread(before), ...to);
    }
  });
  for (const end of ["pointerup", "pointercancel"]) {
    stage.addEventListener(end, (event) => fingers.delete(event.pointerId));
  }
  window.addEventListener("resize", () => dialog.open && draw());
  dialog.addEventListener("close", () => {
    fingers.clear();
    figures[index].querySelector(".enlarge").focus();
    sheet.replaceChildren();
  });

  dialog.append(
    make("div", { class: "top" }, title, button("\u00d7", "Close", () => dialog.close())),
    stage,
    make("div", { class: "below" }, layers,
      make("div", { class: "moves" },
        button("\u2212", "Zoom out", () => zoom(1 / 1.5)),
        button("+", "Zoom in", () => zoom(1.5)),
        button("Fit", "Whole picture", reset),
        button("\u2039", "Previous picture", () => show(index - 1)), place,
        button("\u203a", "Next picture", () => show(index + 1)))),
    make("p", { class: "hint", "aria-hidden": "true" }, HINT),
  );
  document.body.append(dialog);
  return open;
};

const frames = document.querySelectorAll("figure > .frame");
if (frames.length) {
  const open = buildViewer();
  for (const frame of frames) {
    const label = frame.querySelector(".zoom").getAttribute("aria-label");
    const button = make("button", { type: "button", class: "enlarge", "aria-label": label });
    button.addEventListener("click", () => open(frame.parentElement));
    frame.querySelector(".zoom").replaceWith(button);
  }
}
