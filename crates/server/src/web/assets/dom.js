// Small helpers. Texts become text nodes only; nothing is ever parsed as HTML.

export const byId = (id) => document.getElementById(id);

export function el(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "class") node.className = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child != null));
  return node;
}

const SVG = "http://www.w3.org/2000/svg";
const ICONS = {
  sending: ["M10 4.500a5.500 5.500 0 1 0 .01 0M10 7v3l2 1.500", "Sending"],
  sent: ["M4 10.500l4 4 8-9", "Sent"],
  read: ["M2 10.500l4 4 7-9M10 13.500l1 1 7-9", "Read"],
};

export function icon(name) {
  const [path, label] = ICONS[name];
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", label);
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

export function avatar(key, name, extra = "") {
  let hash = 0;
  for (const character of key) hash = (hash * 31 + character.codePointAt(0)) >>> 0;
  const words = name.split(/[\s_-]+/u).filter(Boolean);
  const initials = words.slice(0, 2).map((word) => [...word][0].toUpperCase()).join("") || "?";
  return el("span", { class: `avatar hue-${hash % 8} ${extra}`, "aria-hidden": "true" }, initials);
}

const HOUR = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const SHORT = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const sameDay = (a, b) => a.toDateString() === b.toDateString();

export const hour = (time) => HOUR.format(new Date(time));
export const day = (time) => (sameDay(new Date(time), new Date()) ? "Today" : DAY.format(new Date(time)));
export const brief = (time) =>
  sameDay(new Date(time), new Date()) ? hour(time) : SHORT.format(new Date(time));
