"use strict";
const study = JSON.parse(document.getElementById("study").textContent);
const byId = (id) => document.getElementById(id);
// form.html#p=CODE fills in the participant's code, form.html#trial marks the answers as made up.
const address = new URLSearchParams(location.hash.slice(1));
const storageKey = `${study.format}/${study.bundle}${location.hash}`;

function letters(count) {
  const bytes = crypto.getRandomValues(new Uint8Array(count));
  return Array.from(bytes, (byte) => "bcdfghjklmnpqrstvwxz"[byte % 20]).join("");
}

function newState() {
  return {
    response: letters(12),
    participant: address.get("p") || "",
    madeUp: address.has("trial"),
    started: "",
    place: -1, // −1: the start, 0 …: a question by the participant's order, the number of questions: the end
    answers: {},
    comment: "",
  };
}

// The answers are stored twice. localStorage outlives the tab, but after a quick reload it may lack the last answer: the
// tab's own storage is read first.
function storages() {
  return [sessionStorage, localStorage];
}

function restore() {
  try {
    const kept = storages().map((storage) => JSON.parse(storage.getItem(storageKey)));
    return kept.find((state) => state && state.response) || null;
  } catch {
    return null;
  }
}

let state = restore() || newState();
let order = [];
let mirrored = false;
let shownAt = 0;

function keep() {
  try {
    for (const storage of storages()) storage.setItem(storageKey, JSON.stringify(state));
  } catch {
    byId("unkept").hidden = false;
  }
}

// FNV-1a of the UTF-8 bytes, then mulberry32: the same code gives the same order on every device.
function generator(text) {
  let seed = 2166136261;
  for (const byte of new TextEncoder().encode(text)) seed = Math.imul(seed ^ byte, 16777619);
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function arrange() {
  const random = generator(`${study.bundle}/${state.participant || state.response}`);
  // One choice for all questions: the sides stay balanced within a participant, and balance over participants.
  mirrored = study.stage === 2 && random() < 0.5;
  order = study.questions.map((_, index) => index);
  for (let last = order.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [order[last], order[other]] = [order[other], order[last]];
  }
}

function make(tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

const picture = (name, alt) => make("img", { src: `data:image/png;base64,${study.images[name]}`, alt, draggable: false });

function sides(question) {
  return mirrored ? [question.right, question.left] : [question.left, question.right];
}

// The possible answers: their values, and the word or picture of each button.
function choices(question) {
  if (study.stage === 1) {
    return Object.entries(study.scale).map(([value, word]) => ({ value: Number(value), word }));
  }
  return sides(question).map((value, side) => ({ value, image: picture(value, side ? "right image" : "left image") }));
}

function choose(value) {
  const question = study.questions[order[state.place]];
  const before = state.answers[question.question];
  const spent = Math.round(performance.now() - shownAt) + (before ? before.milliseconds : 0);
  state.answers[question.question] = { answer: value, shown: state.place + 1, milliseconds: spent };
  if (study.stage === 2) state.answers[question.question].left = sides(question)[0];
  shownAt = performance.now();
  byId("missing").textContent = "";
  keep();
}

function option(question, choice, index) {
  const given = state.answers[question.question];
  const radio = make("input", { type: "radio", name: "answer", checked: Boolean(given) && given.answer === choice.value });
  radio.addEventListener("change", () => choose(choice.value));
  const digit = make("span", { className: "digit" }, String(index + 1));
  const content = choice.image ? [choice.image, digit] : [digit, make("span", { className: "word" }, choice.word)];
  return make("label", { className: "option" }, radio, ...content);
}

function ask() {
  const question = study.questions[order[state.place]];
  byId("count").textContent = `Question ${state.place + 1} of ${order.length}`;
  byId("bar").style.width = `${(100 * state.place) / order.length}%`;
  byId("text").textContent = question.text;
  byId("missing").textContent = "";
  byId("back").disabled = state.place === 0;
  const options = choices(question).map((choice, index) => option(question, choice, index));
  const group = make("fieldset", { className: "answers" });
  const grid = make("div", { className: study.stage === 1 ? "scale" : "pair" }, ...options);
  if (study.stage === 1) {
    const shown = make("figure", { className: "rated" }, picture(question.rated, "image to be judged"));
    group.append(make("legend", {}, "Your judgement"), grid);
    byId("pictures").replaceChildren(shown, group);
  } else {
    const caption = make("figcaption", {}, "This person");
    const shown = make("figure", { className: "input" }, picture(question.input, "the person"), caption);
    group.append(make("legend", {}, "Choose one"), grid);
    byId("pictures").replaceChildren(shown, group);
  }
  shownAt = performance.now();
}

function show() {
  const page = state.place < 0 ? "start" : state.place < order.length ? "asking" : "end";
  for (const name of ["start", "asking", "end"]) byId(name).hidden = name !== page;
  byId("trial").hidden = !state.madeUp;
  if (page === "start") {
    byId("participant").value = state.participant;
  } else if (page === "asking") {
    ask();
    byId("text").focus({ preventScroll: true });
  } else {
    const open = order.length - Object.keys(state.answers).length;
    byId("complete").textContent = open
      ? `${open} of ${order.length} questions are not answered yet.`
      : "You have answered all questions. One step is left: hand in your answers.";
    byId("comment").value = state.comment;
    byId("send").hidden = !study.postTo;
    byId("save").classList.toggle("primary", !study.postTo);
    byId("thanks").focus({ preventScroll: true });
  }
  window.scrollTo(0, 0);
}

function go(place) {
  state.place = place;
  byId("outcome").textContent = "";
  keep();
  show();
}

function forward() {
  const question = study.questions[order[state.place]];
  if (state.answers[question.question]) go(state.place + 1);
  else byId("missing").textContent = "Please choose an answer first.";
}

// --- handing in

function header() {
  return {
    format: study.format,
    bundle: study.bundle,
    stage: study.stage,
    participant: state.participant,
    response: state.response,
    made_up: state.madeUp,
    mirrored,
    started: state.started,
    saved: new Date().toISOString(),
  };
}

function answers() {
  return study.questions
    .filter(({ question }) => question in state.answers)
    .map(({ question }) => ({ question, ...state.answers[question] }));
}

// One answer per line, so that a problem can be named by its line.
function asJson() {
  const head = Object.entries(header()).map(([key, value]) => `  ${JSON.stringify(key)}: ${JSON.stringify(value)},\n`);
  const lines = answers().map((answer) => `    ${JSON.stringify(answer)}`);
  return `{\n${head.join("")}  "answers": [\n${lines.join(",\n")}\n  ],\n  "comment": ${JSON.stringify(state.comment)}\n}\n`;
}

function asCsv() {
  const rows = answers().map((answer, index) => ({ ...header(), ...answer, comment: index ? "" : state.comment }));
  const columns = [...Object.keys(header()), "question", "answer", "left", "shown", "milliseconds", "comment"];
  // A spreadsheet must not take typed text for a formula.
  const cell = (value) => `"${String(value ?? "").replace(/^(?=[=+@\t\r-])/, "'").replaceAll('"', '""')}"`;
  const lines = rows.map((row) => columns.map((column) => cell(row[column])).join(","));
  return [columns.join(","), ...lines, ""].join("\r\n");
}

function save(content, type, ending) {
  const link = make("a", {
    href: URL.createObjectURL(new Blob([content], { type })),
    download: `stage${study.stage}_${state.response}.${ending}`,
  });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  byId("outcome").textContent = `Saved as ${link.download}, most likely in your downloads. Please hand in that file.`;
}

async function send() {
  byId("send").disabled = true;
  byId("outcome").textContent = "Sending …";
  try {
    const reply = await fetch(study.postTo, {
      method: "POST",
      headers: { "Content-Type": "text/plain;charset=UTF-8" }, // a simple request, which needs no preflight
      body: asJson(),
    });
    if (!reply.ok) throw new Error(`status ${reply.status}`);
    byId("outcome").textContent = "Sent. Thank you! You may close this page.";
  } catch (error) {
    byId("outcome").textContent = `The answers could not be sent (${error.message}). Please save them as a file instead.`;
    byId("save").classList.add("primary");
  }
  byId("send").disabled = false;
}

// --- what happens when

byId("entry").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!byId("consent").checked) {
    byId("consent-missing").textContent = "Please tick the box if you want to take part.";
    return;
  }
  byId("consent-missing").textContent = "";
  state.participant = byId("participant").value.trim();
  state.started = new Date().toISOString();
  arrange();
  go(0);
});
byId("next").addEventListener("click", forward);
byId("back").addEventListener("click", () => go(state.place - 1));
byId("review").addEventListener("click", () => go(order.length - 1));
byId("comment").addEventListener("input", () => {
  state.comment = byId("comment").value;
  keep();
});
byId("save").addEventListener("click", () => save(asJson(), "application/json", "json"));
byId("save-csv").addEventListener("click", () => save(asCsv(), "text/csv", "csv"));
byId("send").addEventListener("click", send);
byId("another").addEventListener("click", () => {
  if (!confirm("Are the answers handed in? They will be deleted from this device.")) return;
  state = newState();
  byId("consent").checked = false;
  go(-1);
});
document.addEventListener("keydown", (event) => {
  if (byId("asking").hidden || event.ctrlKey || event.metaKey || event.altKey) return;
  const options = [...document.querySelectorAll(".option input")];
  const arrows = study.stage === 2 ? { ArrowLeft: 0, ArrowRight: 1 } : {};
  const chosen = options[arrows[event.key] ?? Number(event.key) - 1];
  if (chosen) {
    chosen.focus();
    chosen.click();
  } else if (event.key === "Enter" && event.target.tagName !== "BUTTON") {
    forward();
  } else if (event.key.toLowerCase() === "b" && state.place > 0) {
    go(state.place - 1);
  } else {
    return;
  }
  event.preventDefault();
});

arrange();
keep();
show();
