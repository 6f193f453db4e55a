// What a page can do beyond being read: contents that follow, sections that fold, tables that sort, filter and copy,
// definitions beside a name. Every page can be read with scripts switched off.
(function () {
  "use strict";
  const all = (what, inside) => Array.from((inside || document).querySelectorAll(what));
  function made(tag, text, attributes) {
    const element = document.createElement(tag);
    element.textContent = text || "";
    Object.entries(attributes || {}).forEach(([name, value]) => element.setAttribute(name, value));
    return element;
  }
  function button(text, attributes, act) {
    const element = made("button", text, Object.assign({ type: "button" }, attributes));
    element.addEventListener("click", () => act(element));
    return element;
  }

  // One line that says what just happened, seen and read aloud.
  const said = document.body.appendChild(made("div", "", { class: "said hide-print", role: "status" }));
  let quiet;
  function say(text) {
    said.textContent = text;
    clearTimeout(quiet);
    quiet = setTimeout(() => { said.textContent = ""; }, 2500);
  }
  // Where the clipboard is not open to a page (some browsers, for files): by a selection.
  function copy(text, done) {
    function selected() {
      const box = document.body.appendChild(made("textarea", "", { class: "skip", "aria-hidden": "true" }));
      const back = document.activeElement;
      box.value = text;
      box.select();
      const worked = document.execCommand("copy");
      box.remove();
      if (back) { back.focus({ preventScroll: true }); }
      say(worked ? done : "The browser does not let this page copy.");
    }
    if (!navigator.clipboard) { selected(); return; }
    navigator.clipboard.writeText(text).then(() => say(done), selected);
  }

  // On paper nothing is folded.
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = all("details:not([open])");
    closed.forEach((part) => { part.open = true; });
  });
  addEventListener("afterprint", () => closed.forEach((part) => { part.open = false; }));

  // Sections fold to their headings.
  const sections = all("main > section[id]").filter((section) => section.querySelector(":scope > h2 > .anchor"));
  function fold(section, shut) {
    section.classList.toggle("folded", shut);
    section.firstChild.setAttribute("aria-expanded", String(!shut));
  }
  sections.forEach((section) => {
    const title = "Section " + section.querySelector("h2").firstChild.textContent;
    section.prepend(button("", { class: "fold hide-print", "aria-expanded": "true", "aria-label": title },
      () => fold(section, !section.classList.contains("folded"))));
  });

  // A link to something inside a folded part opens it.
  function unfold() {
    let target = null;
    try {
      target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    } catch (error) { /* an address that was cut in the middle of a letter */ }
    if (!target) { return; }
    for (let part = target; part; part = part.parentElement) {
      if (part.tagName === "DETAILS") { part.open = true; }
      if (part.classList.contains("folded")) { fold(part, false); }
    }
    target.scrollIntoView();
  }
  addEventListener("hashchange", unfold);
  unfold();
  all(".anchor").forEach((anchor) => anchor.addEventListener("click", () => {
    copy(anchor.href, "Address of this section copied");
  }));

  // Contents say where the reader is, close behind a choice where they lie over the page, and hold the page's switches.
  const contents = document.querySelector(".follows details");
  if (contents) {
    const links = new Map(all("a", contents).map((link) => [link.getAttribute("href").slice(1), link]));
    const parts = Array.from(links.keys()).map((id) => document.getElementById(id));
    const here = contents.firstChild.appendChild(made("span", "", { class: "here" }));
    const seen = new Set();
    const watch = new IntersectionObserver((changes) => {
      changes.forEach((change) => { seen[change.isIntersecting ? "add" : "delete"](change.target); });
      const current = parts.filter((part) => seen.has(part)).pop();
      links.forEach((link) => link.removeAttribute("aria-current"));
      if (!current) { return; }
      const link = links.get(current.id), box = contents.parentElement;
      link.setAttribute("aria-current", "true");
      here.textContent = link.textContent;
      if (box.scrollHeight > box.clientHeight) { box.scrollTop = link.offsetTop - box.clientHeight / 2; }
    }, { rootMargin: "0px 0px -70% 0px" });
    parts.forEach((part) => watch.observe(part));
    const beside = matchMedia("(min-width:75rem)");
    const place = () => { contents.open = beside.matches; };
    beside.addEventListener("change", place);
    place();
    contents.addEventListener("click", (event) => {
      if (!beside.matches && event.target.closest("li a")) { contents.open = false; }
    });
    addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !beside.matches) { contents.open = false; }
    });
    const switches = contents.querySelector("ol").appendChild(made("li", "", { class: "switches" }));
    switches.append(button("Fold all", { "aria-pressed": "false" }, (press) => {
      const shut = press.getAttribute("aria-pressed") === "false";
      sections.forEach((section) => fold(section, shut));
      press.setAttribute("aria-pressed", String(shut));
      press.textContent = shut ? "Unfold all" : "Fold all";
    }));
    if (document.querySelector("tbody th .leading")) {
      switches.append(button("Hide leading KPIs", { "aria-pressed": "false" }, (press) => {
        const hidden = document.body.classList.toggle("no-leading");
        press.setAttribute("aria-pressed", String(hidden));
        press.textContent = hidden ? "Show leading KPIs" : "Hide leading KPIs";
      }));
    }
  }

  // Tables. Columns sort by number where all their entries begin with one, by month or day, otherwise by text.
  const FEW = 6, MANY = 12;
  const printed = (cell) => cell.textContent.replace(/\s+/g, " ").trim();
  function value(text) {
    if (text === "" || /^[–—]/.test(text)) { return null; }
    if (/^\p{L}+ \d{4}$/u.test(text) && Date.parse("1 " + text)) { return Date.parse("1 " + text); }
    const number = /^\d{4}-/.test(text) ? null : text.replace(/^[≥≤±+\s]*/, "").match(/^([−-]?)([\d,]*\.?\d+)/);
    return number ? Number((number[1] && "-") + number[2].replace(/,/g, "")) : text;
  }
  function keys(rows, column) {
    const found = rows.map((row) => {
      const cell = row.cells[column];
      return cell.hasAttribute("data-sort") ? cell.getAttribute("data-sort") : printed(cell);
    });
    const values = found.map(value);
    return values.every((one) => one === null || typeof one === "number")
      ? values : values.map((one, i) => (one === null ? null : found[i]));
  }
  function compare(a, b, up) {
    if (a === null || b === null) { return a === b ? 0 : a === null ? 1 : -1; } // without a value: last both ways
    const order = typeof a === "number" ? a - b
      : a.localeCompare(b, document.documentElement.lang, { numeric: true });
    return up ? order : -order;
  }
  function sort(table, header, up) {
    const body = table.tBodies[0], rows = Array.from(body.rows), key = keys(rows, header.cellIndex);
    all("th[aria-sort]", table).forEach((th) => th.removeAttribute("aria-sort"));
    header.setAttribute("aria-sort", up ? "ascending" : "descending");
    rows.map((row, i) => [key[i], row]).sort((a, b) => compare(a[0], b[0], up)).forEach((one) => body.append(one[1]));
  }
  function sortable(table) {
    table.addEventListener("order", (event) => { // asked for by another part of the page
      sort(table, table.tHead.rows[0].cells[event.detail.column], event.detail.up);
    });
    Array.from(table.tHead.rows[0].cells).forEach((header) => {
      const press = button("", {}, () => sort(table, header, header.getAttribute("aria-sort") !== "ascending"));
      press.append(...Array.from(header.childNodes).filter((part) => part.nodeName !== "SMALL"));
      header.prepend(press);
    });
  }
  // As text between tabs, for a spreadsheet; what it would take for a formula has an apostrophe before it.
  function asText(table) {
    const safe = (text) => (/^[=@+-]/.test(text) && !/^[+-][\d.,]+ ?%?$/.test(text) ? "'" + text : text);
    return Array.from(table.rows).filter((row) => !row.hidden)
      .map((row) => Array.from(row.cells).map((cell) => safe(printed(cell))).join("\t")).join("\n");
  }
  function filter(table) {
    const label = made("label", "Filter "), box = made("input", "", { type: "search", autocomplete: "off" });
    const count = made("span", "", { role: "status" }), rows = Array.from(table.tBodies[0].rows);
    label.append(box);
    box.setAttribute("aria-label", "Filter rows of: " + printed(table.caption));
    box.addEventListener("input", () => {
      const words = box.value.toLocaleLowerCase().trim();
      rows.forEach((row) => { row.hidden = printed(row).toLocaleLowerCase().indexOf(words) < 0; });
      count.textContent = words ? rows.filter((row) => !row.hidden).length + " of " + rows.length + " rows" : "";
    });
    return [label, count];
  }
  all(".scroll > table").forEach((table) => {
    const many = table.tHead && table.tBodies[0] ? table.tBodies[0].rows.length : 0;
    const plain = !table.matches(".heat, .scorecard") && !table.querySelector(".blank");
    if (table.matches(".sortable") || (plain && many >= FEW)) { sortable(table); }
    if (!many || table.matches(".portfolio")) { return; } // the index has a form of its own
    const tools = made("div", "", { class: "tools hide-print" });
    if (plain && many > MANY && !table.matches(".filtered")) { // a form of the page filters those
      tools.classList.add("filter");
      tools.append(...filter(table));
    }
    tools.append(button("Copy", { class: "copy", "aria-label": "Copy table: " + printed(table.caption || table) },
      () => copy(asText(table), "Table copied")));
    table.parentElement.before(tools);
  });

  // A box that may scroll sideways can be reached and scrolled with the keyboard.
  all(".scroll:not([tabindex])").forEach((box) => {
    box.tabIndex = 0;
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", printed(box.querySelector("caption") || box).slice(0, 99));
  });

  // Rows that become cards on a phone name their columns, and keep the roles that a changed display would take away.
  all("table.stack").forEach((table) => {
    const labels = Array.from(table.tHead.rows[0].cells).map((cell) => Array.from(cell.childNodes)
      .filter((part) => part.nodeName !== "SMALL").map((part) => part.textContent).join("").trim());
    table.setAttribute("role", "table");
    [table.tHead, table.tBodies[0]].forEach((part) => part.setAttribute("role", "rowgroup"));
    Array.from(table.rows).forEach((row) => {
      row.setAttribute("role", "row");
      Array.from(row.cells).forEach((cell, column) => {
        const header = cell.scope === "col" ? "columnheader" : cell.scope === "row" ? "rowheader" : "cell";
        cell.setAttribute("role", header);
        if (table.classList.contains("r" + (column + 1))) { cell.classList.add("r"); }
        if (header !== "columnheader") { cell.setAttribute("data-label", labels[column]); }
      });
    });
    table.classList.add("stacked");
    if (labels.length > 6 || table.matches(".scorecard")) { table.classList.add("cards"); } // on a tablet too
  });

  // The definition of a KPI opens beside its name; the link to the list of all stays in it.
  let open = null;
  function shut(back) {
    if (!open) { return; }
    open.box.remove();
    open.link.removeAttribute("aria-expanded");
    if (back) { open.link.focus(); }
    open = null;
  }
  addEventListener("click", (event) => {
    const link = event.target.closest && event.target.closest("a.kpi");
    const same = open && open.link === link;
    if (!open || !open.box.contains(event.target)) { shut(false); }
    const name = link && document.getElementById(link.getAttribute("href").slice(1));
    const row = name && name.closest("tr");
    if (!row || event.ctrlKey || event.metaKey || event.shiftKey || row.contains(link)) { return; }
    event.preventDefault();
    if (same) { return; }
    const box = made("div", "", { class: "popover hide-print", role: "dialog", "aria-label": "Definition" });
    const more = made("a", "All definitions", { href: link.getAttribute("href") });
    const heads = Array.from(row.closest("table").tHead.rows[0].cells).map(printed);
    box.append(made("b", printed(name)), made("p", printed(row.cells[1])), made("p", Array.from(row.cells).slice(2)
      .map((cell, i) => heads[i + 2] + ": " + printed(cell)).join(" · "), { class: "muted" }), more);
    more.addEventListener("click", () => shut(false));
    document.body.append(box);
    const at = link.getBoundingClientRect();
    box.style.left = Math.max(8, Math.min(at.left, document.documentElement.clientWidth - box.offsetWidth - 8)) + "px";
    box.style.top = at.bottom + scrollY + 4 + "px";
    link.setAttribute("aria-expanded", "true");
    open = { box: box, link: link };
    more.focus({ preventScroll: true });
  });
  addEventListener("keydown", (event) => { if (event.key === "Escape") { shut(true); } });

  // A link to another period leads to what is read now: the section at the top of the window, the filters of an index.
  function reading() {
    if (location.hash.includes("=")) { return location.hash; }
    const above = all("main > section[id]").filter((part) => part.getBoundingClientRect().top < innerHeight / 3).pop();
    return above ? "#" + above.id : "";
  }
  ["pointerdown", "click"].forEach((kind) => document.addEventListener(kind, (event) => {
    const link = event.target.closest("a[rel=prev],a[rel=next]");
    if (link) { link.hash = reading(); }
  }));
})();
