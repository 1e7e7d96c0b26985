"use strict";
// While a video plays, the point's place is kept for each of its frames; every half second it is sent.

const COUNT = 3, BACK_S = 2, SEND_MS = 500, MOST_POINTS = 1000, STEP = 0.05;
const SKIPPED_S = 1; // frames that were played and not painted are at most so far apart
const SEEN_S = 5; // of the trace, before and after the frame that is shown
const COLOURS = ["#3b6ea8", "#d9822b"]; // valence, arousal

let annotator = "", state = null, points = {}, at = [0, 0], mode = "image", waiting = [], course = [], lastFrame = 0, counting = 0;
let loading = 0;
let start = null; // when the browser shows the first frame; containers may begin later than at 0
const video = $("video");
let busy = null; // what is being sent

function nextPart() { // of one video, as much as the server takes at once
  const { video: name } = waiting[0], end = waiting.findIndex((one) => one.video !== name);
  return waiting.slice(0, Math.min(MOST_POINTS, end < 0 ? waiting.length : end));
}

const sweep = (part) => ({ annotator, video: part[0].video, points: part.map((one) => one.point) });

async function drain() {
  while (waiting.length) {
    const part = nextPart();
    await ask("/api/sweep", sweep(part));
    waiting.splice(0, part.length); // only when it is kept
  }
}

function send() {
  busy = busy || drain().catch((error) => {
    mode = "image";
    stop();
    $("trouble").textContent = `Not kept yet: ${error.message}. Is the server running? It is sent again when you go on.`;
  }).finally(() => { busy = null; });
  return busy;
}

const secondsOf = (frame) => state.times[frame - 1] + (start || 0);

function playing() { // the frame that is on the screen: the last that is not later
  const seconds = video.currentTime + 0.001, frame = frameAt(seconds);
  return frame > 1 && secondsOf(frame) > seconds ? frame - 1 : frame;
}

function frameAt(seconds) { // the nearest
  let first = 1, last = state.times.length;
  while (first < last) {
    const middle = (first + last) >> 1;
    if ((secondsOf(middle) + secondsOf(middle + 1)) / 2 < seconds) first = middle + 1; else last = middle;
  }
  return first;
}

function moveTo(values) {
  at = values;
  if (mode === "tracing") course.push([video.currentTime, ...at]);
  draw(playing());
}

function traced(frame) { // where the point was when the frame was shown, however late it was painted
  const seconds = secondsOf(frame);
  let one = course.length - 1;
  while (one > 0 && course[one][0] > seconds) one--;
  const [, valence, arousal] = course[one];
  return [$("what").value !== "arousal" ? valence : null, $("what").value !== "valence" ? arousal : null];
}

function keep(frame) { // and those between, which were played and not painted
  const from = lastFrame && frame > lastFrame && secondsOf(frame) - secondsOf(lastFrame) <= SKIPPED_S ? lastFrame + 1 : frame;
  for (let one = from; one <= frame; one++) {
    const [valence, arousal] = traced(one).map((value) => value === null ? null : Math.round(value * 1000) / 1000);
    const before = points[one] || [null, null];
    points[one] = [valence === null ? before[0] : valence, arousal === null ? before[1] : arousal];
    waiting.push({ video: state.video, point: [one, valence, arousal] });
  }
  lastFrame = frame;
}

function painted(now, { mediaTime }) {
  video.requestVideoFrameCallback(painted);
  if (!state) return;
  if (start === null) start = mediaTime;
  const frame = frameAt(mediaTime);
  if (mode === "tracing") keep(frame);
  if (mode === "replaying" && points[frame]) at = points[frame].map((value, i) => value === null ? at[i] : value);
  draw(frame);
}

function draw(frame) {
  const frames = state.times.length;
  $("place").textContent = `frame ${frame} of ${frames}`;
  $("done").max = frames;
  $("done").value = Object.keys(points).length;
  $("cursor").setAttribute("cx", $("what").value === "arousal" ? 0 : at[0]);
  $("cursor").setAttribute("cy", $("what").value === "valence" ? 0 : -at[1]);
  $("values").textContent = `valence ${at[0].toFixed(2)}, arousal ${at[1].toFixed(2)}`;
  const canvas = $("drawn"), { width, height } = canvas.getBoundingClientRect();
  if (canvas.width !== Math.round(width)) { canvas.width = Math.round(width); canvas.height = Math.round(height); }
  const pen = canvas.getContext("2d"), now = secondsOf(frame);
  const [first, last] = [now - SEEN_S, now + SEEN_S].map(frameAt);
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.fillStyle = "#0009";
  pen.fillRect(0, canvas.height - 90, canvas.width, 90);
  for (const i of [0, 1]) {
    pen.beginPath();
    pen.strokeStyle = COLOURS[i];
    pen.lineWidth = 2;
    let down = false;
    for (let one = first; one <= last; one++) {
      const value = points[one] ? points[one][i] : null;
      const x = ((secondsOf(one) - now) / SEEN_S + 1) / 2 * canvas.width, y = canvas.height - 45 - (value || 0) * 40;
      if (value === null) down = false; else if (down) pen.lineTo(x, y); else { pen.moveTo(x, y); down = true; }
    }
    pen.stroke();
  }
  pen.fillStyle = "white";
  pen.fillRect(canvas.width / 2, canvas.height - 90, 1, 90);
}

function stop() {
  counting++;
  $("count").textContent = "";
  video.pause();
  const before = mode;
  mode = "image";
  lastFrame = 0;
  if (before === "tracing") send();
}

async function record() {
  stop();
  const mine = ++counting;
  for (let left = COUNT; left; left--) {
    $("count").textContent = `${left}`;
    await new Promise((done) => setTimeout(done, 1000));
    if (mine !== counting) return;
  }
  $("count").textContent = "";
  $("trouble").textContent = "";
  if (video.ended) {
    video.currentTime = 0;
    await new Promise((done) => video.addEventListener("seeked", done, { once: true }));
    if (mine !== counting) return;
  }
  mode = "tracing";
  lastFrame = 0;
  course = [[video.currentTime, ...at]];
  keep(playing()); // the frame that is shown already is not painted again
  play();
}

function play() {
  video.playbackRate = Number($("speed").value);
  video.play().catch((error) => { $("trouble").textContent = `The video cannot be played: ${error.message}`; stop(); });
}

const seek = (seconds) => { stop(); video.currentTime = Math.max(0, seconds); };
const actions = {
  record,
  pause: () => { if (mode === "image" && !$("count").textContent) record(); else stop(); },
  replay: () => { stop(); if (video.ended) video.currentTime = 0; mode = "replaying"; play(); },
  back: () => seek(video.currentTime - BACK_S),
  start: () => seek(0),
  gap: () => {
    let frame = 1;
    while (frame < state.times.length && points[frame] && !points[frame].includes(null)) frame++;
    seek(secondsOf(frame) + 0.001);
  },
};
const KEYS = { r: "record", " ": "pause", p: "replay", b: "back", 0: "start", g: "gap" };
const MOVES = { w: [0, 1], s: [0, -1], a: [-1, 0], d: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };

function moveBy(x, y) {
  if (mode === "replaying") return;
  if ($("what").value === "valence") { x = x || y; y = 0; } // one axis is enough for one dimension
  if ($("what").value === "arousal") { y = y || x; x = 0; }
  moveTo([inside(at[0] + STEP * x), inside(at[1] + STEP * y)]);
}

let pushed = false;
function gamepad() { // the stick's place is the point's; let go, it springs back to the middle
  const pad = navigator.getGamepads && [...navigator.getGamepads()].find(Boolean);
  const off = Boolean(pad) && Math.hypot(pad.axes[0], pad.axes[1]) > 0.1;
  if (state && mode !== "replaying" && (off || pushed)) moveTo(off ? [inside(pad.axes[0]), inside(-pad.axes[1])] : [0, 0]);
  pushed = off;
  requestAnimationFrame(gamepad);
}

async function load(name) {
  stop();
  await send();
  if (waiting.length) { $("videos").value = state.video; return; } // stays until it is kept
  $("place").textContent = "being prepared"; // what browsers do not play is converted first
  const query = new URLSearchParams({ annotator, ...(name ? { video: name } : {}) }), mine = ++loading;
  const found = await ask(`/api/video?${query}`);
  if (mine !== loading) return; // another one was chosen
  stop();
  state = found;
  points = state.points;
  at = [0, 0];
  $("images").hidden = !state.images;
  $("videos").replaceChildren(...state.videos.map((one) => new Option(one.title, one.name, false, one.name === state.video)));
  $("annotator").textContent = annotator;
  document.body.dataset.ready = "no";
  video.src = state.address;
  await new Promise((done, failed) => {
    video.onloadeddata = done;
    video.onerror = () => failed(new Error("The video is missing, or this browser does not play it."));
  });
  draw(1);
  document.body.dataset.ready = "yes";
}

async function begin(name) {
  annotator = name;
  $("work").hidden = false;
  try {
    await load(0);
  } catch (error) {
    if (state) { $("trouble").textContent = error.message; return; }
    $("work").hidden = true;
    $("who").hidden = false;
    $("name").setCustomValidity(error.message);
    $("name").reportValidity();
    return;
  }
  window.history.replaceState(null, "", `/trace?${new URLSearchParams({ annotator })}`);
  $("who").hidden = true;
  $("plane").focus();
}

drawPlane(0.5, CORNERS);
if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(painted);
else $("trouble").textContent = "This browser cannot tell frames apart; use a newer one.";
requestAnimationFrame(gamepad);
video.addEventListener("emptied", () => { start = null; }); // not before: a frame of the last video may still be painted
video.addEventListener("ended", () => { if (mode === "tracing") keep(state.times.length); stop(); });
video.addEventListener("seeked", () => { if (mode === "image" && state) draw(playing()); });
setInterval(() => { if (mode === "tracing") send(); }, SEND_MS);
$("plane").addEventListener("pointermove", (event) => { if (event.isPrimary && mode !== "replaying") moveTo(under(event)); });
$("plane").addEventListener("wheel", (event) => { event.preventDefault(); moveBy(0, -Math.sign(event.deltaY)); }, { passive: false });
document.addEventListener("keydown", (event) => {
  if ($("work").hidden || event.ctrlKey || event.altKey || event.metaKey || ["INPUT", "SELECT"].includes(event.target.tagName)) return;
  const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (name in MOVES) moveBy(...MOVES[name]);
  else if (name in KEYS && !event.repeat) actions[KEYS[name]]();
  else if (!(name in KEYS)) return;
  event.preventDefault();
});
document.querySelectorAll("[data-do]").forEach((button) => button.addEventListener("click", () => { actions[button.dataset.do](); $("plane").focus(); }));
$("speed").addEventListener("change", () => { video.playbackRate = Number($("speed").value); $("plane").focus(); });
$("what").addEventListener("change", () => { stop(); draw(playing()); $("plane").focus(); });
$("videos").addEventListener("change", () => load($("videos").value).then(() => $("plane").focus(), (error) => {
  $("videos").value = state.video;
  draw(playing());
  $("trouble").textContent = error.message;
}));
$("sound").addEventListener("change", () => { video.muted = !$("sound").checked; $("plane").focus(); });
$("name").addEventListener("input", () => $("name").setCustomValidity(""));
$("who").addEventListener("submit", (event) => { event.preventDefault(); begin($("name").value.trim()); });
window.addEventListener("pagehide", () => {
  while (waiting.length) {
    const part = nextPart();
    navigator.sendBeacon("/api/sweep", new Blob([JSON.stringify(sweep(part))], { type: "application/json" }));
    waiting.splice(0, part.length);
  }
});

const named = new URLSearchParams(location.search).get("annotator");
(named ? Promise.resolve({ annotator: named }) : ask("/api/state")).then((answer) => {
  if (answer.annotator) begin(answer.annotator); else $("who").hidden = false;
}, (error) => { $("trouble").textContent = error.message; });
