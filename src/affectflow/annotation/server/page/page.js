"use strict";
// What is shown is what the server keeps: every judgement is sent as it is made, and the page goes on while it is.

const AHEAD = 4; // images that are fetched before they are wanted
const STEP = 0.1, SMALL_STEP = 0.02;

const INFORMATIVE = "informative";

let annotator = "", state = null, at = 0, cursor = null, prediction = null, shownSince = 0, digit = null, dragging = false;
let sending = Promise.resolve(); // one after the other, so that the order of judgements is that in which they were made
window.affectflowTimes = []; // milliseconds from a judgement to the next image, for whoever measures

function trouble(error) {
  $("trouble").textContent = error ? `${error.message || error}` : "";
}

function send(path, facts) { // null where it was not kept
  const sent = sending.then(() => ask(path, facts)).then((answer) => { trouble(null); return answer; });
  sending = sent.catch((error) => { trouble(`Not kept: ${error.message}. Is the server running?`); return null; });
  return sending;
}

const image = () => state.images[at];
const judged = () => image().judgement;

async function load(batch, taken = {}) { // and show the image whose judgement was taken back, if any
  ready(false);
  await sending; // or a judgement on its way would be missing
  const { sha256, again } = taken;
  const query = new URLSearchParams({ annotator, ...(batch ? { batch } : {}), ...(sha256 ? { sha256, again } : {}) });
  try {
    state = await ask(`/api/state?${query}`);
  } catch (error) {
    if (state) { ready(true); draw(); } // goes on with what is shown
    throw error;
  }
  const wanted = state.images.findIndex((one) => ["batch", "frame", "again"].every((name) => one[name] === taken[name]));
  const open = state.images.findIndex((one) => !one.judgement);
  at = wanted >= 0 ? wanted : Math.max(open, 0);
  show();
}

function show() {
  const one = image();
  cursor = prediction = digit = null;
  dragging = false;
  $("note").value = judged() ? judged().note : "";
  const shown = () => {
    shownSince = performance.now();
    if (measured) affectflowTimes.push(shownSince - measured);
    measured = 0;
    ready(true);
  };
  ready(false); // what is still on the screen is another image
  $("image").onload = shown;
  $("image").onerror = () => { trouble("This image cannot be shown."); shown(); };
  if ($("image").getAttribute("src") === one.image) shown(); else $("image").src = one.image;
  for (let i = 1; i <= AHEAD && at + i < state.images.length; i++) new Image().src = state.images[at + i].image;
  draw();
}
let measured = 0;

function ready(yes) { // whether a judgement would be of the image that is seen
  document.body.dataset.ready = yes ? "yes" : "no";
}
const isReady = () => document.body.dataset.ready === "yes";

function draw() {
  const one = judged();
  const count = state.elsewhere.done + state.images.filter((other) => other.judgement).length;
  const all = state.elsewhere.images + state.images.length;
  const options = state.progress.map(({ batch, images, done }) => [batch, `${batch} (${batch === state.batch ? count : done} of ${images})`]);
  if (state.model) options.unshift([INFORMATIVE, `informative first (${state.model})`]);
  $("batch").replaceChildren(...options.map(([batch, text]) => new Option(text, batch, false, batch === state.batch)));
  $("place").textContent = `image ${at + 1} of ${state.images.length}`;
  $("ask").hidden = !state.model;
  $("done").max = all;
  $("done").value = count;
  const seconds = state.median_seconds && state.median_seconds * (all - count);
  $("left").textContent = count === all ? "all judged" : seconds ? `about ${Math.ceil(seconds / 60)} min left` : `${all - count} left`;
  $("annotator").textContent = annotator;
  $("verdict").textContent = one ? { "": "", not_a_face: "not a face", cannot_say: "cannot say" }[one.verdict] : "";
  point($("before"), one && one.valence !== null ? [one.valence, one.arousal] : null);
  point($("prediction"), prediction && prediction.point);
  point($("cursor"), cursor);
  const values = cursor || (one && one.valence !== null ? [one.valence, one.arousal] : null);
  $("values").textContent = values ? `valence ${sign(values[0])}, arousal ${sign(values[1])}` : "not judged yet";
  if (one && one.verdict) $("values").textContent = $("verdict").textContent;
  if (prediction) $("values").textContent += prediction.point ? `; ${state.model} says ${prediction.point.map(sign).join(", ")}` : `; ${state.model} has no value`;
}

const sign = (value) => (value < 0 ? "−" : "+") + Math.abs(value).toFixed(2);

function point(circle, values) {
  circle.style.visibility = values ? "visible" : "hidden";
  if (values) { circle.setAttribute("cx", values[0]); circle.setAttribute("cy", -values[1]); }
}

function judge(values, verdict) {
  if (!isReady()) return;
  const [valence, arousal] = values ? values.map((value) => Math.round(value * 1000) / 1000) : [null, null];
  measured = performance.now();
  keep({ valence, arousal, verdict: verdict || "", note: $("note").value.trim() });
  move(1);
}

function keep(one) { // of the image that is shown
  const of = state, place = at, shown = image(), before = judged(), { batch, frame, again } = shown;
  const seconds = (performance.now() - shownSince) / 1000;
  shown.judgement = one;
  send("/api/judge", { annotator, batch, frame, again, seconds, ...one }).then((answer) => {
    if (answer || of !== state) return;
    shown.judgement = before;
    at = Math.min(at, place); // to be judged again
    show();
    if (at === place) $("note").value = one.note;
  });
}

function keepNote() {
  const one = judged(), note = $("note").value.trim();
  if (one && one.note !== note) keep({ ...one, note });
}

function move(by) {
  const next = at + by;
  if (next === state.images.length && state.batch === INFORMATIVE) { load(INFORMATIVE).catch(trouble); return; }
  if (next < 0 || next >= state.images.length) { measured = 0; draw(); return; }
  at = next;
  show();
}

async function undo() {
  ready(false);
  const answer = await send("/api/undo", { annotator }), taken = answer && answer.taken;
  if (taken) await load(state.batch === INFORMATIVE ? INFORMATIVE : taken.view, taken).catch(trouble); else ready(true);
}

async function askModel() {
  const one = image();
  if (!state.model || !isReady()) return;
  ready(false); // a judgement before the answer would count as one after it
  const answer = await send("/api/prediction", { annotator, batch: one.batch, frame: one.frame });
  ready(true);
  if (!answer) return;
  prediction = answer;
  draw();
}

const actions = {
  notAFace: () => judge(null, "not_a_face"),
  cannotSay: () => judge(null, "cannot_say"),
  back: () => move(-1),
  forward: () => move(1),
  undo,
  jump: () => {
    const wanted = Number(prompt(`Image, 1 to ${state.images.length}`, at + 1));
    if (Number.isInteger(wanted) && wanted >= 1 && wanted <= state.images.length) move(wanted - 1 - at);
  },
  zoom: () => $("image").classList.toggle("zoomed"),
  askModel,
};
const KEYS = { m: "askModel", x: "notAFace", c: "cannotSay", b: "back", n: "forward", u: "undo", j: "jump", z: "zoom" };
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

function key(event) {
  if ($("work").hidden || event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.repeat && !(event.key in ARROWS)) return; // a key that is held down is meant once
  if (["INPUT", "SELECT"].includes(event.target.tagName)) { if (event.key === "Escape" || event.key === "Enter") event.target.blur(); return; }
  if (event.key in ARROWS) {
    const one = judged();
    const from = cursor || (one && one.valence !== null ? [one.valence, one.arousal] : [0, 0]);
    const step = event.shiftKey ? SMALL_STEP : STEP;
    digit = null;
    cursor = ARROWS[event.key].map((direction, i) => inside(Math.round((from[i] + direction * step) * 1000) / 1000));
  } else if (event.key === "Enter" && cursor && event.target.tagName !== "BUTTON") {
    judge(cursor);
    event.preventDefault();
    return;
  } else if (/^[1-9]$/.test(event.key)) {
    const value = (Number(event.key) - 5) / 4;
    if (digit === null) { digit = value; cursor = [value, cursor ? cursor[1] : 0]; } else { judge([digit, value]); return; }
  } else if (event.key === "Escape") {
    cursor = digit = null;
  } else if (event.key.toLowerCase() in KEYS) {
    actions[KEYS[event.key.toLowerCase()]]();
    event.preventDefault();
    return;
  } else return;
  event.preventDefault();
  draw();
}

async function begin(name) {
  annotator = name;
  try {
    await load();
  } catch (error) { // such as a name that cannot be one
    $("who").hidden = false;
    $("name").setCustomValidity(error.message);
    $("name").reportValidity();
    return;
  }
  history.replaceState(null, "", `/?${new URLSearchParams({ annotator })}`);
  $("who").hidden = true;
  $("work").hidden = false;
  $("plane").focus();
}

drawPlane(0.25, [...CORNERS, ["neutral", 0, 0.09]]);
$("plane").addEventListener("pointerdown", (event) => {
  if (event.button || !event.isPrimary || !isReady()) return;
  dragging = true;
  digit = null;
  $("plane").setPointerCapture(event.pointerId);
  cursor = under(event);
  draw();
});
$("plane").addEventListener("pointermove", (event) => { if (dragging) { cursor = under(event); draw(); } });
$("plane").addEventListener("pointerup", (event) => { if (dragging) { dragging = false; judge(under(event)); } });
$("plane").addEventListener("pointercancel", () => { dragging = false; cursor = null; draw(); });
document.addEventListener("keydown", key);
document.querySelectorAll("[data-do]").forEach((button) => button.addEventListener("click", () => {
  actions[button.dataset.do]();
  $("plane").focus();
}));
$("batch").addEventListener("change", () => load($("batch").value).then(() => $("plane").focus(), trouble));
$("note").addEventListener("change", keepNote);
$("name").addEventListener("input", () => $("name").setCustomValidity(""));
$("who").addEventListener("submit", (event) => { event.preventDefault(); begin($("name").value.trim()); });

const named = new URLSearchParams(location.search).get("annotator");
(named ? Promise.resolve({ annotator: named }) : ask("/api/state")).then((answer) => {
  if (answer.annotator) begin(answer.annotator); else $("who").hidden = false;
}, trouble);
