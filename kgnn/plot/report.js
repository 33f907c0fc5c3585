"use strict";

// Tables: sort by a heading, filter by text, show a page at a time.
document.querySelectorAll(".live-table").forEach((box) => {
  const rows = JSON.parse(box.querySelector("script").textContent);
  const haystack = rows.map((row) => row.join("\n").toLowerCase());
  const body = box.querySelector("tbody");
  const heads = [...box.querySelectorAll("th")];
  const filter = box.querySelector("input");
  const more = box.querySelector(".more");
  const page = Number(box.dataset.page);
  let order = rows.map((_, index) => index);
  let shown = page;

  const amount = (text) => {
    const value = Number.parseFloat(text.replaceAll(",", "").replace("−", "-"));
    return Number.isNaN(value) ? null : value;
  };

  function draw() {
    const wanted = filter.value.toLowerCase().trim();
    const matching = wanted ? order.filter((index) => haystack[index].includes(wanted)) : order;
    const lines = matching.slice(0, shown).map((index) => {
      const line = document.createElement("tr");
      rows[index].forEach((text, column) => {
        const cell = line.insertCell();
        cell.append(document.createElement("div"));
        cell.firstChild.textContent = text;
        cell.className = heads[column].className;
      });
      return line;
    });
    body.replaceChildren(...lines);
    const total = matching.length.toLocaleString("en-US");
    box.querySelector(".count").textContent = `${lines.length.toLocaleString("en-US")} of ${total} rows`;
    more.hidden = matching.length <= shown;
  }

  function sortBy(column) {
    const head = heads[column];
    const numeric = head.classList.contains("number");
    const before = head.getAttribute("aria-sort");
    const direction = before ? (before === "ascending" ? -1 : 1) : 1;
    heads.forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", direction > 0 ? "ascending" : "descending");
    const keys = rows.map((row) => (numeric ? amount(row[column]) : row[column]));
    order = rows.map((_, index) => index).sort((first, second) => {
      const [a, b] = [keys[first], keys[second]];
      if (a === null || b === null) return (a === null) - (b === null);
      return direction * (numeric ? a - b : a.localeCompare(b));
    });
    shown = page;
    draw();
  }

  heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => sortBy(column)));
  filter.addEventListener("input", () => {
    shown = page;
    draw();
  });
  more.addEventListener("click", () => {
    shown += 5 * page;
    draw();
  });
  more.hidden = rows.length <= page;
});

// The hierarchy: find a term, color by another output, change the shape.
document.querySelectorAll(".hierarchy").forEach((box) => {
  const { figure, extra } = JSON.parse(box.querySelector("script").textContent);
  const canvas = box.querySelector(".canvas");
  const input = box.querySelector(".finder input");
  const found = box.querySelector(".found");
  const status = box.querySelector(".status");
  const shape = box.querySelector(".kind select");
  const output = box.querySelector(".output select");
  const trace = figure.data[0];
  const edge = { ...trace.marker.line };
  const search = extra.names.map((name, term) => `${name}\n${extra.terms[term]}`.toLowerCase());
  const isParent = new Set(extra.parents);
  const root = extra.terms.length - 1;
  const config = { responsive: true, displaylogo: false, modeBarButtons: [["toImage"]] };
  let chosen = 0;

  // Plotly keeps a click's level to itself: take it over, so that a later change of color stays where the reader is.
  function follow(event) {
    if (event && event.nextLevel !== undefined) {
      trace.level = event.nextLevel;
      status.textContent = "";
    }
  }

  // Drawn afresh: the shapes of another kind or level are no good beginning for an animation.
  function draw() {
    Plotly.purge(canvas);
    Plotly.newPlot(canvas, figure.data, figure.layout, config);
    canvas.on("plotly_icicleclick", follow);
    canvas.on("plotly_sunburstclick", follow);
  }

  trace.type = extra.kind;
  shape.value = extra.kind;
  draw();

  function outline(term) {
    // One width for all: plotly places the bar above by it and cannot do so with a list.
    const marked = extra.terms.map((_, index) => (index === term ? "#d55e00" : edge.color));
    trace.marker.line.color = term === null ? edge.color : marked;
    trace.marker.line.width = term === null ? edge.width : 2.5;
  }

  function go(term) {
    // A term without children alone would fill the picture: show it inside its parent.
    const level = isParent.has(term) || extra.parents[term] < 0 ? term : extra.parents[term];
    trace.level = extra.terms[level];
    outline(term);
    draw();
    const inside = level === term ? "" : ` inside ${extra.names[level]}`;
    status.textContent = `Showing ${extra.names[term]} (${extra.terms[term]})${inside}.`;
    found.hidden = true;
    input.value = "";
  }

  function suggest() {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    const hits = [];
    search.forEach((text, term) => {
      if (words.length && words.every((word) => text.includes(word))) hits.push(term);
    });
    hits.sort((a, b) => extra.names[a].length - extra.names[b].length);
    chosen = 0;
    found.replaceChildren(...hits.slice(0, 12).map((term, position) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = position === 0 ? "chosen" : "";
      button.append(`${extra.names[term]} `);
      const id = document.createElement("small");
      id.textContent = extra.terms[term];
      button.append(id);
      button.addEventListener("click", () => go(term));
      const line = document.createElement("li");
      line.append(button);
      return line;
    }));
    found.hidden = hits.length === 0;
    const count = `${hits.length.toLocaleString("en-US")} subsystems match`;
    status.textContent = words.length ? (hits.length ? `${count}.` : "No subsystem has this name or id.") : "";
  }

  input.addEventListener("input", suggest);
  input.addEventListener("keydown", (event) => {
    const buttons = [...found.querySelectorAll("button")];
    if (event.key === "Escape") found.hidden = true;
    if (!buttons.length || found.hidden) return;
    if (event.key === "Enter") {
      event.preventDefault();
      buttons[chosen].click();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      buttons[chosen].classList.remove("chosen");
      chosen = (chosen + (event.key === "ArrowDown" ? 1 : buttons.length - 1)) % buttons.length;
      buttons[chosen].classList.add("chosen");
      buttons[chosen].scrollIntoView({ block: "nearest" });
    }
  });
  document.addEventListener("click", (event) => {
    if (!box.querySelector(".finder").contains(event.target)) found.hidden = true;
  });

  box.querySelector(".whole").addEventListener("click", () => {
    trace.level = extra.terms[root];
    outline(null);
    draw();
    status.textContent = "";
  });

  shape.addEventListener("change", () => {
    trace.type = shape.value;
    draw();
  });

  if (output) {
    output.addEventListener("change", () => {
      const view = extra.views[output.value];
      trace.marker.colors = view.colors;
      trace.insidetextfont.color = view.inks;
      trace.outsidetextfont.color = view.inks;
      trace.customdata = view.notes;
      figure.layout.coloraxis.cmin = view.low;
      figure.layout.coloraxis.cmax = view.high;
      draw();
    });
  }
});
