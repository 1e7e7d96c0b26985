"use strict";

const $ = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";
const COLOURS = ["#3b6ea8", "#d9822b", "#3d8f5f", "#a3478f", "#8a6d3b", "#5a5f66"];

function element(name, attributes, ...children) { // names are text, whatever is in them
  const node = name === "svg" || name === "circle" || name === "path" || name === "title"
    ? document.createElementNS(SVG, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

const shown = (value) => (value === null ? "–" : value.toFixed(2));

const row = (pair) => element("tr", {},
  ...[pair.annotators.length > 1 ? pair.annotators.join(" and ") : `${pair.annotators[0]}, the second time`, pair.dimension, `${pair.count}`, shown(pair.ccc), shown(pair.pcc), shown(pair.icc)]
    .map((text) => element("td", {}, text)));

function progressRow({ annotator, judged, seconds, begun }, color) {
  const name = element("td", { class: "name" }, annotator);
  name.style.color = color;
  const parts = begun.map(({ title, done, of }) => `${title}: ${done}${of === null ? " frames" : ` of ${of}`}`);
  return element("tr", {}, name, ...[`${judged}`, seconds === null ? "–" : seconds.toFixed(1), parts.join(", ")].map((text) => element("td", {}, text)));
}

function show({ progress, pairs, videos, images }) {
  const names = progress.map((one) => one.annotator);
  const color = (name) => COLOURS[names.indexOf(name) % COLOURS.length];
  $("progress").tBodies[0].replaceChildren(...progress.map((one) => progressRow(one, color(one.annotator))));
  if (!pairs.length) $("pairs").replaceWith(element("p", {}, "No image has been judged twice yet."));
  else $("pairs").tBodies[0].replaceChildren(...pairs.map(row));
  $("of-videos").hidden = !videos.length;
  $("videos").tBodies[0].replaceChildren(...videos.map(row));
  $("images").replaceChildren(...images.map((image) => {
    const points = Object.entries(image.points).map(([name, [valence, arousal]]) => element(
      "circle", { cx: valence, cy: -arousal, r: 0.09, fill: color(name) }, element("title", {}, `${name}: ${shown(valence)}, ${shown(arousal)}`)));
    return element("figure", {},
      element("img", { src: image.image, alt: `batch ${image.batch}, frame ${image.frame}` }),
      element("svg", { viewBox: "-1.1 -1.1 2.2 2.2" }, element("path", { d: "M-1-1H1V1H-1ZM-1 0H1M0-1V1" }), ...points),
      element("figcaption", {}, `${image.spread.toFixed(2)} · batch ${image.batch}, image ${image.frame}`));
  }));
}

fetch("/api/agreement").then(async (response) => {
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  show(answer);
}).catch((error) => { $("trouble").textContent = error.message; });
