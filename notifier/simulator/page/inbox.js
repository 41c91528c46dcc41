// Shows what arrived. Every word of a message is data: it becomes a text node and never markup.
"use strict";

const EMOJI = {
  tada: "🎉", trophy: "🏆", x: "❌", warning: "⚠️", rocket: "🚀", chart_with_upwards_trend: "📈",
  chart_with_downwards_trend: "📉", octagonal_sign: "🛑", white_check_mark: "✅", wastebasket: "🗑️", eyes: "👀",
  hourglass: "⌛", hourglass_flowing_sand: "⏳", rotating_light: "🚨", arrow_up: "⬆️", arrow_down: "⬇️", star: "⭐",
  checkered_flag: "🏁", red_circle: "🔴", large_green_circle: "🟢", black_square_for_stop: "⏹️", new: "🆕",
};
const BADGE = [
  ["path", { d: "M3 17l5-6 4 3 8-9", fill: "none", stroke: "#fff", "stroke-width": "2.4", "stroke-linecap": "round", "stroke-linejoin": "round" }],
  ["circle", { cx: "20", cy: "5", r: "2.6", fill: "#ffd166" }],
];

/** An element with a class and children; strings become text nodes. */
function element(name, className, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children.filter((each) => each !== null && each !== undefined));
  return made;
}

/** A link that can only lead to a web page; anything else stays text. */
function link(url, ...children) {
  if (!/^https?:\/\//i.test(url)) return element("span", "", ...children);
  const made = element("a", "", ...children);
  made.href = url;
  made.target = "_blank";
  made.rel = "noopener noreferrer";
  return made;
}

const unescape = (text) => text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");
const emojis = (text) => text.replace(/:([a-z0-9_+-]+):/g, (whole, name) => (Object.hasOwn(EMOJI, name) ? EMOJI[name] : whole));

/** Slack's mrkdwn as nodes: code first, for nothing inside it is markup; then links and mentions; then emphasis. */
function mrkdwn(text) {
  const made = document.createDocumentFragment();
  let rest = text;
  while (rest) {
    const found = /```([\s\S]+?)```|`([^`\n]+)`|<([^<>\n]+)>/.exec(rest);
    if (!found) break;
    made.append(lines(rest.slice(0, found.index)));
    if (found[1] !== undefined) made.append(element("pre", "", unescape(found[1].replace(/^\n/, ""))));
    else if (found[2] !== undefined) made.append(element("code", "", unescape(found[2])));
    else made.append(angle(found[3]));
    rest = rest.slice(found.index + found[0].length);
  }
  made.append(lines(rest));
  return made;
}

/** A text with `mrkdwn: false`: links and mentions only. */
function unformatted(text) {
  const made = document.createDocumentFragment();
  for (const part of text.split(/(<[^<>\n]+>)/)) {
    made.append(/^<[^<>\n]+>$/.test(part) ? angle(part.slice(1, -1)) : unescape(part));
  }
  return made;
}

function lines(text) {
  const made = document.createDocumentFragment();
  text.split("\n").forEach((line, index, all) => {
    const quoted = /^&gt; ?(.*)$/.exec(line);
    if (quoted) made.append(element("blockquote", "", emphasis(quoted[1])));
    else made.append(emphasis(line), index < all.length - 1 ? "\n" : "");
  });
  return made;
}

function emphasis(text) {
  const made = document.createDocumentFragment();
  const found = /(?<![\p{L}\p{N}])([*_~])(?=\S)(.+?)(?<=\S)\1(?![\p{L}\p{N}])/u.exec(text);
  if (!found) {
    made.append(unescape(emojis(text)));
    return made;
  }
  const name = { "*": "b", _: "i", "~": "s" }[found[1]];
  made.append(unescape(emojis(text.slice(0, found.index))), element(name, "", emphasis(found[2])));
  made.append(emphasis(text.slice(found.index + found[0].length)));
  return made;
}

/** What stands between angle brackets: a mention, a date, or a link. */
function angle(inner) {
  const [target, ...label] = inner.split("|");
  if (target.startsWith("!date")) return label.join("|");
  if (/^[!@#]/.test(target)) {
    const name = label.join("|") || target.replace(/^!(subteam\^)?/, "@");
    return element("span", "mention", unescape(/^[@#]/.test(name) ? name : `@${name}`));
  }
  return link(unescape(target), unescape(label.join("|") || target));
}

/** A plain_text object as it reads: `:names:` become pictures unless it forbids them. */
function plain(object) {
  const label = String(object?.text ?? "");
  return object?.emoji === false ? label : emojis(label);
}

function text(object) {
  return element("div", "text", object?.type === "mrkdwn" ? mrkdwn(String(object.text)) : plain(object));
}

function button(object) {
  const made = link(String(object.url ?? ""), plain(object.text));
  made.className = "button";
  if (object.style === "primary" || object.style === "danger") made.classList.add(object.style);
  return made;
}

function inline(part) {
  const label = String(part.text ?? part.url ?? "");
  let made = document.createTextNode(label);
  if (part.type === "link") made = link(String(part.url), label);
  if (part.type === "emoji") made = document.createTextNode(EMOJI[part.name] ?? `:${part.name}:`);
  if (part.type === "broadcast" || part.type === "user") made = element("span", "mention", `@${part.range ?? part.user_id}`);
  for (const [style, name] of [["code", "code"], ["strike", "s"], ["italic", "i"], ["bold", "b"]]) {
    if (part.style?.[style]) made = element(name, "", made);
  }
  return made;
}

function rich(part) {
  const children = (part.elements ?? []).map((each) => (each.type?.startsWith("rich_text") ? rich(each) : inline(each)));
  if (part.type === "rich_text_preformatted") return element("pre", "", ...children);
  if (part.type === "rich_text_quote") return element("blockquote", "text", ...children);
  if (part.type === "rich_text_list") {
    return element(part.style === "ordered" ? "ol" : "ul", "", ...children.map((each) => element("li", "", each)));
  }
  return element("div", "text", ...children);
}

const BLOCKS = {
  header: (block) => element("div", "block-header", plain(block.text)),
  divider: () => element("hr", "block-divider"),
  context: (block) => element("div", "block-context", ...(block.elements ?? []).map(text)),
  actions: (block) => element("div", "block-actions", ...(block.elements ?? []).map(button)),
  rich_text: (block) => element("div", "", ...(block.elements ?? []).map(rich)),
  section: (block) => {
    const inner = element("div", "", block.text ? text(block.text) : null);
    if (block.fields) inner.append(element("div", "fields", ...block.fields.map(text)));
    return element("div", "block-section", inner, block.accessory ? button(block.accessory) : null);
  },
};

/** Slack's line chart: one series, drawn to fit between its least and its greatest value. */
function chart(block) {
  const space = "http://www.w3.org/2000/svg";
  const { series = [], axis_config: axes = {} } = block.chart ?? {};
  const data = (series[0]?.data ?? []).map((point) => Number(point.value)).filter(Number.isFinite);
  const [low, high] = [Math.min(...data), Math.max(...data)];
  const x = (index) => 8 + (index * 504) / Math.max(1, data.length - 1);
  const y = (value) => 112 - (96 * (value - low)) / (high - low || 1);
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 520 128");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", `${block.title}: from ${data[0]} to ${data[data.length - 1]}`);
  const draw = (name, attributes) => {
    const shape = document.createElementNS(space, name);
    for (const [key, value] of Object.entries(attributes)) shape.setAttribute(key, String(value));
    svg.append(shape);
  };
  for (const line of [16, 64, 112]) draw("line", { x1: 8, x2: 512, y1: line, y2: line, class: "grid" });
  draw("polyline", { points: data.map((value, index) => `${x(index)},${y(value)}`).join(" "), class: "line" });
  data.forEach((value, index) => draw("circle", { cx: x(index), cy: y(value), r: 3, class: "point" }));
  const labels = axes.categories ?? [];
  const ends = element("div", "axis", element("span", "", String(labels[0] ?? "")),
    element("span", "", String(axes.x_label ?? "")), element("span", "", String(labels[labels.length - 1] ?? "")));
  const scale = element("div", "scale", element("span", "", String(high)), element("span", "", String(low)));
  return element("div", "block-chart", element("div", "chart-title", String(block.title ?? "")),
    element("div", "plot", scale, element("div", "", svg, ends)));
}
BLOCKS.data_visualization = chart;

const shown = (block) =>
  Object.hasOwn(BLOCKS, block.type) ? BLOCKS[block.type](block) : element("div", "unknown", `(${block.type}: not shown here)`);

function attachment(given) {
  const made = element("div", "attachment", ...(given.blocks ?? []).map(shown), given.text ? text({ type: "mrkdwn", text: given.text }) : null);
  if (/^#[0-9a-f]{6}$/i.test(given.color)) made.style.borderLeftColor = given.color;
  return made;
}

function clock(at) {
  const moment = new Date(at * 1000);
  const made = element("time", "", moment.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" }));
  made.dateTime = moment.toISOString();
  made.title = moment.toLocaleString();
  return made;
}

function avatar() {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  for (const [name, attributes] of BADGE) {
    const shape = document.createElementNS(space, name);
    for (const [key, value] of Object.entries(attributes)) shape.setAttribute(key, value);
    svg.append(shape);
  }
  const made = element("div", "avatar", svg);
  made.setAttribute("aria-hidden", "true");
  return made;
}

/** What a message says: its blocks, or its text where it has none. */
function body(payload) {
  const { blocks = [], attachments = [], text: fallback } = payload;
  const parts = [...blocks.map(shown), ...attachments.map(attachment)];
  if (!blocks.length && fallback) {
    const read = payload.mrkdwn === false ? unformatted : mrkdwn;
    parts.unshift(element("div", "text", read(String(fallback))));
  }
  return element("div", "body", ...parts);
}

function byline(arrived) {
  return element("div", "byline", element("strong", "", "Notifier"), element("span", "app", "APP"), clock(arrived.at));
}

/** A message as the channel shows it; `origin` names the thread that it was also sent from. */
function message(arrived, origin) {
  const from = origin ? element("div", "origin", `replied to a thread: ${origin}`) : null;
  return element("li", "message", avatar(), element("div", "", byline(arrived), from, body(arrived.body)));
}

/** The first line of a message, for whoever refers to it. */
const firstLine = (payload) => plain(payload.blocks?.[0]?.text ?? { text: payload.text }).slice(0, 60);

const roots = new Map();

/** Puts an answer under its message: closed, with a count, until somebody opens it. */
function answer(arrived) {
  const root = roots.get(arrived.thread);
  if (!root) return;
  if (!root.thread) {
    root.count = element("summary", "replies");
    root.thread = element("ol", "");
    root.shown.lastChild.append(element("details", "thread", root.count, root.thread));
  }
  root.thread.append(message(arrived));
  const count = root.thread.childElementCount;
  root.count.textContent = `${count} ${count === 1 ? "reply" : "replies"}`;
}

/** Shows what a message says since it was edited, with the word that Slack puts beside it. */
function edit(arrived) {
  const root = roots.get(arrived.ts);
  if (!root) return;
  root.payload = arrived.body;
  const made = body(arrived.body);
  made.append(element("span", "edited", "(edited)"));
  root.shown.querySelector(".body").replaceWith(made);
}

/** A message of the channel, or an answer in a thread, which may show in the channel as well. */
function post(arrived) {
  if (arrived.thread) answer(arrived);
  if (arrived.thread && !arrived.broadcast) return null;
  const origin = arrived.thread ? firstLine(roots.get(arrived.thread)?.payload ?? {}) : "";
  const made = message(arrived, origin);
  if (!arrived.thread && arrived.ts) roots.set(arrived.ts, { shown: made, payload: arrived.body });
  return made;
}

function event(arrived) {
  const { type, subject } = arrived.body;
  const signed = element("span", "signed", arrived.signed ? "signature verified" : "unsigned");
  const summary = element("summary", "", clock(arrived.at), element("strong", "", String(type)), String(subject ?? ""), signed);
  return element("li", "event", element("details", "", summary, element("pre", "", JSON.stringify(arrived.body, null, 2))));
}

const lists = { slack: document.getElementById("slack"), webhook: document.getElementById("webhook") };
const scroll = document.getElementById("scroll");
const state = document.getElementById("state");
let last = 0;

function add(arrived) {
  const atEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 80;
  last = arrived.number;
  if (arrived.kind === "edit") edit(arrived);
  else {
    const made = arrived.kind === "slack" ? post(arrived) : event(arrived);
    if (made) lists[arrived.kind].append(made);
    document.getElementById(`${arrived.kind}-count`).textContent = String(lists[arrived.kind].childElementCount);
  }
  // Who reads further up is left in peace.
  if (atEnd) scroll.scrollTop = scroll.scrollHeight;
}

async function look() {
  try {
    const answer = await fetch(`/arrived?after=${last}`, { cache: "no-store" });
    for (const arrived of await answer.json()) add(arrived);
    state.textContent = "live";
    state.className = "live";
  } catch {
    state.textContent = "the demo has ended";
    state.className = "";
  }
  setTimeout(look, 500);
}

for (const chosen of document.querySelectorAll(".channel")) {
  chosen.addEventListener("click", () => {
    for (const each of document.querySelectorAll(".channel")) each.setAttribute("aria-pressed", String(each === chosen));
    for (const [kind, list] of Object.entries(lists)) list.hidden = kind !== chosen.dataset.view;
    const slack = chosen.dataset.view === "slack";
    document.getElementById("title").textContent = slack ? "# tuning-jobs" : "{} webhook";
    document.getElementById("topic").textContent = slack
      ? "Sweeps of account 111122223333, as the service tells them"
      : "CloudEvents, signed by Standard Webhooks: the same events for programs";
    scroll.scrollTop = scroll.scrollHeight;
  });
}
look();
