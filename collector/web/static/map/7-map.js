/* The map: loads the schools, draws them, lets the list lead and follow. Nothing here is needed to read the page. */
(function () {
  "use strict";
  const atlas = window.EnlaceAtlas;
  const L = window.L;
  const place = document.getElementById("map");
  if (!place) return;
  const given = place.dataset, picked = document.getElementById("picked"), body = document.getElementById("picked-body");
  const close = picked.querySelector("button"), wide = window.matchMedia("(min-width:900px)");
  const isAreas = given.layer === "areas";
  const WINDOW = { west: -119, south: -57, east: -25, north: 33.5 }; // what land.json holds
  const NEAR_PX = 14; // a press so far from a mark still means it
  atlas.says = JSON.parse(given.says);

  let colours = atlas.colours(), data = null, index = null, list = null, map = null, layer = null, areas = [];
  let shown = new Set(given.chosen.split(",")), chosen = null, pinned = null, marks = [], pressed = [], view = null, cameFrom = null;
  const outlines = { land: [], areas: [], countries: new Set() };

  const get = (address) => fetch(address, { credentials: "same-origin" }).then(function (answer) {
    if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
    return answer;
  });
  const outline = (name) => get(given.geo + name + ".json?v=" + given.version).then((answer) => answer.json()).then(atlas.shapesOf);

  /* ---- drawing ---- */

  function paint(pen, found) {
    view = found;
    const land = atlas.drawLand(pen, view, outlines, colours);
    if (!data) return;
    if (isAreas) {
      pressed = atlas.drawShares(pen, view, areas, Number(given.few), colours);
    } else {
      drawSchools(pen);
      const taken = marks.map((mark) => [mark.x - mark.r, mark.y - mark.r, mark.x + mark.r, mark.y + mark.r]);
      atlas.nameAreas(pen, view, areas, land, taken, colours);
    }
    placeCard();
    tell();
  }

  /* For whoever looks from outside, a test or the bench: that it is drawn, and what is. */
  function tell() {
    if (!given.drawn) performance.mark("map-drawn");
    given.drawn = String(Number(given.drawn || 0) + 1);
    place.schoolsDrawn = () => marks.map((mark) => ({
      x: mark.x - view.margin.x, y: mark.y - view.margin.y, code: mark.i === undefined ? null : data.code[mark.i],
      verdict: mark.i === undefined ? null : atlas.markOf(data, mark.i), counts: mark.counts || null,
    }));
  }

  function drawSchools(pen) {
    const west = atlas.toLon(view, 0), east = atlas.toLon(view, view.width);
    const found = atlas.inBox(index, data, west, atlas.toLat(view, view.height), east, atlas.toLat(view, 0), view.zoom);
    marks = [];
    found.forEach(function (mark) {
      mark.x = atlas.toX(view, mark.lon);
      mark.y = atlas.toY(view, mark.lat);
      mark.r = mark.counts ? atlas.ringRadius(total(mark.counts)) : 9.5;
      marks.push(mark);
    });
    marks.sort((a, b) => a.r - b.r || a.y - b.y);
    marks.forEach(function (mark) {
      if (mark.counts) atlas.drawRing(pen, mark.x, mark.y, mark.counts, colours);
      else atlas.drawSchool(pen, mark.x, mark.y, atlas.markOf(data, mark.i), colours, false);
    });
    if (chosen === null || data.y[chosen] === null || !shown.has(atlas.verdictOf(data, chosen))) return;
    const mark = { i: chosen, x: atlas.toX(view, data.x[chosen]), y: atlas.toY(view, data.y[chosen]), r: 13 };
    atlas.drawSchool(pen, mark.x, mark.y, atlas.markOf(data, chosen), colours, true);
    marks.push(mark);
  }

  const total = (counts) => Object.keys(counts).reduce((sum, name) => sum + counts[name], 0);

  /* ---- the card of what is chosen ---- */

  function openCard(at) {
    pinned = at;
    picked.hidden = false;
    close.hidden = false;
    placeCard();
  }

  function placeCard() {
    picked.style.left = picked.style.top = picked.style.bottom = "";
    if (picked.hidden || !pinned || !wide.matches || !view) return;
    const size = map.getSize(), x = atlas.toX(view, pinned[0]) - view.margin.x, y = atlas.toY(view, pinned[1]) - view.margin.y;
    const width = picked.offsetWidth, height = picked.offsetHeight, gap = 26;
    const below = y + gap + height < size.y || y < size.y / 2;
    picked.style.left = Math.round(Math.max(56, Math.min(size.x - width - 8, x - width / 2))) + "px";
    picked.style.top = Math.round(Math.max(8, Math.min(size.y - height - 8, below ? y + gap : y - gap - height))) + "px";
    picked.style.bottom = "auto";
  }

  function closeCard() {
    if (picked.hidden) return;
    const held = picked.contains(document.activeElement);
    picked.hidden = true;
    pinned = null;
    if (data && !isAreas) choose(null);
    atlas.remember({ school: null });
    if (held) (cameFrom && document.contains(cameFrom) ? cameFrom : place).focus();
  }

  function choose(i) {
    chosen = i;
    if (list) list.choose(i);
    rebuild();
  }

  /* Choose a school: from is the link that was pressed, or null for the map itself. */
  function pick(i, from) {
    cameFrom = from ? list.box.querySelector("li[data-code='" + CSS.escape(data.code[i]) + "'] .pin") : place;
    choose(i);
    atlas.remember({ school: data.code[i] });
    body.textContent = "";
    const title = document.createElement("h2");
    title.textContent = data.name[i];
    body.appendChild(title);
    openCard(data.y[i] === null ? null : [data.x[i], data.y[i]]);
    if (from) picked.focus({ preventScroll: wide.matches });
    get(given.card + "?school=" + encodeURIComponent(data.code[i])).then((answer) => answer.text()).then(function (text) {
      if (chosen !== i) return;
      body.innerHTML = text; // from our own address, escaped there
      placeCard();
    }).catch(() => { body.appendChild(paragraph(atlas.says.verdicts[atlas.verdictOf(data, i)])); });
  }

  function paragraph(text) {
    const made = document.createElement("p");
    made.textContent = text;
    return made;
  }

  /* Several schools at one place that no zoom parts: all of them in one card. */
  function openMany(mark) {
    const found = index.getLeaves(mark.id, Infinity).map((leaf) => leaf.properties.i).sort((a, b) => a - b);
    const title = document.createElement("h2"), rows = document.createElement("ol");
    title.textContent = atlas.many(atlas.says.here, found.length);
    found.forEach((i) => rows.appendChild(atlas.row(data, i, given.schools)));
    rows.addEventListener("click", function (event) {
      const pin = event.target.closest(".pin");
      if (!pin || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      pick(data.numberOf.get(pin.closest("li").dataset.code), pin);
    });
    cameFrom = place;
    choose(null);
    body.textContent = "";
    body.appendChild(title);
    body.appendChild(rows);
    openCard([mark.lon, mark.lat]);
  }

  /* ---- presses ---- */

  function at(event) {
    const x = event.containerPoint.x + view.margin.x, y = event.containerPoint.y + view.margin.y;
    let best = null, least = Infinity;
    marks.forEach(function (mark) {
      const away = Math.hypot(mark.x - x, mark.y - y) - mark.r;
      if (away < NEAR_PX && away <= least) {
        least = Math.max(away, 0);
        best = mark;
      }
    });
    return best;
  }

  function pressSchools(event) {
    const mark = at(event);
    if (!mark) return closeCard();
    if (!mark.counts) return pick(mark.i, null);
    const zoom = index.getClusterExpansionZoom(mark.id);
    const leaves = index.getLeaves(mark.id, Infinity);
    const first = leaves[0].properties.i;
    const isOnePlace = leaves.every((leaf) => data.lat[leaf.properties.i] === data.lat[first] && data.lon[leaf.properties.i] === data.lon[first]);
    if (isOnePlace || zoom > atlas.MAX_ZOOM || map.getZoom() >= atlas.MAX_ZOOM) return openMany(mark);
    return map.setView([mark.lat, mark.lon], Math.max(zoom, map.getZoom() + 1));
  }

  function pressAreas(event) {
    const pen = layer._canvas.getContext("2d");
    const x = (event.containerPoint.x + view.margin.x) * view.ratio, y = (event.containerPoint.y + view.margin.y) * view.ratio;
    const found = pressed.filter((one) => pen.isPointInPath(one.path, x, y)).pop();
    const rows = Array.from(document.querySelectorAll(".map-list .map-row"));
    rows.forEach((row) => row.classList.toggle("chosen", Boolean(found) && row.dataset.area === found.area.name));
    const row = rows.find((one) => one.classList.contains("chosen"));
    if (!row) return closeCard();
    row.scrollIntoView({ block: "nearest" });
    body.textContent = "";
    [".num", ".who"].forEach((part) => body.appendChild(row.querySelector(part).cloneNode(true)));
    cameFrom = place;
    return openCard([atlas.toLon(view, event.containerPoint.x + view.margin.x), atlas.toLat(view, event.containerPoint.y + view.margin.y)]);
  }

  /* ---- list and legend ---- */

  function rebuild() {
    if (isAreas) return;
    index = atlas.makeClusters(data, shown, chosen);
    layer.ask();
  }

  function follow(first) {
    if (isAreas) return;
    const bounds = map.getBounds(), west = bounds.getWest(), east = bounds.getEast(), south = bounds.getSouth(), north = bounds.getNorth();
    const isIn = (i) => data.y[i] !== null && data.y[i] >= south && data.y[i] <= north && data.x[i] >= west && data.x[i] <= east;
    const isWhole = data.placed.every(isIn), found = [];
    for (let i = 0; i < data.count; i++)
      if (shown.has(atlas.verdictOf(data, i)) && (isIn(i) || (isWhole && data.y[i] === null))) found.push(i);
    list.show(found, first || 0);
  }

  function listenToLegend() {
    const boxes = Array.from(document.querySelectorAll(".map-legend input"));
    document.querySelectorAll(".map-apply").forEach((button) => { button.hidden = true; });
    boxes.forEach((box) => box.addEventListener("change", function () {
      const names = boxes.filter((one) => one.checked).map((one) => one.value), every = names.length === boxes.length;
      shown = new Set(every ? data.verdicts : names);
      const address = atlas.address({ verdict: every ? null : names, page: null });
      window.history.replaceState(null, "", address);
      document.querySelectorAll(".follows").forEach(function (one) {
        const place = one.tagName === "FORM" ? "action" : "href", target = new URL(one[place]);
        target.searchParams.delete("verdict");
        if (!every) target.searchParams.set("verdict", names.join(","));
        one[place] = target.href;
      });
      rebuild();
      follow();
    }));
  }

  /* ---- start ---- */

  function makeMap() {
    place.textContent = "";
    map = L.map(place, {
      zoomControl: false, attributionControl: false, zoomAnimation: false, fadeAnimation: false, markerZoomAnimation: false,
      inertia: false, zoomSnap: 0.25, minZoom: 1, maxZoom: atlas.MAX_ZOOM, wheelPxPerZoomLevel: 120,
    });
    L.control.zoom({ zoomInTitle: atlas.says.zoomIn, zoomOutTitle: atlas.says.zoomOut }).addTo(map);
    L.control.scale({ imperial: false, maxWidth: 120 }).addTo(map);
    const source = L.control({ position: "topright" });
    source.onAdd = function () {
      const made = L.DomUtil.create("div", "map-source");
      made.textContent = given.demo ? atlas.says.invented : atlas.says.natural;
      return made;
    };
    source.addTo(map);
    const box = L.latLngBounds(data.placed.map((i) => [data.y[i], data.x[i]]));
    if (box.isValid()) map.fitBounds(box.pad(0.06), { maxZoom: 12, paddingTopLeft: [24, 16], paddingBottomRight: [8, 16] });
    else map.fitBounds([[-40, -100], [28, -34]]);
    layer = new atlas.Layer(paint);
    layer.addTo(map);
    map.on("click", isAreas ? pressAreas : pressSchools);
    map.on("moveend", () => follow());
    map.on("mousemove", function (event) {
      if (!isAreas && view) place.style.cursor = at(event) ? "pointer" : "";
    });
  }

  function drawOutlines(kind, shapes) {
    outlines[kind] = outlines[kind].concat(shapes);
    areas = atlas.joinAreas(data, outlines.areas);
    layer.ask();
  }

  async function fetchOutlines(land) {
    const inside = (i) => data.x[i] >= WINDOW.west && data.x[i] <= WINDOW.east && data.y[i] >= WINDOW.south && data.y[i] <= WINDOW.north;
    if (given.demo) drawOutlines("areas", await outline("demo"));
    if (!data.placed.every(inside)) drawOutlines("land", await outline("world"));
    const shapes = await land;
    drawOutlines("land", shapes);
    const found = atlas.countriesOf(data, shapes);
    await Promise.all(found.map(async function (code) {
      const country = await outline("areas-" + code.toLowerCase()).catch(() => null); // some countries are not divided
      if (!country) return;
      outlines.countries.add(code);
      drawOutlines("areas", country);
    }));
  }

  function start(found) {
    data = atlas.readPlaces(found);
    if (!isAreas) list = new atlas.List(data, given.schools, Number(given.rows), pick);
    const page = Number(new URL(window.location.href).searchParams.get("page") || 1);
    makeMap();
    areas = atlas.joinAreas(data, []);
    if (isAreas) return;
    chosen = data.numberOf.has(given.picked) ? data.numberOf.get(given.picked) : null;
    rebuild();
    follow((page - 1) * Number(given.rows));
    list.choose(chosen);
    listenToLegend();
    if (chosen !== null && data.y[chosen] !== null) openCard([data.x[chosen], data.y[chosen]]);
  }

  function fail() {
    place.textContent = "";
    const said = paragraph(atlas.says.failed);
    said.className = "map-wait";
    said.setAttribute("role", "status");
    place.appendChild(said);
  }

  close.hidden = false;
  close.addEventListener("click", closeCard);
  document.addEventListener("keydown", function (event) {
    if (event.key === "Escape") closeCard();
  });
  window.matchMedia("(prefers-color-scheme:dark)").addListener(function () {
    colours = atlas.colours();
    if (layer) layer.ask();
  });
  const land = outline("land");
  land.catch(() => []);
  get(given.source).then((answer) => answer.json()).then(start).then(function () {
    fetchOutlines(land).catch(() => { given.plain = "1"; }); // schools on an empty sea are still schools
  }, fail);
})();
