// Opens folded parts on paper, sorts and filters tables. Every page can be read with scripts switched off.
(function () {
  "use strict";
  var folded = [];
  addEventListener("beforeprint", function () {
    folded = Array.from(document.querySelectorAll("details:not([open])"));
    folded.forEach(function (d) { d.open = true; });
  });
  addEventListener("afterprint", function () {
    folded.forEach(function (d) { d.open = false; });
  });

  // A link to something inside a folded part opens it.
  function unfold() {
    var id = decodeURIComponent(location.hash.slice(1));
    var target = id && document.getElementById(id);
    for (var d = target; d; d = d.parentElement) { if (d.tagName === "DETAILS") { d.open = true; } }
    if (target) { target.scrollIntoView(); }
  }
  addEventListener("hashchange", unfold);
  unfold();

  function key(row, column) {
    var cell = row.cells[column];
    var text = cell.hasAttribute("data-sort") ? cell.getAttribute("data-sort") : cell.textContent.trim();
    var number = Number(text);
    return text === "" || isNaN(number) ? text : number;
  }
  function compare(a, b) {
    if (a === "" || b === "") { return a === b ? 0 : a === "" ? 2 : -2; }
    if (typeof a === "number" && typeof b === "number") { return a < b ? -1 : a > b ? 1 : 0; }
    var order = String(a).localeCompare(String(b), document.documentElement.lang, { numeric: true });
    return order < 0 ? -1 : order > 0 ? 1 : 0;
  }
  function sort(table, header, up) {
    var column = header.cellIndex;
    table.querySelectorAll("th[aria-sort]").forEach(function (th) { th.removeAttribute("aria-sort"); });
    header.setAttribute("aria-sort", up ? "ascending" : "descending");
    var rows = Array.from(table.tBodies[0].rows).map(function (row) { return { row: row, key: key(row, column) }; });
    rows.sort(function (a, b) {
      var order = compare(a.key, b.key);
      return Math.abs(order) === 2 || up ? order : -order; // rows without a value stay last both ways
    });
    rows.forEach(function (item) { table.tBodies[0].appendChild(item.row); });
  }
  document.querySelectorAll("table.sortable").forEach(function (table) {
    Array.from(table.tHead.rows[0].cells).forEach(function (header) {
      var button = document.createElement("button");
      button.type = "button";
      while (header.firstChild) { button.appendChild(header.firstChild); }
      header.appendChild(button);
      button.addEventListener("click", function () {
        sort(table, header, header.getAttribute("aria-sort") !== "ascending");
      });
    });
  });

  // Rows that become cards on a phone name their columns, and keep the roles that a changed display would take away.
  document.querySelectorAll("table.stack").forEach(function (table) {
    var labels = Array.from(table.tHead.rows[0].cells).map(function (cell) {
      return Array.from(cell.querySelector("button") ? cell.querySelector("button").childNodes : cell.childNodes)
        .filter(function (part) { return part.nodeName !== "SMALL"; })
        .map(function (part) { return part.textContent; }).join("").trim();
    });
    table.setAttribute("role", "table");
    [table.tHead, table.tBodies[0]].forEach(function (part) { part.setAttribute("role", "rowgroup"); });
    Array.from(table.rows).forEach(function (row) {
      row.setAttribute("role", "row");
      Array.from(row.cells).forEach(function (cell, column) {
        var header = cell.scope === "col" ? "columnheader" : cell.scope === "row" ? "rowheader" : "cell";
        cell.setAttribute("role", header);
        if (header !== "columnheader") { cell.setAttribute("data-label", labels[column]); }
      });
    });
    table.classList.add("stacked");
  });

  // The index: a row stays if its text holds the words and its data-states holds the chosen state.
  document.querySelectorAll("form.filters").forEach(function (form) {
    var table = document.getElementById(form.getAttribute("data-table"));
    var empty = document.getElementById(form.getAttribute("data-table") + "-nothing");
    function apply() {
      var words = form.elements.text.value.toLocaleLowerCase().trim(), state = form.elements.state.value, shown = 0;
      Array.from(table.tBodies[0].rows).forEach(function (row) {
        var fits = row.textContent.toLocaleLowerCase().indexOf(words) >= 0 &&
          (!state || (" " + row.getAttribute("data-states") + " ").indexOf(" " + state + " ") >= 0);
        row.hidden = !fits;
        shown += fits ? 1 : 0;
      });
      empty.hidden = shown > 0;
    }
    form.hidden = false;
    form.addEventListener("input", apply);
    form.elements.order.addEventListener("change", function () {
      var chosen = this.value.split(" "); // such as "2 down": column and direction
      sort(table, table.tHead.rows[0].cells[chosen[0]], chosen[1] === "up");
    });
    form.addEventListener("submit", function (event) { event.preventDefault(); });
  });
})();
