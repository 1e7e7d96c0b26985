"use strict";
// What the pages for images and for videos share: requests to the server, and the plane of valence and arousal.

const $ = (id) => document.getElementById(id);
const CORNERS = [
  ["afraid, angry", -0.66, 0.86], ["excited, happy", 0.62, 0.86], ["sad, bored", -0.7, -0.9], ["calm, content", 0.64, -0.9],
];
const AXES = [["unpleasant", -0.98, -1.08], ["pleasant", 0.98, -1.08], ["excited", 0, 1.08], ["asleep", 0, -1.15]];
const clamp = (value) => Math.min(1, Math.max(-1, value));

async function request(path, data) { // POST if there is data, else GET
  const options = data && { method: "POST", keepalive: true, headers: { "Content-Type": "application/json" }, body: JSON.stringify(data) };
  const response = await fetch(path, options || {});
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error || response.statusText);
  return answer;
}

function pointOf(event) { // valence and arousal at the pointer
  const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform($("plane").getScreenCTM().inverse());
  return [clamp(x), clamp(-y)];
}

function drawPlane(spacing, words) {
  const make = (parent, name, attributes, text) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (text) node.textContent = text;
    $(parent).append(node);
  };
  for (let i = spacing - 1; i < 1; i += spacing) {
    const kind = i === 0 ? { class: "axis" } : {};
    make("grid", "line", { x1: i, x2: i, y1: -1, y2: 1, ...kind });
    make("grid", "line", { y1: i, y2: i, x1: -1, x2: 1, ...kind });
  }
  for (const [text, x, y] of words) make("words", "text", { x, y: -y }, text);
  for (const [text, x, y] of AXES) make("words", "text", { x, y: -y + 0.02, class: "axis" }, text);
}
