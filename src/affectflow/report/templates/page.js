"use strict";
// Charts are drawn when their model is chosen; hidden ones have no width to fit into.
const chooser = document.getElementById("model");
const options = {
  ast: true, // expressions are interpreted: the page's policy allows no code made from text
  renderer: "svg",
  actions: { export: true, source: false, compiled: false, editor: false },
  config: { background: null, font: "system-ui, sans-serif", view: { stroke: "#cfd6dd" }, axis: { labelFontSize: 11 } },
};

function draw(chart) {
  const data = chart.querySelector("script");
  if (data === null) return; // drawn before
  const spec = JSON.parse(data.textContent);
  data.remove();
  vegaEmbed(chart, spec, options).catch((error) => {
    chart.textContent = `This chart cannot be drawn: ${error.message}`;
    console.error(error);
  });
}

function show(model) {
  for (const part of document.querySelectorAll(".of-model")) part.hidden = part.dataset.model !== model;
  for (const chart of document.querySelectorAll(".chart")) if (chart.closest("[hidden]") === null) draw(chart);
}

if (chooser !== null) chooser.addEventListener("change", () => show(chooser.value));
show(chooser === null ? "" : chooser.value);
