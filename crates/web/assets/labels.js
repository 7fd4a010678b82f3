// Labelling with the keyboard. Works on the public API, as everything else may.

const COLOURS = 6;
/** How far an arrow key moves or grows a box, as a share of the image. */
const STEP = 0.01;
/** Boxes smaller than this share of the image were clicks. */
const LEAST_BOX = 0.005;
const SIDES = { left: ["1", "ArrowLeft"], right: ["2", "ArrowRight"], tie: ["0", "ArrowDown"] };

const element = (tag, properties = {}, ...children) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) name.includes("-") || name === "role" ? made.setAttribute(name, value) : made[name] = value;
  made.append(...children.filter((child) => child != null));
  return made;
};

async function call(method, path, body) {
  const answer = await fetch(path, { method, headers: { "content-type": "application/json", accept: "application/json" }, body: body && JSON.stringify(body) });
  const found = await answer.json().catch(() => null);
  if (!answer.ok) throw new Error([found?.error?.message, found?.error?.hint].filter(Boolean).join("; ") || `the server answered ${answer.status}`);
  return found;
}

/** `<x-annotate data-project data-settings [data-review]>` */
class Annotate extends HTMLElement {
  connectedCallback() {
    this.project = this.dataset.project;
    this.settings = JSON.parse(this.dataset.settings);
    this.reviewing = this.hasAttribute("data-review");
    // Several people at one browser, or one server without accounts: the address says who answers.
    this.annotator = new URLSearchParams(location.search).get("as") || this.dataset.annotator;
    this.base = `/api/v1/labels/projects/${encodeURIComponent(this.project)}`;
    this.abort = new AbortController();
    document.addEventListener("keydown", (event) => this.key(event), { signal: this.abort.signal });
    this.last = null;
    this.load();
  }

  disconnectedCallback() { this.abort.abort(); }

  colour(name) { return `var(--s${Math.max(0, this.settings.classes.findIndex((one) => one.name === name)) % COLOURS})`; }

  /** Hands out the next task, or the next answer to review. */
  async load() {
    try {
      if (this.reviewing) {
        const found = await call("GET", `${this.base}/review`);
        this.show(found?.view, found?.annotation);
      } else this.show(await call("POST", `${this.base}/next`, { annotator: this.annotator }));
    } catch (error) { this.say(error.message, true); }
  }

  show(view, annotation) {
    this.view = view;
    this.annotation = annotation;
    this.started = performance.now();
    if (!view) {
      this.replaceChildren(element("p", { className: "pad" }, this.reviewing ? "Nothing waits for a review." : "Nothing is left for you to label."),
        element("footer", {}, this.status = element("span", { className: "said", role: "status" })));
      return;
    }
    const own = annotation ?? view.annotations.findLast((one) => one.annotator === this.annotator && ["submitted", "accepted", "rejected"].includes(one.state));
    const machine = view.predictions[0];
    this.pre = machine;
    this.start(own?.label ?? (this.reviewing ? null : machine?.label));
    this.render();
    const said = annotation ? `${annotation.annotator} answered` : own ? "answered before" : machine ? `pre-label of ${machine.source} ${machine.version}${machine.score == null ? "" : `, ${Math.round(machine.score * 100)} % sure`}` : "";
    this.say(said);
  }

  /** The label under construction, in the form of its kind. */
  start(label) {
    const { kind, classes } = this.settings;
    this.choice = label?.choice ?? label?.preferred ?? null;
    this.chosen = new Set(label?.choices ?? []);
    this.number = label?.number ?? null;
    this.spans = [...(label?.spans ?? [])];
    this.boxes = (label?.boxes ?? []).map((box) => ({ ...box }));
    this.active = classes[0]?.name;
    this.cursor = [0, 0];
    this.at = this.boxes.length - 1;
    // Characters, as the server counts them, not units of UTF-16.
    this.characters = kind === "spans" ? [...String(this.view.task.data[this.settings.text] ?? "")] : [];
    this.tokens = kind === "spans" ? tokens(this.characters) : [];
  }

  label() {
    switch (this.settings.kind) {
      case "classification": return this.choice && { choice: this.choice };
      case "pairwise": return this.choice && { preferred: this.choice };
      case "multi_label": return { choices: [...this.chosen] };
      case "regression": { const field = this.querySelector("input"); return field?.value !== "" && field?.checkValidity() ? { number: Number(field.value) } : null; }
      case "spans": return { spans: this.spans };
      default: return { boxes: this.boxes };
    }
  }

  async submit(label = this.label()) {
    if (!label) return this.say("Answer first, or skip with s.", true);
    await this.send({ label, note: this.note ?? "", taken_ms: Math.round(performance.now() - this.started) });
  }

  async send(body) {
    if (this.busy || !this.view) return;
    this.busy = true;
    try {
      const id = this.view.task.id;
      await call("POST", `/api/v1/labels/tasks/${encodeURIComponent(id)}/annotations`, { ...body, annotator: this.annotator });
      this.last = id;
      this.note = undefined;
      await this.load();
    } catch (error) { this.say(error.message, true); } finally { this.busy = false; }
  }

  async review(verdict) {
    if (this.busy || !this.annotation) return;
    this.busy = true;
    try {
      const note = verdict === "reject" ? prompt("What is wrong?") : "";
      if (note !== null) {
        await call("POST", `/api/v1/labels/annotations/${encodeURIComponent(this.annotation.id)}/review`, { verdict, note });
        await this.load();
      }
    } catch (error) { this.say(error.message, true); } finally { this.busy = false; }
  }

  async back() {
    if (!this.last) return this.say("There is no task before this one.");
    try { this.show(await call("GET", `/api/v1/labels/tasks/${encodeURIComponent(this.last)}`)); } catch (error) { this.say(error.message, true); }
  }

  async comment() {
    const text = this.view && prompt("Comment on this task");
    if (!text) return;
    try {
      await call("POST", `/api/v1/labels/tasks/${encodeURIComponent(this.view.task.id)}/comments`, { text });
      this.say("It is noted.");
    } catch (error) { this.say(error.message, true); }
  }

  say(words, wrong = false) {
    this.status ??= this.appendChild(element("p", { className: "said pad", role: "status" }));
    this.status.textContent = words;
    this.status.classList.toggle("wrong", wrong);
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.view) return;
    const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement;
    const { key } = event;
    const act = (work) => { event.preventDefault(); work(); };
    if (this.reviewing) {
      if (key === "Enter" || key === "a") return act(() => this.review("accept"));
      if (key === "r") return act(() => this.review("reject"));
      if (key === "n") return act(() => this.comment());
      return;
    }
    if (key === "Enter" && !(event.target instanceof HTMLButtonElement)) return act(() => this.submit());
    if (typing) return;
    if (key === "s") return act(() => this.send({ note: "" }));
    if (key === "b") return act(() => this.back());
    if (key === "n") return act(() => this.comment());
    if (key === "a" && this.pre) return act(() => this.submit(this.pre.label));
    const named = this.settings.classes.find((one) => one.hot_key === key);
    if (named) return act(() => this.choose(named.name));
    if (this.settings.kind === "pairwise") {
      const side = Object.keys(SIDES).find((one) => SIDES[one].includes(key));
      if (side) act(() => this.choose(side));
    } else if (this.settings.kind === "spans") this.spanKey(event, act);
    else if (this.settings.kind === "boxes") this.boxKey(event, act);
  }

  /** What a class, or a side, means for the kind: the answer, one of several, or what a region becomes. */
  choose(name) {
    if (this.reviewing) return;
    const { kind } = this.settings;
    if (kind === "classification" || kind === "pairwise") {
      this.choice = name;
      this.render();
      this.submit();
      return;
    }
    if (kind === "multi_label") this.chosen.has(name) ? this.chosen.delete(name) : this.chosen.add(name);
    else this.active = name;
    if (kind === "spans") this.mark(name);
    if (kind === "boxes" && this.boxes[this.at]) this.boxes[this.at].class = name;
    this.render();
  }

  spanKey(event, act) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step) return act(() => {
      const end = Math.min(this.tokens.length - 1, Math.max(0, this.cursor[1] + step));
      this.cursor = [event.shiftKey ? this.cursor[0] : end, end];
      this.render();
    });
    if (event.key === "Backspace" || event.key === "Delete") act(() => {
      const [from, to] = this.selected();
      this.spans = this.spans.filter((span) => span.end <= from || span.start >= to);
      this.render();
    });
  }

  /** The characters of the tokens under the cursor. */
  selected() {
    const [one, other] = [...this.cursor].sort((a, b) => a - b);
    return this.tokens.length ? [this.tokens[one][0], this.tokens[other][1]] : [0, 0];
  }

  /** Marks what is selected, by the mouse or the keyboard, as a span of a class. */
  mark(name) {
    let [start, end] = this.pointed() ?? this.selected();
    if (start >= end) return;
    this.spans = this.spans.filter((span) => span.end <= start || span.start >= end);
    this.spans.push({ start, end, class: name });
    getSelection()?.removeAllRanges();
  }

  /** What the mouse selected, in whole tokens. */
  pointed() {
    const chosen = getSelection();
    if (!chosen || chosen.isCollapsed || !this.contains(chosen.anchorNode)) return null;
    const touched = [...this.querySelectorAll(".tok")].filter((one) => chosen.containsNode(one, true));
    return touched.length ? [Number(touched[0].dataset.start), Number(touched.at(-1).dataset.end)] : null;
  }

  boxKey(event, act) {
    const box = this.boxes[this.at];
    const move = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] }[event.key];
    if (event.key === "+") return act(() => { this.add({ x: 0.4, y: 0.4, width: 0.2, height: 0.2 }); this.render(); });
    if (event.key === "." && this.boxes.length) return act(() => { this.at = (this.at + 1) % this.boxes.length; this.render(); });
    if (!box) return;
    if (move) act(() => {
      const within = (value, most) => Math.min(most, Math.max(0, value));
      if (event.shiftKey) {
        box.width = Math.max(STEP, within(box.width + move[0], 1 - box.x));
        box.height = Math.max(STEP, within(box.height + move[1], 1 - box.y));
      } else {
        box.x = within(box.x + move[0], 1 - box.width);
        box.y = within(box.y + move[1], 1 - box.height);
      }
      this.render();
    });
    else if (event.key === "Backspace" || event.key === "Delete") act(() => { this.boxes.splice(this.at, 1); this.at = this.boxes.length - 1; this.render(); });
  }

  add(area) {
    const image = this.querySelector("img");
    const size = image?.naturalWidth ? { image_width: image.naturalWidth, image_height: image.naturalHeight } : {};
    this.boxes.push({ ...area, class: this.active, ...size });
    this.at = this.boxes.length - 1;
  }

  render() {
    const { task } = this.view;
    const old = this.querySelector("img");
    const button = (words, key, work) => element("button", { type: "button", onclick: work }, words, element("kbd", {}, key));
    const tools = this.reviewing
      ? [button("Accept", "Enter", () => this.review("accept")), button("Reject", "r", () => this.review("reject"))]
      : [button("Submit", "Enter", () => this.submit()), button("Skip", "s", () => this.send({ note: "" })), button("Back", "b", () => this.back()),
        this.pre ? button("Take the pre-label", "a", () => this.submit(this.pre.label)) : null];
    const words = this.status?.textContent ?? "";
    this.status = element("span", { className: "said", role: "status" }, words);
    this.replaceChildren(
      element("header", {}, element("span", {}, `task ${task.position + 1}`), element("bdi", {}, task.key), element("span", {}, `${task.answered} answered`), element("span", {}, "as ", element("bdi", {}, this.annotator)),
        this.view.comments.length ? element("span", {}, `${this.view.comments.length} comments: ${this.view.comments.at(-1).text}`) : null),
      element("div", { className: "subject" }, this.subject(old)), this.choices() ?? "",
      element("footer", {}, ...tools.filter(Boolean), button("Comment", "n", () => this.comment()), this.status));
    if (this.settings.kind === "regression" && !this.reviewing) this.querySelector("input")?.focus();
  }

  /** What is labelled. */
  subject(old) {
    const { kind, text, image, left, right, show } = this.settings;
    const { data, id } = this.view.task;
    const part = document.createDocumentFragment();
    const special = [text, image, left, right].filter(Boolean);
    if (kind === "spans") part.append(this.marked());
    else if (kind === "boxes") part.append(this.canvas(old));
    else if (kind === "pairwise") part.append(element("div", { className: "pair" }, ...[left, right].map((column) => element("div", {}, String(data[column] ?? "")))));
    else {
      if (text) part.append(element("p", { className: "text" }, String(data[text] ?? "")));
      if (image) part.append(old ?? element("img", { src: `/api/v1/labels/tasks/${encodeURIComponent(id)}/image`, alt: String(data[image] ?? "") }));
    }
    const columns = (show.length ? show : Object.keys(data)).filter((column) => !special.includes(column));
    if (columns.length) part.append(element("dl", { className: "data" }, ...columns.flatMap((column) => [element("dt", {}, column), element("dd", {}, data[column] == null ? "–" : String(data[column]))])));
    return part;
  }

  choices() {
    const { kind, classes } = this.settings;
    if (kind === "regression") {
      const { min, max } = this.settings.range ?? {};
      return element("div", { className: "choices" }, element("label", {}, "Number ", element("input", { type: "number", step: "any", min: min ?? "", max: max ?? "", value: this.number ?? "", disabled: this.reviewing })));
    }
    const names = kind === "pairwise" ? Object.keys(SIDES).map((side) => ({ name: side, hot_key: SIDES[side][0] })) : classes;
    const pressed = (name) => kind === "multi_label" ? this.chosen.has(name) : kind === "spans" || kind === "boxes" ? this.active === name : this.choice === name;
    const choice = ({ name, hot_key }) => {
      const swatch = element("span", { className: "swatch" });
      swatch.style.setProperty("--class", this.colour(name));
      return element("button", { type: "button", "aria-pressed": String(pressed(name)), disabled: this.reviewing, onclick: () => this.choose(name) }, kind === "pairwise" ? null : swatch, name, hot_key ? element("kbd", {}, hot_key) : null);
    };
    return element("div", { className: "choices", role: "group", "aria-label": "Classes" }, ...names.map(choice));
  }

  /** The text, token by token, with its spans. */
  marked() {
    const [from, to] = this.selected();
    const text = element("p", { className: "text" });
    let before = 0;
    for (const [start, end] of this.tokens) {
      text.append(this.characters.slice(before, start).join(""));
      const span = this.spans.find((one) => one.start < end && one.end > start);
      const token = element("span", { className: "tok", "data-start": start, "data-end": end }, this.characters.slice(start, end).join(""));
      if (span) {
        token.classList.add("in");
        token.style.setProperty("--class", this.colour(span.class));
      }
      if (!this.reviewing && start >= from && end <= to) token.classList.add("at");
      text.append(token);
      if (span && span.end <= end) text.append(element("span", { className: "tag" }, span.class));
      before = end;
    }
    text.append(this.characters.slice(before).join(""));
    return text;
  }

  /** The image with its boxes, which the mouse draws and the keys move. */
  canvas(old) {
    const { data, id } = this.view.task;
    const address = `/api/v1/labels/tasks/${encodeURIComponent(id)}/image`;
    const image = old?.getAttribute("src") === address ? old : element("img", { src: address, alt: String(data[this.settings.image] ?? ""), onerror: () => this.say("The image cannot be shown: its path must lie in the project folder.", true) });
    const make = (name) => document.createElementNS("http://www.w3.org/2000/svg", name);
    const sheet = make("svg");
    sheet.setAttribute("viewBox", "0 0 1 1");
    sheet.setAttribute("preserveAspectRatio", "none");
    const draw = (box, at) => {
      const shape = make("rect");
      for (const key of ["x", "y", "width", "height"]) shape.setAttribute(key, box[key]);
      shape.style.setProperty("--class", this.colour(box.class));
      if (at === this.at) shape.classList.add("at");
      const title = make("title");
      title.textContent = box.class;
      shape.append(title);
      return shape;
    };
    sheet.append(...this.boxes.map(draw));
    const point = (event) => { const area = sheet.getBoundingClientRect(); return [event.clientX - area.left, event.clientY - area.top].map((value, axis) => Math.min(1, Math.max(0, value / (axis ? area.height : area.width)))); };
    if (!this.reviewing) sheet.onpointerdown = (event) => {
      event.preventDefault();
      const [x, y] = point(event);
      const hit = this.boxes.findLastIndex((box) => x >= box.x && x <= box.x + box.width && y >= box.y && y <= box.y + box.height);
      if (hit >= 0 && !event.shiftKey) { this.at = hit; this.render(); return; }
      const area = { x, y, width: 0, height: 0 };
      const ghost = sheet.appendChild(draw({ ...area, class: this.active }, -1));
      sheet.setPointerCapture(event.pointerId);
      sheet.onpointermove = (moved) => {
        const [to, down] = point(moved);
        Object.assign(area, { x: Math.min(x, to), y: Math.min(y, down), width: Math.abs(to - x), height: Math.abs(down - y) });
        for (const key of ["x", "y", "width", "height"]) ghost.setAttribute(key, area[key]);
      };
      sheet.onpointerup = () => {
        if (area.width > LEAST_BOX && area.height > LEAST_BOX) this.add(area);
        this.render();
      };
    };
    return element("div", { className: "canvas" }, image, sheet);
  }
}
customElements.define("x-annotate", Annotate);

/** Words and marks of a text, as pairs of its characters' positions. */
function tokens(characters) {
  const found = [];
  const kind = (character) => /\s/u.test(character) ? 0 : /[\p{L}\p{N}_]/u.test(character) ? 1 : 2;
  characters.forEach((character, at) => {
    const own = kind(character);
    if (!own) return;
    const last = found.at(-1);
    if (own === 1 && last?.[1] === at && kind(characters[at - 1]) === 1) last[1] = at + 1;
    else found.push([at, at + 1]);
  });
  return found;
}
