"use strict";
// The page for tracing videos. While a video plays, the position of the point is saved for each frame, and the points
// are sent every half second.

const COUNTDOWN_S = 3, BACK_S = 2, SEND_MS = 500, MAX_POINTS = 1000, STEP = 0.05;
const MAX_SKIPPED_S = 1; // frames in a longer gap between two painted frames were not played
const CURVE_S = 5; // seconds of the trace that are drawn before and after the frame that is shown
const COLORS = ["#3b6ea8", "#d9822b"]; // valence, arousal

let annotator = "", state = null, points = {}, at = [0, 0], mode = "paused", lastFrame = 0;
let positions = []; // [seconds, valence, arousal] of the point since tracing began
let unsent = []; // points that the server has not saved
let sending = null;
let countdown = 0, loading = 0; // numbers of the last countdown and the last load; earlier ones are canceled
let start = null; // when the browser shows the first frame, because containers may begin later than at 0
const video = $("video");

function nextSegment() { // points of one video, as many as the server accepts at once
  const { video: name } = unsent[0], end = unsent.findIndex((one) => one.video !== name);
  return unsent.slice(0, Math.min(MAX_POINTS, end < 0 ? unsent.length : end));
}

const bodyOf = (segment) => ({ annotator, video: segment[0].video, points: segment.map((one) => one.point) });

async function sendAll() {
  while (unsent.length) {
    const segment = nextSegment();
    await request("/api/trace", bodyOf(segment));
    unsent.splice(0, segment.length); // only after the server has saved them
  }
}

function send() {
  sending = sending || sendAll().catch((error) => {
    mode = "paused";
    stop();
    $("error").textContent = `Not saved yet: ${error.message}. Is the server running? The trace is sent again when you continue.`;
  }).finally(() => { sending = null; });
  return sending;
}

const secondsOf = (frame) => state.times[frame - 1] + (start || 0);

function currentFrame() { // the frame on the screen: the last that is not later than the video's time
  const seconds = video.currentTime + 0.001, frame = nearestFrame(seconds);
  return frame > 1 && secondsOf(frame) > seconds ? frame - 1 : frame;
}

function nearestFrame(seconds) {
  let first = 1, last = state.times.length;
  while (first < last) {
    const middle = (first + last) >> 1;
    if ((secondsOf(middle) + secondsOf(middle + 1)) / 2 < seconds) first = middle + 1; else last = middle;
  }
  return first;
}

function moveTo(values) {
  at = values;
  if (mode === "tracing") positions.push([video.currentTime, ...at]);
  draw(currentFrame());
}

function valuesAt(frame) { // where the point was at the frame's time, even if the frame was painted later
  const seconds = secondsOf(frame);
  let one = positions.length - 1;
  while (one > 0 && positions[one][0] > seconds) one--;
  const [, valence, arousal] = positions[one];
  return [$("dimension").value !== "arousal" ? valence : null, $("dimension").value !== "valence" ? arousal : null];
}

function save(frame) { // and the frames since the last one, which were played but not painted
  const from = lastFrame && frame > lastFrame && secondsOf(frame) - secondsOf(lastFrame) <= MAX_SKIPPED_S ? lastFrame + 1 : frame;
  for (let one = from; one <= frame; one++) {
    const [valence, arousal] = valuesAt(one).map((value) => value === null ? null : Math.round(value * 1000) / 1000);
    const before = points[one] || [null, null];
    points[one] = [valence === null ? before[0] : valence, arousal === null ? before[1] : arousal];
    unsent.push({ video: state.video, point: [one, valence, arousal] });
  }
  lastFrame = frame;
}

function onPaint(now, { mediaTime }) {
  video.requestVideoFrameCallback(onPaint);
  if (!state) return;
  if (start === null) start = mediaTime;
  const frame = nearestFrame(mediaTime);
  if (mode === "tracing") save(frame);
  if (mode === "replaying" && points[frame]) at = points[frame].map((value, i) => value === null ? at[i] : value);
  draw(frame);
}

function draw(frame) {
  const frames = state.times.length;
  $("position").textContent = `frame ${frame} of ${frames}`;
  $("done").max = frames;
  $("done").value = Object.keys(points).length;
  $("cursor").setAttribute("cx", $("dimension").value === "arousal" ? 0 : at[0]);
  $("cursor").setAttribute("cy", $("dimension").value === "valence" ? 0 : -at[1]);
  $("values").textContent = `valence ${at[0].toFixed(2)}, arousal ${at[1].toFixed(2)}`;
  const canvas = $("curves"), { width, height } = canvas.getBoundingClientRect();
  if (canvas.width !== Math.round(width)) { canvas.width = Math.round(width); canvas.height = Math.round(height); }
  const pen = canvas.getContext("2d"), now = secondsOf(frame);
  const [first, last] = [now - CURVE_S, now + CURVE_S].map(nearestFrame);
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.fillStyle = "#0009";
  pen.fillRect(0, canvas.height - 90, canvas.width, 90);
  for (const i of [0, 1]) {
    pen.beginPath();
    pen.strokeStyle = COLORS[i];
    pen.lineWidth = 2;
    let down = false;
    for (let one = first; one <= last; one++) {
      const value = points[one] ? points[one][i] : null;
      const x = ((secondsOf(one) - now) / CURVE_S + 1) / 2 * canvas.width, y = canvas.height - 45 - (value || 0) * 40;
      if (value === null) down = false; else if (down) pen.lineTo(x, y); else { pen.moveTo(x, y); down = true; }
    }
    pen.stroke();
  }
  pen.fillStyle = "white";
  pen.fillRect(canvas.width / 2, canvas.height - 90, 1, 90);
}

function stop() {
  countdown++;
  $("countdown").textContent = "";
  video.pause();
  const before = mode;
  mode = "paused";
  lastFrame = 0;
  if (before === "tracing") send();
}

async function record() {
  stop();
  const mine = ++countdown;
  for (let left = COUNTDOWN_S; left; left--) {
    $("countdown").textContent = `${left}`;
    await new Promise((done) => setTimeout(done, 1000));
    if (mine !== countdown) return;
  }
  $("countdown").textContent = "";
  $("error").textContent = "";
  if (video.ended) {
    video.currentTime = 0;
    await new Promise((done) => video.addEventListener("seeked", done, { once: true }));
    if (mine !== countdown) return;
  }
  mode = "tracing";
  lastFrame = 0;
  positions = [[video.currentTime, ...at]];
  save(currentFrame()); // the browser does not paint the frame again that is on the screen
  play();
}

function play() {
  video.playbackRate = Number($("speed").value);
  video.play().catch((error) => { $("error").textContent = `The video cannot be played: ${error.message}`; stop(); });
}

const seek = (seconds) => { stop(); video.currentTime = Math.max(0, seconds); };
const actions = {
  record,
  pause: () => { if (mode === "paused" && !$("countdown").textContent) record(); else stop(); },
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
  if ($("dimension").value === "valence") { x = x || y; y = 0; } // all keys move the only dimension
  if ($("dimension").value === "arousal") { y = y || x; x = 0; }
  moveTo([clamp(at[0] + STEP * x), clamp(at[1] + STEP * y)]);
}

let stickWasOff = false;
function pollGamepad() { // the point follows the stick, which returns to the center when it is released
  const pad = navigator.getGamepads && [...navigator.getGamepads()].find(Boolean);
  const off = Boolean(pad) && Math.hypot(pad.axes[0], pad.axes[1]) > 0.1;
  if (state && mode !== "replaying" && (off || stickWasOff)) moveTo(off ? [clamp(pad.axes[0]), clamp(-pad.axes[1])] : [0, 0]);
  stickWasOff = off;
  requestAnimationFrame(pollGamepad);
}

async function load(name) {
  stop();
  await send();
  if (unsent.length) { $("videos").value = state.video; return; } // the former video stays until its trace is saved
  $("position").textContent = "being prepared"; // the server may have to convert the video
  const query = new URLSearchParams({ annotator, ...(name ? { video: name } : {}) }), mine = ++loading;
  const found = await request(`/api/video?${query}`);
  if (mine !== loading) return; // another video was chosen in the meantime
  stop();
  state = found;
  points = state.points;
  at = [0, 0];
  $("rate-images").hidden = !state.images;
  $("videos").replaceChildren(...state.videos.map((one) => new Option(one.title, one.name, false, one.name === state.video)));
  $("annotator").textContent = annotator;
  document.body.dataset.ready = "no";
  video.src = state.address;
  await new Promise((done, failed) => {
    video.onloadeddata = done;
    video.onerror = () => failed(new Error("The video is missing, or this browser cannot play it."));
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
    if (state) { $("error").textContent = error.message; return; }
    $("work").hidden = true;
    $("login").hidden = false;
    $("name").setCustomValidity(error.message);
    $("name").reportValidity();
    return;
  }
  window.history.replaceState(null, "", `/trace?${new URLSearchParams({ annotator })}`);
  $("login").hidden = true;
  $("plane").focus();
}

drawPlane(0.5, CORNERS);
if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(onPaint);
else $("error").textContent = "This browser does not report which frame it shows; use a newer one.";
requestAnimationFrame(pollGamepad);
video.addEventListener("emptied", () => { start = null; }); // not earlier: a frame of the former video may still be painted
video.addEventListener("ended", () => { if (mode === "tracing") save(state.times.length); stop(); });
video.addEventListener("seeked", () => { if (mode === "paused" && state) draw(currentFrame()); });
setInterval(() => { if (mode === "tracing") send(); }, SEND_MS);
$("plane").addEventListener("pointermove", (event) => { if (event.isPrimary && mode !== "replaying") moveTo(pointOf(event)); });
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
$("dimension").addEventListener("change", () => { stop(); draw(currentFrame()); $("plane").focus(); });
$("videos").addEventListener("change", () => load($("videos").value).then(() => $("plane").focus(), (error) => {
  $("videos").value = state.video;
  draw(currentFrame());
  $("error").textContent = error.message;
}));
$("sound").addEventListener("change", () => { video.muted = !$("sound").checked; $("plane").focus(); });
$("name").addEventListener("input", () => $("name").setCustomValidity(""));
$("login").addEventListener("submit", (event) => { event.preventDefault(); begin($("name").value.trim()); });
window.addEventListener("pagehide", () => {
  while (unsent.length) {
    const segment = nextSegment();
    navigator.sendBeacon("/api/trace", new Blob([JSON.stringify(bodyOf(segment))], { type: "application/json" }));
    unsent.splice(0, segment.length);
  }
});

const given = new URLSearchParams(location.search).get("annotator");
(given ? Promise.resolve({ annotator: given }) : request("/api/state")).then((answer) => {
  if (answer.annotator) begin(answer.annotator); else $("login").hidden = false;
}, (error) => { $("error").textContent = error.message; });
