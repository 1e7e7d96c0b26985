"use strict";

const $ = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";
const COLORS = ["#3b6ea8", "#d9822b", "#3d8f5f", "#a3478f", "#8a6d3b", "#5a5f66"];

function element(name, attributes, ...children) { // strings become text nodes, so markup in names has no effect
  const node = name === "svg" || name === "circle" || name === "path" || name === "title"
    ? document.createElementNS(SVG, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

const format = (value) => (value === null ? "–" : value.toFixed(2));

const row = (pair) => element("tr", {},
  ...[pair.annotators.length > 1 ? pair.annotators.join(" and ") : `${pair.annotators[0]}, repeated`, pair.dimension, `${pair.count}`, format(pair.ccc), format(pair.pcc), format(pair.icc)]
    .map((text) => element("td", {}, text)));

function progressRow({ annotator, rated, seconds, started }, color) {
  const name = element("td", { class: "name" }, annotator);
  name.style.color = color;
  const parts = started.map(({ title, done, total }) => `${title}: ${done}${total === null ? " frames" : ` of ${total}`}`);
  return element("tr", {}, name, ...[`${rated}`, seconds === null ? "–" : seconds.toFixed(1), parts.join(", ")].map((text) => element("td", {}, text)));
}

function show({ progress, pairs, videos, images }) {
  const names = progress.map((one) => one.annotator);
  const color = (name) => COLORS[names.indexOf(name) % COLORS.length];
  $("progress").tBodies[0].replaceChildren(...progress.map((one) => progressRow(one, color(one.annotator))));
  if (!pairs.length) $("pairs").replaceWith(element("p", {}, "No image has been rated twice yet."));
  else $("pairs").tBodies[0].replaceChildren(...pairs.map(row));
  $("video-agreement").hidden = !videos.length;
  $("videos").tBodies[0].replaceChildren(...videos.map(row));
  $("images").replaceChildren(...images.map((image) => {
    const points = Object.entries(image.points).map(([name, [valence, arousal]]) => element(
      "circle", { cx: valence, cy: -arousal, r: 0.09, fill: color(name) }, element("title", {}, `${name}: ${format(valence)}, ${format(arousal)}`)));
    return element("figure", {},
      element("img", { src: image.image, alt: `video ${image.annotation_video}, image ${image.frame}` }),
      element("svg", { viewBox: "-1.1 -1.1 2.2 2.2" }, element("path", { d: "M-1-1H1V1H-1ZM-1 0H1M0-1V1" }), ...points),
      element("figcaption", {}, `${image.distance.toFixed(2)} · video ${image.annotation_video}, image ${image.frame}`));
  }));
}

fetch("/api/agreement").then(async (response) => {
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  show(answer);
}).catch((error) => { $("error").textContent = error.message; });
