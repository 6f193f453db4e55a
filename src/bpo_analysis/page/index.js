// The index: one form filters every table of the page, and the address says what it is set to.
(function () {
  "use strict";
  var form = document.querySelector("form.filters");
  if (!form) { return; }
  var names = ["text", "state", "kpi", "order"], fields = form.elements, section = "";
  var table = document.getElementById("portfolio"), body = table.tBodies[0];
  var heads = Array.from(table.tHead.rows[0].cells), rows = Array.from(body.rows);
  var others = Array.from(document.querySelectorAll("table.filtered"));

  function has(list, word) { return (" " + (list || "") + " ").indexOf(" " + word + " ") >= 0; }
  function reads(row, words) { return row.textContent.toLocaleLowerCase().indexOf(words) >= 0; }
  function column() {
    return heads.findIndex(function (head) { return fields.kpi.value && head.dataset.kpi === fields.kpi.value; });
  }
  function count(list) { return list.filter(function (row) { return !row.hidden; }).length; }
  function say(of, list) {
    of.closest("section").querySelector(".nothing").hidden = count(list) > 0;
  }

  function apply() {
    var words = fields.text.value.toLocaleLowerCase().trim(), state = fields.state.value, at = column(), fits = {};
    table.style.setProperty("--columns", at > 0 ? 1 : heads.length - 1);
    function fold(row) {
      Array.from(row.cells).forEach(function (one, i) { one.hidden = at > 0 && i > 0 && i !== at; });
    }
    Array.from(table.tHead.rows).forEach(fold);
    rows.forEach(function (row) {
      var cell = at > 0 ? row.cells[at] : null;
      fold(row);
      // With a KPI chosen, a state is that of the KPI; a report fails as a whole.
      var states = cell && state !== "failed" ? cell.dataset.states : row.dataset.states;
      var is = (!state || has(states, state)) && !(cell && cell.dataset.sort === "");
      fits[row.dataset.partner] = is;
      row.hidden = !(is && reads(row, words));
    });
    say(table, rows);
    others.forEach(function (other) {
      var list = Array.from(other.tBodies[0].rows);
      list.forEach(function (row) {
        var about = at <= 0 || !("kpis" in row.dataset) || has(row.dataset.kpis, fields.kpi.value);
        row.hidden = !(about && fits[row.dataset.partner] && reads(row, words));
      });
      say(other, list);
    });
    var set = words || state || at > 0;
    form.querySelector("output").value = set ? count(rows) + " of " + rows.length + " partners" : "";
  }

  function order() {
    var chosen = fields.order.value.split(" "); // such as "2 down": column and direction
    if (chosen.length < 2) {
      heads.forEach(function (head) { head.removeAttribute("aria-sort"); });
      rows.forEach(function (row) { body.appendChild(row); });
    } else {
      var detail = { column: Number(chosen[0]), up: chosen[1] === "up" };
      table.dispatchEvent(new CustomEvent("order", { detail: detail }));
    }
  }

  function write() {
    var set = names.filter(function (name) { return fields[name].value; }).map(function (name) {
      return name + "=" + encodeURIComponent(fields[name].value);
    });
    var parts = section ? [section].concat(set) : set;
    history.replaceState(null, "", parts.length ? "#" + parts.join("&") : location.href.split("#")[0]);
  }
  function read() {
    var parts = location.hash.slice(1).split("&"), given = {};
    section = parts[0].indexOf("=") < 0 ? parts.shift() : "";
    parts.forEach(function (part) {
      var cut = part.indexOf("=");
      try { given[part.slice(0, cut)] = decodeURIComponent(part.slice(cut + 1)); } catch (error) { /* no such text */ }
    });
    if (!parts.length) { write(); return; } // a link to a section leaves the filters as they are
    names.forEach(function (name) {
      fields[name].value = given[name] || "";
      if (!fields[name].value) { fields[name].value = ""; } // a choice that this page does not offer
    });
    order();
    apply();
    var target = section && document.getElementById(section);
    if (target) { target.scrollIntoView(); }
  }

  form.addEventListener("input", function (event) {
    if (event.target === fields.order) { order(); } else { apply(); }
    write();
  });
  form.querySelector("button").addEventListener("click", function () {
    form.reset();
    order();
    apply();
    write();
  });
  form.addEventListener("submit", function (event) { event.preventDefault(); });
  table.tHead.addEventListener("click", function () {
    heads.forEach(function (head, i) {
      var way = head.getAttribute("aria-sort");
      if (way) { fields.order.value = i + (way === "ascending" ? " up" : " down"); }
    });
    write();
  });
  addEventListener("hashchange", read);
  read();
})();
