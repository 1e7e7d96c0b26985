"use strict";
// The page for rating images. Every rating is sent as it is made, and the page shows the next image while it is sent.

const PRELOADED = 4; // images that are loaded in advance
const STEP = 0.1, SMALL_STEP = 0.02;

const INFORMATIVE = "informative";

let annotator = "", state = null, index = 0, cursor = null, prediction = null, shownSince = 0, digit = null, dragging = false;
let sending = Promise.resolve(); // one request after the other, so that the server gets ratings in their order
let ratedSince = 0; // when the last rating was made, until the next image is shown
window.affectflowTimes = []; // milliseconds from a rating to the next image, for measurements

function showError(error) {
  $("error").textContent = error ? `${error.message || error}` : "";
}

function send(path, data) { // gives null if it failed
  const sent = sending.then(() => request(path, data)).then((answer) => { showError(null); return answer; });
  sending = sent.catch((error) => { showError(`Not saved: ${error.message}. Is the server running?`); return null; });
  return sending;
}

const image = () => state.images[index];
const rating = () => image().rating;

async function load(annotationVideo, undone = {}) { // shows the image whose rating was undone, if any
  setReady(false);
  await sending; // or the state would lack the ratings that are being sent
  const { sha256, is_repeat } = undone;
  const query = new URLSearchParams({ annotator, ...(annotationVideo ? { annotation_video: annotationVideo } : {}), ...(sha256 ? { sha256, is_repeat } : {}) });
  try {
    state = await request(`/api/state?${query}`);
  } catch (error) {
    if (state) { setReady(true); draw(); } // the former images stay
    throw error;
  }
  const requested = state.images.findIndex((one) => ["annotation_video", "frame", "is_repeat"].every((name) => one[name] === undone[name]));
  const unrated = state.images.findIndex((one) => !one.rating);
  index = requested >= 0 ? requested : Math.max(unrated, 0);
  show();
}

function show() {
  const { image: address } = image();
  cursor = prediction = digit = null;
  dragging = false;
  $("note").value = rating() ? rating().note : "";
  const shown = () => {
    shownSince = performance.now();
    if (ratedSince) affectflowTimes.push(shownSince - ratedSince);
    ratedSince = 0;
    setReady(true);
  };
  setReady(false); // the screen still shows the former image
  $("image").onload = shown;
  $("image").onerror = () => { showError("This image cannot be shown."); shown(); };
  if ($("image").getAttribute("src") === address) shown(); else $("image").src = address;
  for (let i = 1; i <= PRELOADED && index + i < state.images.length; i++) new Image().src = state.images[index + i].image;
  draw();
}

function setReady(ready) { // whether the screen shows the image that would be rated
  document.body.dataset.ready = ready ? "yes" : "no";
}
const isReady = () => document.body.dataset.ready === "yes";

function draw() {
  const one = rating();
  const count = state.elsewhere.done + state.images.filter((other) => other.rating).length;
  const total = state.elsewhere.images + state.images.length;
  const options = state.progress.map(({ annotation_video: number, images, done }) =>
    [number, `${number} (${number === state.annotation_video ? count : done} of ${images})`]);
  if (state.model) options.unshift([INFORMATIVE, `all, most informative first (${state.model})`]);
  $("annotation-video").replaceChildren(...options.map(([number, text]) => new Option(text, number, false, number === state.annotation_video)));
  $("position").textContent = `image ${index + 1} of ${state.images.length}`;
  $("show-prediction").hidden = !state.model;
  $("done").max = total;
  $("done").value = count;
  const seconds = state.median_seconds && state.median_seconds * (total - count);
  $("left").textContent = count === total ? "all rated" : seconds ? `about ${Math.ceil(seconds / 60)} min left` : `${total - count} left`;
  $("annotator").textContent = annotator;
  $("skip-reason").textContent = one ? { "": "", not_a_face: "not a face", cannot_say: "cannot say" }[one.skip_reason] : "";
  drawPoint($("rated"), one && one.valence !== null ? [one.valence, one.arousal] : null);
  drawPoint($("prediction"), prediction && prediction.point);
  drawPoint($("cursor"), cursor);
  const values = cursor || (one && one.valence !== null ? [one.valence, one.arousal] : null);
  $("values").textContent = values ? `valence ${signed(values[0])}, arousal ${signed(values[1])}` : "not rated yet";
  if (one && one.skip_reason) $("values").textContent = $("skip-reason").textContent;
  if (prediction) $("values").textContent += prediction.point ? `; ${state.model} predicts ${prediction.point.map(signed).join(", ")}` : `; ${state.model} has no prediction`;
}

const signed = (value) => (value < 0 ? "−" : "+") + Math.abs(value).toFixed(2);

function drawPoint(circle, values) {
  circle.style.visibility = values ? "visible" : "hidden";
  if (values) { circle.setAttribute("cx", values[0]); circle.setAttribute("cy", -values[1]); }
}

function rate(values, skipReason) {
  if (!isReady()) return;
  const [valence, arousal] = values ? values.map((value) => Math.round(value * 1000) / 1000) : [null, null];
  ratedSince = performance.now();
  save({ valence, arousal, skip_reason: skipReason || "", note: $("note").value.trim() });
  move(1);
}

function save(one) { // as the rating of the image that is shown
  const ratedState = state, ratedIndex = index, rated = image(), before = rating();
  const { annotation_video, frame, is_repeat } = rated;
  const seconds = (performance.now() - shownSince) / 1000;
  rated.rating = one;
  send("/api/rate", { annotator, annotation_video, frame, is_repeat, seconds, ...one }).then((answer) => {
    if (answer || ratedState !== state) return;
    rated.rating = before;
    index = Math.min(index, ratedIndex); // back to the image that must be rated again
    show();
    if (index === ratedIndex) $("note").value = one.note;
  });
}

function saveNote() {
  const one = rating(), note = $("note").value.trim();
  if (one && one.note !== note) save({ ...one, note });
}

function move(by) {
  const next = index + by;
  if (next === state.images.length && state.annotation_video === INFORMATIVE) { load(INFORMATIVE).catch(showError); return; }
  if (next < 0 || next >= state.images.length) { ratedSince = 0; draw(); return; }
  index = next;
  show();
}

async function undo() {
  setReady(false);
  const answer = await send("/api/undo", { annotator }), undone = answer && answer.undone;
  if (undone) await load(state.annotation_video === INFORMATIVE ? INFORMATIVE : undone.view, undone).catch(showError); else setReady(true);
}

async function showPrediction() {
  const { annotation_video, frame } = image();
  if (!state.model || !isReady()) return;
  setReady(false); // a rating made before the answer arrives would count as one made after it
  const answer = await send("/api/prediction", { annotator, annotation_video, frame });
  setReady(true);
  if (!answer) return;
  prediction = answer;
  draw();
}

const actions = {
  notAFace: () => rate(null, "not_a_face"),
  cannotSay: () => rate(null, "cannot_say"),
  back: () => move(-1),
  forward: () => move(1),
  undo,
  jump: () => {
    const number = Number(prompt(`Image, 1 to ${state.images.length}`, index + 1));
    if (Number.isInteger(number) && number >= 1 && number <= state.images.length) move(number - 1 - index);
  },
  zoom: () => $("viewer").classList.toggle("zoomed"),
  showPrediction,
};
const KEYS = { m: "showPrediction", x: "notAFace", c: "cannotSay", b: "back", n: "forward", u: "undo", j: "jump", z: "zoom" };
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

function onKey(event) {
  if ($("work").hidden || event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.repeat && !(event.key in ARROWS)) return; // a key that is held down counts once
  if (["INPUT", "SELECT"].includes(event.target.tagName)) { if (event.key === "Escape" || event.key === "Enter") event.target.blur(); return; }
  if (event.key in ARROWS) {
    const one = rating();
    const from = cursor || (one && one.valence !== null ? [one.valence, one.arousal] : [0, 0]);
    const step = event.shiftKey ? SMALL_STEP : STEP;
    digit = null;
    cursor = ARROWS[event.key].map((direction, i) => clamp(Math.round((from[i] + direction * step) * 1000) / 1000));
  } else if (event.key === "Enter" && cursor && event.target.tagName !== "BUTTON") {
    rate(cursor);
    event.preventDefault();
    return;
  } else if (/^[1-9]$/.test(event.key)) {
    const value = (Number(event.key) - 5) / 4;
    if (digit === null) { digit = value; cursor = [value, cursor ? cursor[1] : 0]; } else { rate([digit, value]); return; }
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
  } catch (error) { // for example an invalid name
    $("login").hidden = false;
    $("name").setCustomValidity(error.message);
    $("name").reportValidity();
    return;
  }
  history.replaceState(null, "", `/?${new URLSearchParams({ annotator })}`);
  $("login").hidden = true;
  $("work").hidden = false;
  $("plane").focus();
}

drawPlane(0.25, [...CORNERS, ["neutral", 0, 0.09]]);
$("plane").addEventListener("pointerdown", (event) => {
  if (event.button || !event.isPrimary || !isReady()) return;
  dragging = true;
  digit = null;
  $("plane").setPointerCapture(event.pointerId);
  cursor = pointOf(event);
  draw();
});
$("plane").addEventListener("pointermove", (event) => { if (dragging) { cursor = pointOf(event); draw(); } });
$("plane").addEventListener("pointerup", (event) => { if (dragging) { dragging = false; rate(pointOf(event)); } });
$("plane").addEventListener("pointercancel", () => { dragging = false; cursor = null; draw(); });
document.addEventListener("keydown", onKey);
document.querySelectorAll("[data-do]").forEach((button) => button.addEventListener("click", () => {
  actions[button.dataset.do]();
  $("plane").focus();
}));
$("annotation-video").addEventListener("change", () => load($("annotation-video").value).then(() => $("plane").focus(), showError));
$("note").addEventListener("change", saveNote);
$("name").addEventListener("input", () => $("name").setCustomValidity(""));
$("login").addEventListener("submit", (event) => { event.preventDefault(); begin($("name").value.trim()); });

const given = new URLSearchParams(location.search).get("annotator");
(given ? Promise.resolve({ annotator: given }) : request("/api/state")).then((answer) => {
  if (answer.annotator) begin(answer.annotator); else $("login").hidden = false;
}, showError);
