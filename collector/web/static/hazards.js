/* The map of a hazard: shows shape and schools, or lets a shape be drawn, corner by corner, into the field below it. */
(function () {
  "use strict";
  const atlas = window.EnlaceAtlas, L = window.L;
  const place = document.getElementById("hazard-map");
  if (!place || !L) return;
  const given = place.dataset, says = JSON.parse(given.says), isDrawing = given.mode === "draw";
  const VERDICTS = ["INSUFFICIENT", "BORDERLINE", "NOT_TESTABLE", "MEETS"]; // the shapes that stand for the four standings
  const MANY = 600; // so many schools are dots
  const WINDOW = { west: -119, south: -57, east: -25, north: 33.5 }; // what land.json holds
  const outlines = { land: [], areas: [], countries: new Set() };
  let colours = atlas.colours(), data = { x: [], y: [], standing: [] }, rings = [], corners = [], map = null, layer = null;
  const field = document.getElementById("shape");

  const get = (address) => fetch(address, { credentials: "same-origin" }).then(function (answer) {
    if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
    return answer.json();
  });
  const outline = (name) => get(given.geo + name + ".json?v=" + given.version).then(atlas.shapesOf);

  /* Every ring of a GeoJSON value, as lists of [longitude, latitude]; what is none has none. */
  function ringsOf(value) {
    if (!value || typeof value !== "object") return [];
    if (value.type === "FeatureCollection") return [].concat(...(value.features || []).map(ringsOf));
    if (value.type === "Feature") return ringsOf(value.geometry);
    if (value.type === "Polygon") return value.coordinates || [];
    if (value.type === "MultiPolygon") return [].concat(...(value.coordinates || []));
    return [];
  }

  function readField() {
    try {
      rings = ringsOf(JSON.parse(field.value));
    } catch (error) {
      rings = [];
    }
    if (!Array.isArray(rings)) rings = [];
    layer.ask();
  }

  function paint(pen, view) {
    atlas.drawLand(pen, view, outlines, colours);
    const path = new Path2D();
    rings.forEach((ring) => trace(path, ring, view, true));
    if (corners.length) trace(path, corners, view, corners.length > 2);
    pen.save();
    pen.globalAlpha = 0.16;
    pen.fillStyle = colours.accent;
    pen.fill(path, "evenodd");
    pen.restore();
    pen.strokeStyle = colours.accent;
    pen.lineWidth = 2.5;
    pen.stroke(path);
    drawSchools(pen, view);
    corners.forEach(function (corner) {
      pen.fillStyle = colours.accent;
      pen.beginPath();
      pen.arc(atlas.toX(view, corner[0]), atlas.toY(view, corner[1]), 5, 0, 2 * Math.PI);
      pen.fill();
    });
    given.drawn = String(Number(given.drawn || 0) + 1);
  }

  function trace(path, ring, view, isClosed) {
    if (!Array.isArray(ring)) return;
    ring.forEach(function (point, number) {
      const x = atlas.toX(view, Number(point[0])), y = atlas.toY(view, Number(point[1]));
      if (number) path.lineTo(x, y);
      else path.moveTo(x, y);
    });
    if (isClosed) path.closePath();
  }

  function drawSchools(pen, view) {
    const isMany = data.x.length > MANY;
    data.x.forEach(function (longitude, i) {
      const x = atlas.toX(view, longitude), y = atlas.toY(view, data.y[i]);
      if (x < -20 || y < -20 || x > view.width + 20 || y > view.height + 20) return;
      const verdict = VERDICTS[data.standing ? data.standing[i] : 3];
      if (!isMany && data.standing) return atlas.drawSchool(pen, x, y, verdict, colours, false);
      pen.fillStyle = data.standing ? colours.verdicts[verdict] : colours.ink2;
      pen.fillRect(x - 2, y - 2, 4, 4);
      return undefined;
    });
  }

  /* ---- drawing ---- */

  function write() {
    if (corners.length > 2) {
      const round = corners.map((one) => [Math.round(one[0] * 1e5) / 1e5, Math.round(one[1] * 1e5) / 1e5]);
      field.value = JSON.stringify({ type: "Polygon", coordinates: [round.concat([round[0]])] });
    } else {
      field.value = "";
    }
    rings = [];
    document.getElementById("draw-count").textContent = says.corners.replace("{count}", String(corners.length));
    layer.ask();
  }

  function addCorner(at) {
    corners.push([at.lng, at.lat]);
    write();
  }

  function listen() {
    document.getElementById("draw-tools").hidden = document.getElementById("draw-how").hidden = false;
    map.on("click", (event) => addCorner(event.latlng));
    document.getElementById("draw-here").addEventListener("click", () => addCorner(map.getCenter()));
    document.getElementById("draw-back").addEventListener("click", function () { corners.pop(); write(); });
    document.getElementById("draw-clear").addEventListener("click", function () { corners = []; write(); });
    field.addEventListener("input", function () { corners = []; readField(); });
    readField();
  }

  /* ---- start ---- */

  function start() {
    place.textContent = "";
    map = L.map(place, {
      zoomControl: false, attributionControl: false, zoomAnimation: false, fadeAnimation: false, markerZoomAnimation: false,
      inertia: false, zoomSnap: 0.25, minZoom: 1, maxZoom: 15, wheelPxPerZoomLevel: 120, doubleClickZoom: !isDrawing,
    });
    L.control.zoom({ zoomInTitle: says.zoomIn, zoomOutTitle: says.zoomOut }).addTo(map);
    const source = L.control({ position: "topright" });
    source.onAdd = function () {
      const made = L.DomUtil.create("div", "map-source");
      made.textContent = given.demo ? says.invented : says.natural;
      return made;
    };
    source.addTo(map);
    rings = ringsOf(data.shape);
    const points = data.x.map((x, i) => [data.y[i], x]).concat(...rings.map((ring) => ring.map((one) => [one[1], one[0]])));
    const box = L.latLngBounds(points);
    if (box.isValid()) map.fitBounds(box.pad(0.06), { maxZoom: 12 });
    else map.fitBounds([[-40, -100], [28, -34]]);
    layer = new atlas.Layer(paint);
    layer.addTo(map);
    if (isDrawing) listen();
    new MutationObserver(function () { colours = atlas.colours(); layer.ask(); })
      .observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  }

  async function fetchOutlines() {
    const add = function (kind, shapes) { outlines[kind] = outlines[kind].concat(shapes); layer.ask(); };
    const isIn = (x, i) => x >= WINDOW.west && x <= WINDOW.east && data.y[i] >= WINDOW.south && data.y[i] <= WINDOW.north;
    if (given.demo) add("areas", await outline("demo"));
    if (!data.x.every(isIn)) add("land", await outline("world"));
    add("land", await outline("land"));
  }

  get(given.source).then(function (found) {
    data = found;
    start();
    return fetchOutlines().catch(() => undefined); // without outlines there are still the shape and the schools
  }).catch(function () {
    place.textContent = says.failed;
  });
})();
