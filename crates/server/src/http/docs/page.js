// Shows openapi.json. All texts go through textContent: nothing of the document is ever HTML.

const METHODS = ["get", "post", "put", "patch", "delete"];

/** An element with properties and children. */
function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** The name of a type, with a link where the document has it. */
function type(schema) {
  if (!schema) return make("code", { textContent: "any" });
  if (schema.$ref) {
    const name = schema.$ref.split("/").pop();
    return make("a", { href: `#type-${name}`, textContent: name });
  }
  const choices = schema.oneOf ?? schema.anyOf ?? schema.allOf;
  if (choices) {
    const names = choices.flatMap((choice, at) => (at ? [" | ", type(choice)] : [type(choice)]));
    return make("span", {}, ...names);
  }
  if (schema.type === "array") return make("span", {}, type(schema.items), "[]");
  const word = schema.enum ? schema.enum.map((value) => JSON.stringify(value)).join(" | ") : schema.type;
  const format = schema.format ? ` (${schema.format})` : "";
  return make("code", { textContent: `${[word].flat().join(" | ")}${format}` });
}

function table(rows) {
  return make("table", {}, make("tbody", {}, ...rows.map((cells) =>
    make("tr", {}, ...cells.map((cell) => make("td", {}, cell))))));
}

function members(schema) {
  const rows = Object.entries(schema.properties ?? {}).map(([name, member]) => {
    const mark = schema.required?.includes(name) ? "" : "?";
    return [make("code", { textContent: name + mark }), type(member), member.description ?? ""];
  });
  const parts = rows.length ? [table(rows)] : [make("p", {}, type(schema))];
  const variants = schema.oneOf ?? schema.allOf ?? [];
  return [...parts, ...variants.filter((variant) => variant.properties).flatMap(members)];
}

/** A form that sends the call and shows the answer. */
function trial(method, path, call) {
  const inputs = (call.parameters ?? []).map((parameter) => ({
    parameter,
    input: make("input", { name: parameter.name }),
  }));
  const body = call.requestBody ? make("textarea", { value: "{}" }) : null;
  const answer = make("pre", { hidden: true });
  const button = make("button", { type: "button", textContent: "Send" });
  button.addEventListener("click", async () => {
    const headers = new Headers();
    const token = document.getElementById("token").value;
    if (token) headers.set("Authorization", `Bearer ${token}`);
    if (body) headers.set("Content-Type", "application/json");
    let address = path;
    const query = new URLSearchParams();
    for (const { parameter, input } of inputs) {
      if (parameter.in === "path") {
        address = address.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
      } else if (input.value && parameter.in === "query") {
        query.set(parameter.name, input.value);
      } else if (input.value) {
        headers.set(parameter.name, input.value);
      }
    }
    const url = query.size ? `${address}?${query}` : address;
    answer.hidden = false;
    try {
      const response = await fetch(url, { method: method.toUpperCase(), headers, body: body?.value });
      const text = await response.text();
      answer.textContent = `${response.status}\n${pretty(text)}`;
    } catch (error) {
      answer.textContent = String(error);
    }
  });
  const labels = inputs.map(({ parameter, input }) => make("label", {}, `${parameter.name} `, input));
  const fields = body ? [make("label", {}, "Body ", body)] : [];
  return make("details", {}, make("summary", { textContent: "Try" }), ...labels, ...fields, button, answer);
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function show(method, path, call) {
  const parameters = (call.parameters ?? []).map((parameter) => [
    make("code", { textContent: parameter.name + (parameter.required ? "" : "?") }),
    parameter.in,
    type(parameter.schema),
    parameter.description ?? "",
  ]);
  const content = (part) => Object.values(part?.content ?? {})[0]?.schema;
  const answers = Object.entries(call.responses).map(([status, response]) => [
    make("code", { textContent: status }),
    type(content(response)),
    response.description,
  ]);
  const name = [make("span", { className: "method", textContent: method.toUpperCase() }), make("code", { textContent: path })];
  const parts = [make("summary", {}, ...name, ` ${call.summary ?? ""}`)];
  if (call.description) parts.push(make("p", { textContent: call.description }));
  if (parameters.length) parts.push(make("h4", { textContent: "Parameters" }), table(parameters));
  if (call.requestBody) parts.push(make("h4", { textContent: "Body" }), type(content(call.requestBody)));
  parts.push(make("h4", { textContent: "Answers" }), table(answers), trial(method, path, call));
  return make("details", { id: call.operationId }, ...parts);
}

const api = await (await fetch("/api/openapi.json")).json();
document.getElementById("description").textContent = api.info.description ?? "";
const groups = new Map();
for (const [path, item] of Object.entries(api.paths)) {
  for (const method of METHODS.filter((name) => item[name])) {
    const tag = item[method].tags?.[0] ?? "other";
    groups.set(tag, [...(groups.get(tag) ?? []), show(method, path, item[method])]);
  }
}
const calls = document.getElementById("calls");
for (const [tag, shown] of groups) calls.append(make("h2", { textContent: tag }), ...shown);
const types = Object.entries(api.components?.schemas ?? {}).map(([name, schema]) => {
  const text = schema.description ? [make("p", { textContent: schema.description })] : [];
  return make("details", { id: `type-${name}` }, make("summary", {}, make("code", { textContent: name })), ...text, ...members(schema));
});
document.getElementById("types").append(...types);
addEventListener("hashchange", () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target) Object.assign(target, { open: true }).scrollIntoView();
});
