"use strict";
// Shows values at the pointer, images of a confusion cell, one class at a time. Without it the page is still complete.
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const tip = document.getElementById("tip");
  document.documentElement.classList.add("js");

  const placeTip = (x, y) => {
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(6, Math.min(x + 14, innerWidth - box.width - 6))}px`;
    tip.style.top = `${y + 18 + box.height > innerHeight ? Math.max(6, y - box.height - 12) : y + 18}px`;
  };
  const hideTip = () => { tip.hidden = true; };
  const middle = (element) => {
    const box = element.getBoundingClientRect();
    return [box.left + box.width / 2, box.top + box.height / 2];
  };

  for (const point of all("[data-tip]")) {
    const show = (x, y) => { tip.textContent = point.dataset.tip; placeTip(x, y); };
    point.addEventListener("pointermove", (event) => show(event.clientX, event.clientY));
    point.addEventListener("pointerleave", hideTip);
    point.addEventListener("focus", () => { if (point.matches(":focus-visible")) show(...middle(point)); });
    point.addEventListener("blur", hideTip);
  }

  // curves: the nearest x under the pointer, or step by step with the arrow keys
  for (const figure of all("figure.lines")) {
    const svg = figure.querySelector("svg"), guide = svg.querySelector(".guide");
    const data = JSON.parse(figure.querySelector("script").textContent);
    const places = svg.dataset.places.split(" ").map(Number);
    let now = places.length - 1;
    const show = (index, x, y) => {
      now = index;
      guide.setAttribute("visibility", "visible");
      guide.setAttribute("x1", places[index]);
      guide.setAttribute("x2", places[index]);
      tip.textContent = "";
      const head = tip.appendChild(document.createElement("div"));
      head.textContent = data.places[index];
      const table = tip.appendChild(document.createElement("table"));
      for (const series of data.series) {
        if (svg.querySelector(`[data-letter="${series.letter}"]`).classList.contains("off")) continue;
        const row = table.insertRow();
        row.insertCell().textContent = data.series.length > 1 ? series.letter : "";
        row.insertCell().textContent = series.values[index];
      }
      placeTip(x, y);
    };
    const hide = () => { guide.setAttribute("visibility", "hidden"); hideTip(); };
    svg.addEventListener("pointermove", (event) => {
      const box = svg.getBoundingClientRect();
      const x = (event.clientX - box.left) / box.width * svg.viewBox.baseVal.width;
      let nearest = 0;
      places.forEach((place, k) => { if (Math.abs(place - x) < Math.abs(places[nearest] - x)) nearest = k; });
      show(nearest, event.clientX, event.clientY);
    });
    svg.addEventListener("pointerleave", hide);
    figure.addEventListener("blur", hide);
    figure.addEventListener("keydown", (event) => {
      if (event.target !== figure) return;
      const step = { ArrowRight: 1, ArrowLeft: -1, Home: -places.length, End: places.length }[event.key];
      if (!step) return;
      event.preventDefault();
      const index = Math.max(0, Math.min(places.length - 1, now + step));
      const box = svg.getBoundingClientRect();
      show(index, box.left + places[index] / svg.viewBox.baseVal.width * box.width, box.top + box.height / 3);
    });
  }
  for (const button of all(".key-item")) {
    button.addEventListener("click", () => {
      const shown = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", shown);
      for (const series of all(`.series[data-letter="${button.dataset.letter}"]`)) series.classList.toggle("off", !shown);
    });
  }

  // confusion matrices and their galleries
  const isolate = (name) => `\u2068${name}\u2069`;
  const galleries = new Map(
    all(".gallery").map((gallery) => gallery.id.split("-")[0])
      .map((study) => [study, JSON.parse(document.getElementById(`${study}-data`).textContent)]),
  );
  const open = (study, cell) => {
    const data = galleries.get(study);
    const [row, column] = cell.split("-").map(Number);
    const kind = row === column ? "right" : "wrong", part = data[kind];
    const [first, shown, total] = part.cells[cell] || [0, 0, 0];
    const title = document.getElementById(`${study}-gallery-title`);
    const names = [data.classes[row], data.classes[column]].map(isolate);
    const count = `${total.toLocaleString("en")} ${total === 1 ? "image" : "images"}`;
    title.textContent = row === column ? `${names[0]}, correct: ${count}` : `${names[0]} predicted as ${names[1]}: ${count}`;
    const list = document.getElementById(`${study}-images`);
    list.textContent = "";
    list.dataset.cell = cell;
    for (let place = first; place < first + shown; place++) {
      const item = list.appendChild(document.createElement("li"));
      const image = item.appendChild(document.createElement("span"));
      image.className = `thumb sheet-${data.key}-${kind}`;
      image.style.setProperty("--x", place % part.columns);
      image.style.setProperty("--y", Math.floor(place / part.columns));
      const sure = `${names[1]} ${(part.sure[place] / 10).toFixed(1)} %`;
      const own = kind === "wrong" ? `, ${names[0]} ${(part.own[place] / 10).toFixed(1)} %` : "";
      image.setAttribute("role", "img");
      const file = part.names && part.names[place] ? `, ${isolate(part.folder + part.names[place])}` : "";
      image.setAttribute("aria-label", `test image ${part.numbers[place].toLocaleString("en")}: ${sure}${own}${file}`);
      image.dataset.number = part.numbers[place];
    }
    const order = kind === "right" ? "lowest confidence first" : "highest confidence first";
    const few = shown < total ? `${shown.toLocaleString("en")} of them are in this file, ` : "";
    document.getElementById(`${study}-gallery-note`).textContent = total > 1 || few ? `${few}${order}.` : "";
    for (const button of all(`#${study}-matrix button`)) {
      if (button.dataset.cell === cell) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    }
  };
  for (const list of all(".gallery-images")) {
    const show = (event) => {
      const image = event.target.closest(".thumb");
      if (!image) return hideTip();
      tip.textContent = image.getAttribute("aria-label");
      placeTip(event.clientX, event.clientY);
    };
    list.addEventListener("pointermove", show);
    list.addEventListener("pointerleave", hideTip);
  }
  for (const table of all(".confusion")) {
    const buttons = all("button", table);
    if (!buttons.length) continue;
    // one stop for the tab key; the arrow keys go from cell to cell
    const enter = (button) => {
      for (const other of buttons) other.tabIndex = other === button ? 0 : -1;
    };
    const place = (button) => button.dataset.cell.split("-").map(Number);
    table.addEventListener("keydown", (event) => {
      const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
      if (!step || !event.target.dataset.cell) return;
      event.preventDefault();
      let [row, column] = place(event.target);
      const size = table.tBodies[0].rows.length;
      while ((row += step[0]) >= 0 && (column += step[1]) >= 0 && row < size && column < size) {
        const next = table.querySelector(`[data-cell="${row}-${column}"]`);
        if (next) { enter(next); next.focus(); return; }
      }
    });
    for (const button of buttons) {
      button.addEventListener("click", () => { enter(button); open(table.dataset.study, button.dataset.cell); });
    }
    enter(buttons[0]);
  }
  for (const pair of all("button.pair")) {
    pair.addEventListener("click", () => {
      open(pair.dataset.study, pair.dataset.cell);
      document.getElementById(`${pair.dataset.study}-gallery`).scrollIntoView({ block: "nearest" });
    });
  }
  for (const gallery of all(".gallery")) {
    const study = gallery.id.split("-")[0];
    const start = document.querySelector(`button.pair[data-study="${study}"]`) ||
      document.querySelector(`#${study}-matrix button`);
    if (start) open(study, start.dataset.cell);
  }
  for (const button of all("[data-show]")) {
    button.addEventListener("click", () => {
      document.getElementById(button.dataset.for).classList.toggle("rates", button.dataset.show === "rates");
      for (const other of all("[data-show]", button.parentElement)) other.setAttribute("aria-pressed", other === button);
    });
  }

  for (const button of all("[data-tab]")) {
    button.addEventListener("click", () => {
      for (const other of all("[data-tab]", button.parentElement)) {
        other.setAttribute("aria-pressed", other === button);
        document.getElementById(other.dataset.tab).classList.toggle("shut", other !== button);
      }
    });
  }

  const theme = document.getElementById("theme");
  theme.hidden = false;
  theme.addEventListener("click", () => {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });
  const copy = document.getElementById("copy");
  if (copy && navigator.clipboard) {
    copy.hidden = false;
    copy.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(document.getElementById("command").textContent);
        copy.textContent = "copied";
      } catch {
        copy.textContent = "not allowed here";
      }
    });
  }

  // the contents say where the reader is
  const links = new Map(all(".contents a").map((link) => [link.getAttribute("href").slice(1), link]));
  if ("IntersectionObserver" in window) {
    const watcher = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting) continue;
        for (const [name, link] of links) link.classList.toggle("here", name === entry.target.id);
      }
    }, { rootMargin: "-12% 0px -78% 0px" });
    for (const section of all("section[id]")) watcher.observe(section);
  }
})();
