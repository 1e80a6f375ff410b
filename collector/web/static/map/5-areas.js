/* Areas: which outline belongs to which district, and the share of schools that meet the target, drawn on them. */
(function () {
  "use strict";
  const atlas = window.EnlaceAtlas;
  const MOST_COUNTRIES = 5;
  const SAMPLE = 400;

  const fold = (name) => name.normalize("NFD").replace(/[\u0300-\u036f]/g, "").toLowerCase().trim();

  /* Returns the countries that hold schools, the one with most of them first. */
  atlas.countriesOf = function (data, land) {
    const step = Math.max(1, Math.floor(data.placed.length / SAMPLE)), counts = {};
    for (let k = 0; k < data.placed.length; k += step) {
      const i = data.placed[k];
      const shape = land.find((one) => one.properties.c && atlas.contains(one, data.x[i], data.y[i]));
      if (shape) counts[shape.properties.c] = (counts[shape.properties.c] || 0) + 1;
    }
    return Object.keys(counts).sort((a, b) => counts[b] - counts[a]).slice(0, MOST_COUNTRIES);
  };

  /* Returns the districts of the data, each with an outline of its name that holds at least half of its schools, or
     else a circle in the middle of its schools: nobody knows its borders, so none are drawn. */
  atlas.joinAreas = function (data, shapes) {
    const byName = new Map(shapes.map((shape) => [fold(shape.properties.n || ""), shape]));
    const members = data.areas.map(() => []);
    data.placed.forEach(function (i) {
      if (data.area[i] >= 0) members[data.area[i]].push(i);
    });
    const shares = new Map(data.shares.map((row) => [row[0], row]));
    return data.areas.map(function (name, number) {
      const here = members[number], row = shares.get(number) || [number, 0, 0, 0];
      const area = { name: name, schools: row[1], judged: row[2], meets: row[3], share: row[2] ? row[3] / row[2] : null };
      const shape = byName.get(fold(name));
      if (shape) {
        const inside = here.filter((i) => atlas.contains(shape, data.x[i], data.y[i])).length;
        if (2 * inside >= here.length) area.shape = shape;
      }
      if (area.shape) area.middle = atlas.middle(area.shape);
      else if (here.length) area.circle = { lon: median(here.map((i) => data.x[i])), lat: median(here.map((i) => data.y[i])) };
      return area;
    });
  };

  function median(values) {
    const sorted = values.sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)];
  }

  function hatch(pen, colours) {
    const tile = document.createElement("canvas");
    tile.width = tile.height = 6;
    const on = tile.getContext("2d");
    on.fillStyle = colours["ramp-few"];
    on.fillRect(0, 0, 6, 6);
    on.strokeStyle = colours.insuf;
    on.lineWidth = 1.2;
    on.beginPath();
    [[-1, 1, 1, -1], [0, 6, 6, 0], [5, 7, 7, 5]].forEach(function (line) {
      on.moveTo(line[0], line[1]);
      on.lineTo(line[2], line[3]);
    });
    on.stroke();
    return pen.createPattern(tile, "repeat");
  }

  const radiusOf = (area) => Math.max(20, Math.min(46, 12 + 2.4 * Math.sqrt(area.schools)));

  /* Draws every district in the shade of its share with the number on it; returns what can be pressed. */
  atlas.drawShares = function (pen, view, areas, few, colours) {
    const hatched = hatch(pen, colours), pressed = [], taken = [];
    const fillOf = (area) => (area.judged < few ? hatched : colours["ramp-" + Math.min(4, Math.floor(area.share * 5))]);
    areas.forEach(function (area) {
      const path = new Path2D();
      if (area.shape) {
        if (!atlas.trace(path, area.shape, view)) return;
      } else if (area.circle) {
        area.x = atlas.toX(view, area.circle.lon);
        area.y = atlas.toY(view, area.circle.lat);
        path.arc(area.x, area.y, radiusOf(area), 0, 2 * Math.PI);
      } else {
        return;
      }
      pen.fillStyle = fillOf(area);
      pen.fill(path);
      pen.strokeStyle = area.shape ? colours.coast : colours.ink2;
      pen.lineWidth = 1;
      pen.stroke(path);
      pressed.push({ path: path, area: area });
    });
    areas.slice().sort((a, b) => b.schools - a.schools).forEach((area) => label(pen, view, area, few, taken, colours));
    return pressed;
  };

  function label(pen, view, area, few, taken, colours) {
    const at = area.shape ? [area.middle.x * view.scale - view.x, area.middle.y * view.scale - view.y] : [area.x, area.y];
    if (!area.shape && !area.circle) return;
    const room = area.shape ? area.middle.width * view.scale : 2 * radiusOf(area);
    const share = area.judged < few ? atlas.says.few : atlas.number(100 * area.share) + "\u00a0%";
    const name = { text: area.name, font: "13px " + colours.font, colour: colours.ink };
    const figure = { text: share, font: "600 14px " + colours.font, colour: colours.ink };
    pen.font = name.font;
    if (pen.measureText(area.name).width < room + 40 && atlas.write(pen, [name, figure], at[0], at[1], taken, colours, colours.surface)) return;
    atlas.write(pen, [figure], at[0], at[1], taken, colours, colours.surface);
  }
})();
