// Values of a figure under the pointer, a finger or the arrow keys, read from the table behind it. A row is tied to a
// mark only if that is certain: by its dots in order, by the name on an axis, or by marks whose heights fit a column.
(function () {
  "use strict";
  const number = (text) => {
    const found = text.replace(/,/g, "").match(/^[^\d−-]*([−-]?)(\d*\.?\d+)/);
    return found ? Number((found[1] && "-") + found[2]) : NaN;
  };
  const words = (cell) => cell.textContent.replace(/\s+/g, " ").trim();
  const plain = (text) => text.trim().replace(/_/g, " ").toLowerCase();
  const at = (mark) => { // the middle of an element, in the units of the drawing
    const box = mark.getBBox(), to = mark.ownerSVGElement.getCTM().inverse().multiply(mark.getCTM());
    return new DOMPoint(box.x + box.width / 2, box.y + box.height / 2).matrixTransform(to);
  };
  // Places of dots that are one path: M x y h0, again and again.
  function dots(svg, rows) {
    for (const path of svg.querySelectorAll("path")) {
      const d = path.getAttribute("d") || "";
      if (!/^(M[\d.-]+ [\d.-]+h0)+$/.test(d)) { continue; }
      const points = d.match(/M[\d.-]+ [\d.-]+/g).map((one) => one.slice(1).split(" ").map(Number));
      const known = rows.filter((row) => !isNaN(number(words(row.cells[1]))));
      if (points.length === known.length) { return known.map((row, i) => ({ rows: [row], x: points[i][0], y: points[i][1] })); }
    }
    return null;
  }
  // Largest distance from a straight line through the ends.
  function bend(values, places) {
    const low = values.indexOf(Math.min(...values)), high = values.indexOf(Math.max(...values));
    if (values[low] === values[high] || values.some(isNaN)) { return Infinity; }
    const slope = (places[high] - places[low]) / (values[high] - values[low]);
    return Math.abs(slope) < 1e-9 ? Infinity
      : Math.max(...values.map((v, i) => Math.abs(places[low] + slope * (v - values[low]) - places[i])));
  }
  // Marks of one shape, as many as rows with a value, whose heights (or, lying, widths) are those of a column: in the
  // order of the rows, or in any order where a second column fits the other way.
  function fitted(rows, found, column) {
    const values = rows.map((row) => number(words(row.cells[column])));
    if (Math.min(bend(values, found.map((p) => p.y)), bend(values, found.map((p) => p.x))) < 3) {
      return rows.map((row, i) => ({ rows: [row], x: found[i].x, y: found[i].y }));
    }
    const other = (row) => number(words(row.cells[column - 1]));
    if (column < 2 || rows.some((row) => isNaN(other(row)))) { return null; }
    const of = (row) => number(words(row.cells[column]));
    const ordered = rows.slice().sort((a, b) => of(b) - of(a) || other(a) - other(b));
    const places = found.slice().sort((a, b) => (Math.abs(a.y - b.y) > 0.3 ? a.y - b.y : a.x - b.x));
    const fits = bend(ordered.map(of), places.map((p) => p.y)) < 3 && bend(ordered.map(other), places.map((p) => p.x)) < 3;
    return fits ? ordered.map((row, i) => ({ rows: [row], x: places[i].x, y: places[i].y })) : null;
  }
  function marks(svg, rows) {
    const kinds = new Map();
    svg.querySelectorAll("use").forEach((use) => {
      const kind = use.getAttribute("href") + (use.parentNode.getAttribute("style") || use.getAttribute("style"));
      kinds.set(kind, (kinds.get(kind) || []).concat(use));
    });
    for (let column = 1; column < rows[0].cells.length; column += 1) {
      const known = rows.filter((row) => row.cells[column] && !isNaN(number(words(row.cells[column]))));
      for (const found of kinds.values()) {
        const points = found.length > 1 && found.length === known.length && fitted(known, found.map(at), column);
        if (points) { return points; }
      }
    }
    return null;
  }
  // Rows whose first cell is printed on an axis: across, or, where two or more are, along a scale between them.
  const day = (text) => { // a day as 2026-04-06 is printed as 6 Apr, and a week by its Monday
    const week = text.match(/^(\d{4})-W(\d\d)$/);
    const date = week ? new Date(Date.UTC(week[1], 0, 4)) : /^\d{4}-\d\d-\d\d$/.test(text) ? new Date(text) : null;
    if (week) { date.setUTCDate(4 - (date.getUTCDay() || 7) + 1 + 7 * (week[2] - 1)); }
    return date && date.getUTCDate() + " " + date.toLocaleString("en", { month: "short", timeZone: "UTC" });
  };
  function names(svg, rows) {
    const texts = Array.from(svg.querySelectorAll("text")).map((text) => [text, plain(text.textContent)]);
    const ticks = new Map();
    rows.forEach((row, i) => {
      const name = plain(words(row.cells[0])), other = plain(day(words(row.cells[0])) || "");
      const tick = texts.find(([, said]) => said === name || (said && said === other) || said.endsWith(": " + name));
      if (!tick) { return; }
      const one = ticks.get(tick[0]) || Object.assign({ rows: [], i: i }, { x: at(tick[0]).x, y: at(tick[0]).y });
      one.rows.push(row);
      ticks.set(tick[0], one);
    });
    const found = Array.from(ticks.values()), x = found.map((one) => one.x), y = found.map((one) => one.y);
    if (!found.length || found.some((one) => one.rows.length > 3)) { return null; }
    const wide = Math.max(...x) - Math.min(...x), high = Math.max(...y) - Math.min(...y);
    if (found.reduce((sum, one) => sum + one.rows.length, 0) === rows.length) {
      return found.map((one) => (wide < 90 ? { rows: one.rows, y: one.y } : high < 9 ? { rows: one.rows, x: one.x } : one));
    }
    if (found.length < 2 || high > 9 || bend(found.map((one) => one.i), x) > 3) { return null; }
    const first = found[0], last = found[found.length - 1], step = (last.x - first.x) / (last.i - first.i);
    return rows.map((row, i) => ({ rows: [row], x: first.x + step * (i - first.i) }));
  }
  // What the axes say of a place, where both have numbers and the drawing has one panel.
  function scale(svg) {
    const ticks = Array.from(svg.querySelectorAll("text"))
      .filter((text) => /^[±+−-]?[\d.,]+( ?(%|pp|s|d|h|k|EUR))?$/.test(text.textContent.trim()))
      .map((text) => Object.assign(at(text), { value: number(text.textContent), text: text.textContent.trim() }));
    const bottom = ticks.filter((t) => Math.abs(t.y - Math.max(...ticks.map((o) => o.y))) < 4);
    const left = ticks.filter((t) => bottom.indexOf(t) < 0 && t.x < 60);
    if (bottom.length < 3 || left.length < 3 || bottom.length + left.length !== ticks.length) { return null; }
    if (bend(bottom.map((t) => t.value), bottom.map((t) => t.x)) > 3 ||
        bend(left.map((t) => t.value), left.map((t) => t.y)) > 3) { return null; }
    const read = (list, way, place) => {
      const a = list[0], b = list[list.length - 1];
      const size = Math.abs(list[1].value - list[0].value), places = size >= 10 ? 0 : size >= 1 ? 1 : 2;
      const found = a.value + (place - a[way]) / (b[way] - a[way]) * (b.value - a.value);
      return found.toFixed(places).replace("-", "−") + b.text.replace(/^[^\d]*[\d.,]+/, "");
    };
    const under = Array.from(svg.querySelectorAll("text")).find((text) => at(text).y > bottom[0].y + 4);
    const axis = under ? " " + under.textContent.trim() : "";
    return (x, y) => read(left, "y", y) + " at " + read(bottom, "x", x) + axis;
  }

  document.querySelectorAll("figure").forEach((figure) => {
    const rows = Array.from(figure.querySelectorAll("tbody tr"));
    const box = document.createElement("div");
    box.className = "value-at hide-print";
    box.setAttribute("role", "status");
    let cursor = null, current = -1;
    function hide() {
      box.remove();
      if (cursor) { cursor.remove(); }
      current = -1;
    }
    function show(svg, lines, x, y, across) {
      const view = svg.viewBox.baseVal, to = svg.getScreenCTM(), frame = figure.getBoundingClientRect();
      const place = new DOMPoint(x, y).matrixTransform(to);
      if (!cursor) { cursor = document.createElementNS(svg.namespaceURI, "path"); }
      cursor.setAttribute("class", "cursor");
      svg.append(cursor);
      cursor.setAttribute("d", across ? "M0 " + y + "H" + view.width : "M" + x + " 0V" + view.height);
      box.replaceChildren(...lines.map((line, i) => {
        const part = document.createElement(i ? "div" : "b");
        part.textContent = line;
        return part;
      }));
      figure.append(box);
      box.style.left = Math.max(0, Math.min(place.x - frame.left + 10, figure.clientWidth - box.offsetWidth)) + "px";
      box.style.top = Math.max(0, place.y - frame.top - box.offsetHeight - 10) + "px";
    }
    figure.querySelectorAll(".plot").forEach((plot) => {
      const svg = plot.querySelector("svg");
      plot.tabIndex = 0;
      plot.setAttribute("role", "group");
      plot.setAttribute("aria-label", "Chart; arrow keys read its values");
      let points, read;
      function ready() { // nothing is measured before somebody asks
        if (points === undefined) {
          points = (rows.length && (dots(svg, rows) || names(svg, rows) || marks(svg, rows))) || null;
          read = points ? null : scale(svg);
        }
      }
      function told(row, from) {
        const heads = Array.from(row.closest("table").tHead.rows[0].cells).map(words);
        return Array.from(row.cells).map(words).map((cell, c) => (/^–?$/.test(cell) || c < from ? "" : heads[c] + " " + cell))
          .filter(Boolean).slice(0, 5).join(" · ");
      }
      function point(i) {
        const one = points[i], across = one.x === undefined, view = svg.viewBox.baseVal;
        const lines = [words(one.rows[0].cells[0])].concat(one.rows.map((row) => told(row, 1)));
        current = i;
        show(svg, lines, across ? view.width / 2 : one.x, one.y === undefined ? 14 : one.y, across);
      }
      function nearest(event) {
        ready();
        const place = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
        if (points) {
          const both = points.every((p) => p.x !== undefined && p.y !== undefined), by = points[0].x === undefined ? "y" : "x";
          const far = points.map((p) => Math.abs(p[by] - place[by]) + (both ? Math.abs(p.y - place.y) / 50 : 0));
          point(far.indexOf(Math.min(...far)));
        } else if (read) {
          show(svg, [read(place.x, place.y)], place.x, place.y);
        }
      }
      plot.addEventListener("pointermove", nearest);
      plot.addEventListener("pointerdown", nearest);
      plot.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") { hide(); } });
      plot.addEventListener("blur", hide);
      plot.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 1, ArrowUp: -1 }[event.key];
        ready();
        if (event.key === "Escape") { hide(); }
        if (!step || !points) { return; }
        event.preventDefault();
        point(Math.max(0, Math.min(points.length - 1, current + step)));
      });
    });
    document.addEventListener("pointerdown", (event) => { if (!figure.contains(event.target)) { hide(); } });
  });
})();
