"use strict";
(() => {
  const data = JSON.parse(document.getElementById("slider-data").textContent);
  const canvases = [...document.querySelectorAll("canvas[data-panel]")];
  const sliders = [...document.querySelectorAll("input[type=range]")];
  const shown = document.getElementById("shown");
  const state = { face: 0, control: 0, step: data.steps.length - 1 };
  const MESH_MAGNIFICATION = 4;
  const images = new Map();
  let turn = 0;

  function load(address) {
    if (!images.has(address)) {
      const image = new Image();
      image.src = address;
      images.set(address, image.decode().then(() => image));
    }
    return images.get(address);
  }

  function shifts(face, panel, control, step) {
    face.shifts ||= {};
    face.shifts[panel] ||= Int8Array.from(atob(face.meshes[panel]), (letter) => letter.charCodeAt(0));
    const length = data.lines * data.lines * 2;
    const first = (control * data.steps.length + step) * length;
    return face.shifts[panel].subarray(first, first + length);
  }

  function drawMesh(pen, size, values) {
    const scale = (data.mesh_unit * MESH_MAGNIFICATION * size) / 128;
    const point = (row, column) => {
      const at = (row * data.lines + column) * 2;
      const gap = size / (data.lines - 1);
      return [column * gap + values[at] * scale, row * gap + values[at + 1] * scale];
    };
    pen.strokeStyle = "#003c78";
    pen.lineWidth = size / 256;
    pen.beginPath();
    for (let line = 0; line < data.lines; line++) {
      for (let along = 0; along < data.lines; along++) {
        pen[along ? "lineTo" : "moveTo"](...point(line, along));
      }
      for (let along = 0; along < data.lines; along++) {
        pen[along ? "lineTo" : "moveTo"](...point(along, line));
      }
    }
    pen.stroke();
  }

  async function draw() {
    const mine = ++turn;
    const { control, step } = state;
    const face = data.faces[state.face];
    const sources = await Promise.all(
      canvases.map((canvas) => load(face.sheets[canvas.dataset.panel] || face.input)),
    );
    if (mine !== turn) {
      return; // a slider has moved since
    }
    canvases.forEach((canvas, i) => {
      const panel = canvas.dataset.panel;
      const pen = canvas.getContext("2d");
      const size = canvas.width;
      const inSheet = panel in face.sheets;
      const left = inSheet ? step * data.side : 0;
      const top = inSheet ? control * data.side : 0;
      pen.imageSmoothingQuality = "high";
      pen.drawImage(sources[i], left, top, data.side, data.side, 0, 0, size, size);
      if (panel in face.meshes) {
        pen.fillStyle = "rgba(255, 255, 255, 0.45)";
        pen.fillRect(0, 0, size, size);
        drawMesh(pen, size, shifts(face, panel, control, step));
      }
    });
    document.body.dataset.drawn = `${state.face}/${data.controls[control].name}/${data.steps[step]}`;
  }

  function tell() {
    const { label, symbol, rest } = data.controls[state.control];
    const value = data.steps[state.step];
    const text = `Face ${state.face + 1}: ${label}, ${symbol} = ${value} (${rest})`;
    shown.textContent = text;
    for (const canvas of canvases) {
      const what = data.panels.find(({ key }) => key === canvas.dataset.panel).label;
      canvas.setAttribute("aria-label", canvas.dataset.panel === "input" ? `Face ${state.face + 1}, input` : `${what}: ${text}`);
    }
    sliders.forEach((slider, i) => {
      const own = i === state.control;
      slider.value = own ? state.step : 0;
      slider.setAttribute("aria-valuetext", own ? `${value}` : "not shown");
      slider.closest(".control").classList.toggle("shown", own);
      slider.closest(".control").querySelector("output").textContent = own ? value.toFixed(2) : "";
    });
  }

  function update() {
    tell();
    draw();
  }

  sliders.forEach((slider, i) =>
    slider.addEventListener("input", () => {
      state.control = i;
      state.step = Number(slider.value);
      update();
    }),
  );
  for (const choice of document.querySelectorAll("input[name=face]")) {
    choice.addEventListener("change", () => {
      state.face = Number(choice.value);
      update();
    });
  }
  update();
})();
